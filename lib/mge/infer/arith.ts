/**
 * Arithmetic that one operator does: a product and a sum, two products, a sum and what follows it,
 * powers by a number. The released MegEngine fuses these in every dump for inference.
 * @module
 */
import { isFloat, sameShape, sizeOf } from "../../core/type.ts";
import type { Drafted, Var } from "../emitter.ts";
import { member, table } from "../legal/steps.ts";
import { type ListRule, modeOf, numberIn, type Rewriting } from "./rewrite.ts";

/** Fuses what ends in an operator. */
export const fuseArithmetic: ListRule = (d, at) => {
  if (!isFloat(d.outs[0].dtype)) return undefined;
  switch (modeOf(d)) {
    case "ADD":
      return productAndSum(d, at);
    case "RELU":
    case "SIGMOID":
    case "TANH":
    case "H_SWISH":
      return afterSum(d, at);
    case "POW":
      return power(d, at);
    default:
      return undefined;
  }
};

function fused(d: Drafted, at: Rewriting, mode: string, ins: readonly Var[]): Var {
  const param = table("Elemwise", { mode: member("ElemwiseMode", mode) });
  return at.e.opr("Elemwise", [param], ins, d.outs[0], { label: d.label });
}

/** The factors of a product that nothing else uses, the smaller one first. */
function factorsOf(v: Var, at: Rewriting): readonly [Var, Var] | undefined {
  const { from } = at.of(v);
  if (at.uses(v) !== 1 || modeOf(from) !== "MUL") return undefined;
  const [a, b] = from.ins;
  return sizeOf(a.shape) > sizeOf(b.shape) ? [b, a] : [a, b];
}

/** a·b + c where c has the shape of a factor, a·A + b·B where the factors have the same shapes. */
function productAndSum(d: Drafted, at: Rewriting): Var | undefined {
  const [x, y] = d.ins;
  const [left, right] = [factorsOf(x, at), factorsOf(y, at)];
  if (left && right && left.every((v, i) => sameShape(v.shape, right[i].shape))) {
    return fused(d, at, "FUSE_MUL_ADD4", [...left, ...right]);
  }
  for (const [factors, other] of [[left, y], [right, x]] as const) {
    const c = at.of(other);
    if (factors?.some((v) => sameShape(v.shape, c.shape))) {
      return fused(d, at, "FUSE_MUL_ADD3", [...factors, c]);
    }
  }
  return undefined;
}

function afterSum(d: Drafted, at: Rewriting): Var | undefined {
  const [x] = d.ins;
  const { from } = at.of(x);
  if (at.uses(x) !== 1 || modeOf(from) !== "ADD") return undefined;
  return fused(d, at, `FUSE_ADD_${modeOf(d)}`, from.ins);
}

/** Loaders refuse the powers 0 and 1. */
function power(d: Drafted, at: Rewriting): Var | undefined {
  const [x, exponent] = d.ins.map(at.of);
  const exp = numberIn(exponent);
  if (exp === undefined || exp === 0 || exp === 1 || !sameShape(x.shape, d.outs[0].shape)) {
    return undefined;
  }
  return at.e.opr("PowC", [table("PowC", { exp })], [x], d.outs[0], { label: d.label });
}
