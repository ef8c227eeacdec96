/**
 * Types of inputs as they are written on the command line: `image=f32[1,3,224,224]`.
 * @module
 */
import { type DType, dtypes, type Named, printType } from "../core/type.ts";
import { isExpected } from "../trace/testcase.ts";
import { withLeaves } from "./module_model.ts";
import type { Opened } from "./opened.ts";
import { suggestion, usageError } from "./parse.ts";

/**
 * The types to stage an opened model for, in the form that its function takes: those that texts of
 * `flag` state by name, the model's own elsewhere.
 */
export function stagedTypes(
  opened: Opened,
  texts: readonly string[],
  flag: string,
): readonly unknown[] {
  if (opened.kind === "module") {
    const { types, inputs } = opened.module;
    return texts.length ? withLeaves(types, stated(inputs, texts, flag)) : types;
  }
  const own = opened.model.inputs.filter(({ name }) => !isExpected(name)) as unknown as Named[];
  const types = stated(own, texts, flag);
  for (const [i, { name, dtype }] of types.entries()) {
    if (dtype === own[i].dtype) continue;
    throw usageError(
      `Cannot take ${dtype} for the input ${name}: the file's operators are for ` +
        `${printType(own[i])}`,
    );
  }
  return types;
}

function stated(inputs: readonly Named[], texts: readonly string[], flag: string): Named[] {
  const found = new Map<string, Named>();
  for (const text of texts) {
    const [, name, dtype, extents] = /^(.+)=(\w+)\[([\d,]*)\]$/s.exec(text) ?? [];
    if (name === undefined || !dtypes.includes(dtype as DType)) {
      throw usageError(
        `Cannot take ${text} for --${flag}: it is written NAME=f32[1,3,224,224]; dtypes are ` +
          dtypes.join(", "),
      );
    }
    const names = inputs.map((input) => input.name);
    if (!names.includes(name)) {
      throw usageError(
        `Cannot take ${text} for --${flag}: the model has no input ${name}, it has ` +
          `${names.join(", ") || "none"}; ${suggestion(name, names)}`,
      );
    }
    if (found.has(name)) throw usageError(`Cannot take two types for the input ${name}`);
    const shape = extents === "" ? [] : extents.split(",").map(Number);
    found.set(name, { name, dtype: dtype as DType, shape });
  }
  return inputs.map((input) => found.get(input.name) ?? input);
}
