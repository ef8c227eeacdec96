/**
 * Products and sums whose first rounding a machine may skip. Relaxed SIMD has one instruction for
 * `a·b + c`, fused on the machines we know; where it is missing two stand for it.
 * @module
 */
import { type Call, s, type Scalar } from "../../lib/core/scalar.ts";

/** `add(mul(a, b), c)` of floats, rounded once or twice: its makers are right either way. */
export interface FusedCall extends Call {
  /** Tells it from a sum that must round twice; rebuilding a term by `call` loses it. */
  readonly fused: true;
}

/** `a·b + c` that may be one instruction; a bare number is a literal, rounded to f32. */
export function fused(a: Scalar, b: Scalar | number, c: Scalar | number): Scalar {
  const sum: FusedCall = { ...s.add(s.mul(a, rounded(b)), rounded(c)) as Call, fused: true };
  return sum;
}

function rounded(x: Scalar | number): Scalar {
  return typeof x === "number" ? s.f(x) : x;
}

/** True for what `fused` makes. */
export function isFused(term: Scalar): term is FusedCall {
  return term.kind === "call" && "fused" in term;
}

/** A polynomial by Horner's rule, with at least two coefficients from the constant up. */
export function horner(x: Scalar, coefficients: readonly number[]): Scalar {
  return coefficients.reduceRight<Scalar | undefined>(
    (sum, c) => sum ? fused(sum, x, s.f(c)) : s.f(c),
    undefined,
  )!;
}
