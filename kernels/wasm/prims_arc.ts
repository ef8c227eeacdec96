/**
 * The inverse circular functions in base primitives.
 * @module
 */
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { fused, horner } from "./fused.ts";
import { withSign } from "./prims_bits.ts";

const quarter = s.f(Math.PI / 2);

/** v plus v³ times a series in v². */
function odd(v: Scalar, z: Scalar, series: readonly number[]): Scalar {
  return fused(s.mul(horner(z, series), z), v, v);
}

/** (asin v / v - 1) / v² in v² for v up to 1/2: 5e-9. */
const asinSeries = [
  0.16666752099990845,
  0.07495306432247162,
  0.045469772070646286,
  0.02418077550828457,
  0.04216640442609787,
];

/** asin |x| up to 1/2; past it half of acos |x|, whose sine is √((1 - |x|) / 2): NaN past 1. */
function folded(size: Scalar, far: Scalar): Scalar {
  const z = s.select(far, fused(size, -0.5, 0.5), s.mul(size, size));
  return odd(s.select(far, s.sqrt(z), size), z, asinSeries);
}

/** asin x, past 1/2 a quarter turn less acos x. */
export function asinOf(x: Scalar): Scalar {
  const size = s.abs(x);
  const far = s.lt(0.5, size);
  const y = folded(size, far);
  return withSign(s.select(far, fused(y, -2, quarter), y), x);
}

/** acos x, up to 1/2 a quarter turn less asin x; past -1/2 a half turn less acos -x. */
export function acosOf(x: Scalar): Scalar {
  const size = s.abs(x);
  const far = s.lt(0.5, size);
  const y = withSign(folded(size, far), x);
  const twice = s.add(y, y);
  const back = s.select(s.lt(x, 0), s.add(twice, s.f(Math.PI)), twice);
  return s.select(far, back, s.sub(quarter, y));
}

/** (atan v / v - 1) / v² in v² for v up to 1: 3e-9. */
const atanSeries = [
  -0.33333298563957214,
  0.1999852955341339,
  -0.14264015853405,
  0.10950880497694016,
  -0.08399306237697601,
  0.05788138881325722,
  -0.031096987426280975,
  0.01086869090795517,
  -0.0017828245181590319,
];

/** atan v for v from 0 to 1; where steep a quarter turn less it. */
function arc(v: Scalar, steep: Scalar): Scalar {
  const y = odd(v, s.mul(v, v), atanSeries);
  return s.select(steep, s.sub(quarter, y), y);
}

/** atan x. */
export function atanOf(x: Scalar): Scalar {
  const size = s.abs(x);
  const steep = s.lt(1, size);
  return withSign(arc(s.select(steep, s.div(1, size), size), steep), x);
}

/**
 * atan2: the lesser coordinate over the greater. Two zeros become 0 over the smallest number, and
 * equal ones, infinities above all, have the ratio 1.
 */
export function atan2Of(y: Scalar, x: Scalar): Scalar {
  const up = s.abs(y);
  const along = s.abs(x);
  const steep = s.lt(along, up);
  const least = s.select(steep, along, up);
  const most = s.max(s.select(steep, up, along), 2 ** -149);
  const ratio = s.select(s.eq(least, most), 1, s.div(least, most));
  const ahead = arc(ratio, steep);
  const angle = s.select(s.lt(s.bitsI32(x), 0), s.sub(s.f(Math.PI), ahead), ahead);
  return withSign(angle, y);
}
