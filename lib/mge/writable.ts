/**
 * Which operations a file can hold, as themselves or as a composition: found by writing the cases
 * that each operation states.
 * @module
 */
import { arg, constant } from "../core/leaf.ts";
import type { Case, CaseInput, Op } from "../core/op.ts";
import { apply, type Tensor } from "../core/tensor.ts";
import { checked } from "../op/field.ts";
import { graphOf } from "../stage/stage.ts";
import { dumpGraph } from "./dump.ts";

/** True if at least one of the operation's cases can be written in this container. */
export function isWritable(op: Op, format: "FBS" | "FBS_V2"): boolean {
  return op.cases.some((c) =>
    isCaseWritable(op, c, format, (input) => arg("type" in input ? input.type : input)) ||
    // What a file has to know, as a random key, is a constant there.
    isCaseWritable(op, c, format, (input) => "type" in input ? arg(input.type) : constant(input))
  );
}

function isCaseWritable(
  op: Op,
  { ins, attrs = {} }: Case,
  format: "FBS" | "FBS_V2",
  operandOf: (input: CaseInput) => Tensor,
): boolean {
  try {
    const operands = ins.map(operandOf);
    const roots = apply(op, operands, checked(op.name, op.fields, attrs, operands));
    dumpGraph(graphOf(operands.filter((t) => !t.node.data), roots), { format });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
