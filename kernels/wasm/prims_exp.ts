/**
 * Exponential, hyperbolic tangent and logarithm in base primitives, without a branch. The
 * polynomials here and beside are our own fits (Lawson's algorithm, coefficients rounded to f32 one
 * by one); the errors beside them are largest relative ones, roundings of the evaluation apart.
 * @module
 */
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { fused, horner } from "./fused.ts";
import { magic, withSign } from "./prims_bits.ts";

/** ln 2 in two parts; the first has ten bits, so that a whole number of it is exact. */
const ln2High = 0.693359375;
const ln2Low = -2.12194440054690583e-4;

/** e^r for |r| up to ln 2 / 2: 3e-9. */
const expSeries = [
  1,
  1,
  0.4999999403953552,
  0.1666652113199234,
  0.041668273508548737,
  0.008368683978915215,
  0.001382010173983872,
];

/**
 * e^x = 2^n · e^r. n goes from the last bits of t straight into the exponent of e^r, which holds it
 * from -126 to 128 as e^r lies around 1; scaling by a float 2^n would fail at one of these. What
 * comes out beyond is replaced, results below 2^-126 by 0; NaN fails the bounds and stays by the sum.
 */
export function expOf(x: Scalar): Scalar {
  const bounded = s.select(s.le(x, s.f(88.72283)), raisedOf(x), s.add(x, s.f(Infinity)));
  return s.select(s.lt(x, s.f(leastExponent)), 0, bounded);
}

/** The same for what is not above 0; NaN gives 0. */
export function expBelow(x: Scalar): Scalar {
  return s.select(s.le(s.f(leastExponent), x), raisedOf(x), 0);
}

const leastExponent = -87.33654;

function raisedOf(x: Scalar): Scalar {
  const t = fused(x, Math.LOG2E, magic);
  const n = s.sub(t, magic);
  const r = fused(n, -ln2Low, fused(n, -ln2High, x));
  return s.bitsF32(s.add(s.bitsI32(horner(r, expSeries)), s.shl(s.bitsI32(t), 23)));
}

/** (tanh x / x - 1) / x² in x² for |x| up to 0.65: 7e-9. */
const tanhSeries = [
  -0.3333325982093811,
  0.1333082914352417,
  -0.05368791148066521,
  0.02046905644237995,
  -0.005514776799827814,
];

/**
 * tanh x as a polynomial near 0 and 1 - 1 / (e^(2|x|) / 2 + 1/2) past 0.65; past 9.02 it rounds to 1.
 * Half of ln 2 is taken off without a second part, for in f32 it ends in three zeros. The first
 * coefficient 0 makes what is added to x a +0 at -0, which therefore stays.
 */
export function tanhOf(x: Scalar): Scalar {
  const near = fused(horner(s.mul(x, x), [0, ...tanhSeries]), x, x);
  const size = s.min(s.abs(x), s.f(9.02));
  const t = fused(size, 2 * Math.LOG2E, magic + 126);
  const r = fused(s.sub(t, magic + 126), -Math.LN2 / 2, size);
  const grown = horner(r, expSeries.map((c, k) => c * 2 ** k));
  const power = s.bitsF32(s.shl(s.bitsI32(t), 23));
  const far = s.sub(1, s.div(1, fused(power, grown, 0.5)));
  return s.select(s.lt(size, s.f(0.65)), near, withSign(far, x));
}

/** (ln(1 + f) - f + f²/2) / f³ for f from -1/3 to 1/3: 5e-9 of the logarithm. */
const logSeries = [
  0.3333321213722229,
  -0.24999800324440002,
  0.20010629296302795,
  -0.1668049544095993,
  0.14002001285552979,
  -0.12182896584272385,
  0.14004755020141602,
  -0.1290186643600464,
];

/**
 * ln x = e·ln 2 + ln m with m from 2/3 to 4/3. The distance to the bits of 2/3, cut to its exponent,
 * is e·2^23, and what it leaves are the bits of m. Denormals are scaled by 2^23 first.
 */
export function logOf(x: Scalar): Scalar {
  const tiny = s.lt(x, 2 ** -126);
  const bits = s.bitsI32(s.select(tiny, s.mul(x, 2 ** 23), x));
  const power = s.bitAnd(s.sub(bits, 0x3f2aaaab), -0x800000);
  const e = s.add(s.toF32(power), s.select(tiny, s.f(-23 * 2 ** 23), 0));
  const f = s.sub(s.bitsF32(s.sub(bits, power)), 1);
  const lnM = fused(fused(horner(f, logSeries), f, -0.5), s.mul(f, f), f);
  const log = fused(e, ln2High * 2 ** -23, fused(e, ln2Low * 2 ** -23, lnM));
  const finite = s.select(s.lt(x, s.f(Infinity)), log, x);
  const real = s.select(s.lt(x, 0), s.f(NaN), finite);
  return s.select(s.eq(x, 0), s.f(-Infinity), real);
}
