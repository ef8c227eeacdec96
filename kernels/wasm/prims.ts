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
export { expBelow } from "./prims_exp.ts";

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

const unfusedDrift = 3e-15;
const turns = "|x| up to 1e5; to 1e7 within 1e-4, unfused within 6e-8·|x|; within ±1 beyond";

/**
 * The largest found, rounded up: over all floats for functions of one (odd ones on one side, and
 * below 2^-14 every 1009th), over 10^8 random pairs for functions of two. The tests take samples.
 */
export const primErrors = {
  exp: { ulp: 0.91, unfusedUlp: 1.18, where: "results from 2^-126; 0 below" },
  log: { ulp: 0.94, unfusedUlp: 0.92, where: "" },
  tanh: { ulp: 1.32, unfusedUlp: 1.3, where: "" },
  sin: { ulp: 1.83, unfusedUlp: 2.08, where: turns, unfusedDrift },
  cos: { ulp: 1.83, unfusedUlp: 2.07, where: turns, unfusedDrift },
  tan: { ulp: 3.33, unfusedUlp: 3.46, where: "|x| up to 1e5", unfusedDrift },
  asin: { ulp: 2.35, unfusedUlp: 2.41, where: "" },
  acos: { ulp: 1.27, unfusedUlp: 1.27, where: "" },
  atan: { ulp: 1.85, unfusedUlp: 2.04, where: "" },
  atan2: { ulp: 1.9, unfusedUlp: 2.1, where: "" },
  pow: { ulp: 1, unfusedUlp: 1.3, where: "" },
  round: { ulp: 0, unfusedUlp: 0, where: "" },
  roundF16: { ulp: 0, unfusedUlp: 0, where: "" },
  rem: { ulp: 0, unfusedUlp: 0, where: "quotients below 2^24; below the divisor elsewhere" },
} as const satisfies Partial<Record<Prim, PrimError>>;
