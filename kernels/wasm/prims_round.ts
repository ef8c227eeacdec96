/**
 * Rounding and remainder in base primitives; nothing here is fused that is not exact.
 * @module
 */
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { fused } from "./fused.ts";
import { head, withSign } from "./prims_bits.ts";

/**
 * Ties away from zero: the fraction is cut after the number just below 1/2 is added. With 1/2 itself
 * that number would become 1, and odd ones past 2^23 even.
 */
export function roundOf(x: Scalar): Scalar {
  return s.trunc(s.add(x, withSign(s.f(0.5 - 2 ** -25), x)));
}

/**
 * The nearest half, ties to even. Added to 2^13 times its power of two a number keeps the eleven bits
 * of a half, and added to 1/2 those of a denormal half. From 65520 on halves are infinite.
 */
export function roundF16Of(x: Scalar): Scalar {
  const size = s.abs(x);
  const power = s.bitsF32(s.bitAnd(s.bitsI32(size), 0x7f800000));
  const coarse = s.max(s.mul(power, 2 ** 13), 0.5);
  const rounded = s.sub(s.add(size, coarse), coarse);
  return withSign(s.select(s.lt(size, 65520), rounded, s.add(size, s.f(Infinity))), x);
}

/**
 * The remainder of floats with the sign of the dividend. Quotient and divisor are cut in two, so
 * that products and differences are exact, fused or not, for quotients below 2^24; a rounded quotient
 * is never too small, and one too large at most. Beyond, the remainder is below the divisor still.
 */
export function remOf(a: Scalar, b: Scalar): Scalar {
  const size = s.abs(a);
  const by = s.abs(b);
  const minus = s.trunc(s.div(size, s.neg(by)));
  const minusHead = head(minus);
  const minusTail = s.sub(minus, minusHead);
  const byHead = head(by);
  const byTail = s.sub(by, byHead);
  const most = fused(minusHead, byTail, fused(minusHead, byHead, size));
  const rest = fused(minusTail, byTail, fused(minusTail, byHead, most));
  const r = s.max(s.select(s.lt(rest, 0), s.add(rest, by), rest), 0);
  // 0, but NaN where the dividend is infinite or the divisor 0
  const none = s.div(s.sub(size, size), by);
  const found = s.select(s.lt(r, by), r, none);
  return withSign(s.select(s.lt(size, by), size, found), a);
}
