/**
 * The names that outputs had before their values were asserted: a file with test cases calls its
 * outputs after the assertions.
 * @module
 */
import type { Model } from "../trace/load.ts";
import { isExpected } from "../trace/testcase.ts";

/** The names of a file's outputs in order, those of what is asserted in the place of assertions. */
export function plainOutputNames(model: Model): readonly string[] {
  const { operators, outputs } = model.listing();
  const names = new Map(operators.flatMap((o) => o.outputs).map(({ id, name }) => [id, name]));
  return outputs.map(({ name, id }) => {
    const check = operators.find((o) => o.type === "AssertEqual" && o.outputs[0].id === id);
    const expected = check && names.get(check.inputs[0]);
    return expected !== undefined && isExpected(expected)
      ? expected.slice(0, -":expect".length)
      : name;
  });
}
