/**
 * A scalar body as a composition of operations: what an elementwise operation means to a reader
 * that does not know it, such as a model file.
 * @module
 */
import { StageError } from "../core/fault.ts";
import { literal } from "../core/leaf.ts";
import type { Attrs, Op } from "../core/op.ts";
import { type Kind, kindOf, type Prim, printScalar, s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import type { DType } from "../core/type.ts";
import { abs, exp, log, mod, pow, sqrt } from "./math.ts";
import { add, div, maximum, minimum, mul, neg, sub } from "./arithmetic.ts";
import { bitAnd, bitOr, bitXor, shl, shr } from "./bits.ts";
import { eq, le, lt } from "./compare.ts";
import { isNan, logicalAnd, logicalNot, logicalOr } from "./logic.ts";
import { ceil, floor, round, trunc } from "./round.ts";
import { as, where } from "./select.ts";
import { acos, asin, atan, atan2, cos, sin, tan, tanh } from "./trig.ts";

const dtypeOfKind: Readonly<Record<Exclude<Kind, "u32">, DType>> = {
  f32: "f32",
  i32: "i32",
  bool: "bool",
};

/**
 * An elementwise operation as other operations: floats are computed as f32 and integers as i32, as
 * targets do, and narrowed at the end. Throws StageError for bodies that work on bits of floats.
 */
export function fromScalar(op: Op, ins: readonly Tensor[], attrs: Attrs, to: DType): Tensor {
  const kinds = ins.map((t) => kindOf(t.dtype));
  const wide = ins.map((t, i) => as(t, dtypeOfKind[kinds[i] as Exclude<Kind, "u32">]));
  const body = op.scalar!(kinds.map((k, i) => s.arg(i, k)), attrs, ins);
  const memo = new Map<Scalar, Tensor>();
  const at = (term: Scalar): Tensor => {
    const known = memo.get(term);
    if (known) return known;
    const made = part(op, term, wide, at);
    memo.set(term, made);
    return made;
  };
  return as(at(body), to);
}

function part(op: Op, term: Scalar, ins: readonly Tensor[], at: (t: Scalar) => Tensor): Tensor {
  if (term.kind === "arg") return ins[term.index];
  if (term.kind === "lit" && term.type !== "u32") {
    return literal(term.value, dtypeOfKind[term.type]);
  }
  if (term.kind === "call") {
    if (term.fn === "shl" || term.fn === "shr") {
      const [x, by] = term.args;
      if (x.type === "i32" && by.kind === "lit") {
        return (term.fn === "shl" ? shl : shr)(at(x), literal(by.value, "i32"));
      }
    } else if (term.args.every((a) => a.type !== "u32") && term.type !== "u32") {
      const make = compositions[term.fn];
      if (make) return make(term.args.map(at), term.args[0].type);
    }
  }
  throw new StageError(
    `Cannot write ${op.name} as other operations: ${
      printScalar(term).slice(0, 60)
    } has no counterpart`,
    { code: "stage.composition" },
  );
}

type Make = (args: readonly Tensor[], kind: Kind) => Tensor;

/** Quotient and remainder of integers truncate here; the operations' own are floored. */
function truncated(a: Tensor, b: Tensor): Tensor {
  return as(trunc(div(as(a, "f32"), as(b, "f32"))), "i32");
}

const compositions: Partial<Readonly<Record<Prim, Make>>> = {
  add: ([a, b]) => add(a, b),
  sub: ([a, b]) => sub(a, b),
  mul: ([a, b]) => mul(a, b),
  div: ([a, b], kind) => kind === "f32" ? div(a, b) : truncated(a, b),
  rem: ([a, b], kind) => kind === "f32" ? mod(a, b) : sub(a, mul(truncated(a, b), b)),
  min: ([a, b]) => minimum(a, b),
  max: ([a, b]) => maximum(a, b),
  neg: ([a]) => neg(a),
  abs: ([a]) => abs(a),
  pow: ([a, b]) => pow(a, b),
  atan2: ([a, b]) => atan2(a, b),
  sqrt: ([a]) => sqrt(a),
  exp: ([a]) => exp(a),
  log: ([a]) => log(a),
  sin: ([a]) => sin(a),
  cos: ([a]) => cos(a),
  tan: ([a]) => tan(a),
  asin: ([a]) => asin(a),
  acos: ([a]) => acos(a),
  atan: ([a]) => atan(a),
  tanh: ([a]) => tanh(a),
  floor: ([a]) => floor(a),
  ceil: ([a]) => ceil(a),
  trunc: ([a]) => trunc(a),
  round: ([a]) => round(a),
  isNan: ([a]) => isNan(a),
  roundF16: ([a]) => as(as(a, "f16"), "f32"),
  lt: ([a, b]) => lt(a, b),
  le: ([a, b]) => le(a, b),
  eq: ([a, b]) => eq(a, b),
  not: ([a]) => logicalNot(a),
  and: ([a, b]) => logicalAnd(a, b),
  or: ([a, b]) => logicalOr(a, b),
  bitAnd: ([a, b]) => bitAnd(a, b),
  bitOr: ([a, b]) => bitOr(a, b),
  bitXor: ([a, b]) => bitXor(a, b),
  select: ([c, a, b]) => where(c, a, b),
  toF32: ([a]) => as(a, "f32"),
  toI32: ([a]) => as(a, "i32"),
};
