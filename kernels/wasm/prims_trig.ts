/**
 * Circular functions in base primitives. Arguments lose a whole number of half or quarter turns
 * first. π is cut so that up to 10^5 three products and differences are exact, whether fused or not;
 * the fourth is exact if fused, and the fifth is too small to round a second time.
 * @module
 */
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { fused, horner } from "./fused.ts";
import { magic } from "./prims_bits.ts";

/** π to 2^-6, to 2^-18 and to 2^-22, then 24 bits twice; none is negative, so that -0 stays. */
const piParts = [
  3.140625,
  9.65118408203125e-4,
  2.384185791015625e-6,
  1.5099578831723193e-7,
  1.078060505991553e-14,
];

/** x less `turns` times `unit` times π. */
function reduced(x: Scalar, turns: Scalar, unit: number): Scalar {
  return piParts.reduce((rest, part) => fused(turns, -part * unit, rest), x);
}

/** (sin r / r - 1) / r² in r² for |r| up to π/2: 6e-9. */
const sinSeries = [
  -0.16666659712791443,
  0.00833306834101677,
  -0.00019809664809145033,
  2.6057768991449848e-6,
];

/**
 * The sine of x less so many half turns, which turn its sign where the last bit of t is odd. The
 * bounds matter past 10^7, where nothing is left to reduce; infinities become NaN before. As in
 * `tanhOf` the coefficient 0 keeps a -0.
 */
function halfTurned(x: Scalar, turns: Scalar, t: Scalar): Scalar {
  const r = reduced(x, turns, 1);
  const y = fused(horner(s.mul(r, r), [0, ...sinSeries]), r, r);
  return turned(s.max(s.min(y, 1), -1), s.shl(s.bitsI32(t), 31));
}

/** A number with its sign turned where the sign bit is set. */
function turned(x: Scalar, sign: Scalar): Scalar {
  return s.bitsF32(s.bitXor(s.bitsI32(x), sign));
}

/** sin x = ± sin(x - kπ). */
export function sinOf(x: Scalar): Scalar {
  const t = fused(x, 1 / Math.PI, magic);
  return halfTurned(x, s.sub(t, magic), t);
}

/** cos x = ∓ sin(x - (k + 1/2)π), with one more than k in the last bits. */
export function cosOf(x: Scalar): Scalar {
  const t = s.add(fused(x, 1 / Math.PI, -0.5), magic + 1);
  return halfTurned(x, s.add(s.sub(t, magic + 1), 0.5), t);
}

/** N - 1 over r², and D in r², where tan r = r·N/D for |r| up to π/4: 2e-8. */
const tanAbove = -0.09578711539506912;
const tanBelow = [1, -0.4291209578514099, 0.009711514227092266];

/** tan x = r·N/D, or -D/(r·N) an odd number of quarter turns away; the 0 keeps a -0. */
export function tanOf(x: Scalar): Scalar {
  const t = fused(x, 2 / Math.PI, magic);
  const r = s.max(s.min(reduced(x, s.sub(t, magic), 0.5), 1), -1);
  const z = s.mul(r, r);
  const above = fused(fused(z, tanAbove, 0), r, r);
  const below = horner(z, tanBelow);
  const sign = s.shl(s.bitsI32(t), 31);
  const odd = s.lt(sign, 0);
  return turned(s.div(s.select(odd, below, above), s.select(odd, above, below)), sign);
}
