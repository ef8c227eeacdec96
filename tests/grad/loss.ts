/**
 * Scalar functions of the float operands of operations' cases, by which gradients are judged.
 * @module
 */
import type { Host } from "../../lib/core/host.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Case, Op } from "../../lib/core/op.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { checked } from "../../lib/op/field.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { isSmall, random } from "../ops/case_values.ts";

/** A scalar function of the float operands of a case: outputs weighted by fixed numbers. */
export function lossOf(
  op: Op,
  c: Case,
  hosts: readonly Host[],
  seed: number,
): (xs: Tensor[]) => Tensor {
  return (xs) => {
    let at = 0;
    const ins = hosts.map((h, i) => isVaried(c, h, i) ? xs[at++] : constant(h));
    const ys = apply(op, ins, checked(op.name, op.fields, c.attrs ?? {}, ins));
    const next = random(seed);
    return ys.filter((y) => y.dtype === "f32").map((y) => {
      const weights = Float32Array.from({ length: sizeOf(y.shape) }, () => next() * 2 - 1);
      return sum(mul(y, tensor(weights, y.shape)));
    }).reduce((a, b) => add(a, b));
  };
}

/** True for an operand by which the case is differentiated. */
export function isVaried(c: Case, h: Host, i: number): boolean {
  return h.dtype === "f32" && (!Array.isArray(c.gradient) || c.gradient.includes(i));
}

/** True for a case whose gradient can be judged: it has one, and floats to take it by. */
export function isDifferentiable(op: Op, c: Case, hosts: readonly Host[]): boolean {
  if (c.gradient === false || !isSmall(c, 400) || !(op.vjp || op.compose)) return false;
  if (!hosts.some((h) => h.dtype === "f32") || hosts.some((h) => h.dtype === "f16")) return false;
  const ins = hosts.map((h) => constant(h));
  const [out] = op.infer(ins, checked(op.name, op.fields, c.attrs ?? {}, ins));
  return out.dtype === "f32";
}
