/**
 * What WebAssembly has no instruction for, as terms over what it has. Shared parts are one object
 * and to be computed once; expand last, for rebuilding a term by `call` forgets what may be fused.
 * @module
 */
import type { Call, Prim, Scalar } from "../../lib/core/scalar.ts";
import { acosOf, asinOf, atan2Of, atanOf } from "./prims_arc.ts";
import { expOf, logOf, tanhOf } from "./prims_exp.ts";
import { powOf } from "./prims_pow.ts";
import { remOf, roundF16Of, roundOf } from "./prims_round.ts";
import { cosOf, sinOf, tanOf } from "./prims_trig.ts";

export { fused, type FusedCall, isFused } from "./fused.ts";

/** The terms; each takes the arguments of its primitive. */
const expansions: Readonly<Partial<Record<Prim, (a: Scalar, b: Scalar) => Scalar>>> = {
  exp: expOf,
  log: logOf,
  tanh: tanhOf,
  sin: sinOf,
  cos: cosOf,
  tan: tanOf,
  asin: asinOf,
  acos: acosOf,
  atan: atanOf,
  atan2: atan2Of,
  pow: powOf,
  round: roundOf,
  roundF16: roundF16Of,
  rem: remOf,
};

/** An equal term over primitives with instructions; `undefined` for these, and for integers. */
export function expand({ fn, type, args: [a, b] }: Call): Scalar | undefined {
  return type === "f32" ? expansions[fn]?.(a, b) : undefined;
}

/** How far an expansion may be from the truth. */
export interface PrimError {
  /** Units in the last place of the exact result, where `fused` rounds once. */
  readonly ulp: number;
  /** The same where it rounds twice. */
  readonly unfusedUlp: number;
  /** Where this holds, and what holds elsewhere; empty for all arguments. */
  readonly where: string;
  /** Times |x| the error of the reduced argument, to be added where `fused` rounds twice. */
  readonly unfusedDrift?: number;
}

const turns = "|x| up to 1e5";

/** Found over all floats for functions of one, over 10^8 random pairs for those of two. */
export const primErrors = {
  exp: { ulp: 0.87, unfusedUlp: 1.2, where: "results from 2^-126; 0 below" },
  log: { ulp: 0.95, unfusedUlp: 0.95, where: "" },
  tanh: { ulp: 1.35, unfusedUlp: 1.35, where: "" },
  sin: { ulp: 1.9, unfusedUlp: 2.1, where: turns, unfusedDrift: 3e-15 },
  cos: { ulp: 1.9, unfusedUlp: 2.1, where: turns, unfusedDrift: 3e-15 },
  tan: { ulp: 3.5, unfusedUlp: 3.9, where: turns, unfusedDrift: 3e-15 },
  asin: { ulp: 2.4, unfusedUlp: 2.4, where: "" },
  acos: { ulp: 1.3, unfusedUlp: 1.3, where: "" },
  atan: { ulp: 1.8, unfusedUlp: 2, where: "" },
  atan2: { ulp: 1.8, unfusedUlp: 2, where: "" },
  pow: { ulp: 1, unfusedUlp: 1.3, where: "" },
  round: { ulp: 0, unfusedUlp: 0, where: "" },
  roundF16: { ulp: 0, unfusedUlp: 0, where: "" },
  rem: { ulp: 0, unfusedUlp: 0, where: "quotients below 2^24; below the divisor elsewhere" },
} as const satisfies Partial<Record<Prim, PrimError>>;
