/**
 * Numbers taken apart by their bits: what expansions of primitives share.
 * @module
 */
import { s, type Scalar } from "../../lib/core/scalar.ts";

/**
 * Added to a number below 2^22 it leaves the nearest whole one in the last bits, and taken off
 * again that number itself; conversions to integers and back are slow on x64.
 */
export const magic: number = 1.5 * 2 ** 23;

/** A number that is not negative, with the sign of another. */
export function withSign(size: Scalar, of: Scalar): Scalar {
  return s.bitsF32(s.bitOr(s.bitsI32(size), signOf(of)));
}

/** The sign bit alone. */
export function signOf(x: Scalar): Scalar {
  return s.bitAnd(s.bitsI32(x), -0x80000000);
}

/** The twelve leading bits of a number; the product of two such is exact. */
export function head(x: Scalar): Scalar {
  return s.bitsF32(s.bitAnd(s.bitsI32(x), -0x1000));
}
