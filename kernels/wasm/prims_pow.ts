/**
 * Powers in base primitives, after fdlibm's e_powf: log2 of the base and its product with the
 * exponent are sums of two floats. Products of heads are exact, so nothing depends on fusing.
 * @module
 */
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { fused, horner } from "./fused.ts";
import { head, magic, signOf } from "./prims_bits.ts";

/** A number as the sum of two, the first with twelve bits. */
interface Pair {
  readonly high: Scalar;
  readonly low: Scalar;
}

/** a to the power of b, with the special cases of IEEE 754. */
export function powOf(a: Scalar, b: Scalar): Scalar {
  const fixed = b.kind === "lit" ? b.value : NaN;
  const isSize = a.kind === "call" && a.fn === "abs";
  const size = isSize ? a : s.abs(a);
  const simple = simplePower(a, size, fixed);
  if (simple) return simple;
  const finite = s.lt(size, s.f(Infinity));
  const raised = sizePower(size, finite, b);
  // 1 to any power and any number to the power of 0 are 1, NaN or not
  const plain = Math.abs(fixed) < Infinity;
  const magnitude = plain ? raised : s.select(s.or(s.eq(size, 1), s.eq(b, 0)), 1, raised);
  if (isSize) return magnitude;
  const sign = plain
    ? (Math.abs(fixed % 2) === 1 ? signOf(a) : undefined)
    : s.select(isOdd(b), signOf(a), 0);
  const signed = sign ? s.bitsF32(s.bitOr(s.bitsI32(magnitude), sign)) : magnitude;
  if (Number.isInteger(fixed)) return signed;
  const minus = s.and(s.lt(a, 0), finite);
  const root = plain ? minus : s.and(minus, s.not(s.eq(s.trunc(b), b)));
  return s.select(root, s.f(NaN), signed);
}

/** Powers that are a product, a quotient or a square root, to a rounding or two. */
function simplePower(a: Scalar, size: Scalar, fixed: number): Scalar | undefined {
  switch (fixed) {
    case 0:
      return s.f(1);
    case 1:
      return a;
    case 2:
      return s.mul(a, a);
    case 3:
      return s.mul(s.mul(a, a), a);
    case -1:
      return s.div(1, a);
    case 0.5:
    case -0.5: {
      const root = s.sqrt(size);
      const power = fixed < 0 ? s.div(1, root) : root;
      const minus = s.and(s.lt(a, 0), s.lt(size, s.f(Infinity)));
      return a === size ? power : s.select(minus, s.f(NaN), power);
    }
    default:
      return undefined;
  }
}

/** True for odd whole numbers: half of one ends in 1/2. */
function isOdd(b: Scalar): Scalar {
  const half = s.mul(b, 0.5);
  return s.eq(s.abs(s.sub(half, s.trunc(half))), 0.5);
}

/**
 * size^b = 2^(b·log2 size). The product in one float decides what has no logarithm, overflows,
 * underflows or is NaN; only where it does not is the product of two parts looked at.
 */
function sizePower(size: Scalar, finite: Scalar, b: Scalar): Scalar {
  const log = log2Of(size);
  const known = s.select(s.eq(size, 0), s.f(-Infinity), s.select(finite, log.high, size));
  const rough = s.mul(b, known);
  const inside = s.lt(s.abs(rough), 200);
  const { high, low } = split(b);
  const product = fused(low, log.high, s.mul(b, log.low));
  return exp2Of({
    high: s.select(inside, s.mul(high, log.high), s.max(s.min(rough, 200), -200)),
    low: s.select(inside, product, 0),
  });
}

/** A number as a pair. */
function split(x: Scalar): Pair {
  if (x.kind !== "lit") {
    const high = head(x);
    return { high, low: s.sub(x, high) };
  }
  const [word] = new Int32Array(new Float32Array([x.value]).buffer);
  const [high] = new Float32Array(new Int32Array([word & -0x1000]).buffer);
  return { high: s.f(high), low: s.f(x.value - high) };
}

/** 3·(atanh r / r - 1 - r²/3) / r⁴ in r² for |r| up to 0.1716: 9e-12 of 3. */
const atanhSeries = [0.6000022888183594, 0.42820626497268677, 0.351298451423645];

/** -2 / (3·ln 2), and its head. */
const scale = -2 / (3 * Math.LN2);
const scaleHead = -0.961669921875;

/**
 * log2 of a positive finite number to about 2^-34: its exponent, and -2/ln 2 · atanh r with
 * r = (1 - m)/(1 + m) for m from √½ to √2, as r/3 · (3 + r² + tail). Denormals are scaled first.
 */
function log2Of(size: Scalar): Pair {
  const tiny = s.lt(size, 2 ** -126);
  const bits = s.bitsI32(s.select(tiny, s.mul(size, 2 ** 23), size));
  const power = s.bitAnd(s.sub(bits, 0x3f3504f3), -0x800000);
  const e = fused(s.toF32(power), 2 ** -23, s.select(tiny, s.f(-23), 0));
  const m = s.bitsF32(s.sub(bits, power));
  const above = s.sub(m, 1);
  const below = s.add(m, 1);
  const inverse = s.div(-1, below);
  const r = s.mul(above, inverse);
  const rHead = head(r);
  const belowHead = head(below);
  const belowTail = s.sub(m, s.sub(belowHead, 1));
  const rTail = s.mul(inverse, fused(rHead, belowTail, fused(rHead, belowHead, above)));
  const z = s.mul(r, r);
  const square = s.mul(rHead, rHead);
  const tail = fused(s.mul(z, z), horner(z, atanhSeries), s.mul(rTail, s.add(rHead, r)));
  const sumHead = head(s.add(s.add(square, tail), 3));
  const sumTail = s.sub(tail, s.sub(s.sub(sumHead, 3), square));
  const first = s.mul(rHead, sumHead);
  const second = fused(sumTail, r, s.mul(rTail, sumHead));
  const arcHead = head(s.add(first, second));
  const arcTail = s.sub(second, s.sub(arcHead, first));
  const most = s.mul(arcHead, scaleHead);
  const rest = fused(arcTail, scale, s.mul(arcHead, s.f(scale - scaleHead)));
  const high = head(s.add(s.add(most, rest), e));
  return { high, low: s.sub(rest, s.sub(s.sub(high, e), most)) };
}

/** 2^r for |r| up to 1/2: 3e-9. */
const exp2Series = [
  1,
  0.6931471824645996,
  0.24022647738456726,
  0.05550359562039375,
  0.009618505835533142,
  0.0013391025131568313,
  0.0001532678143121302,
];

/** 2^(high + low) up to 2^±200, denormals too: n is shared by two factors, each with its bias. */
function exp2Of({ high, low }: Pair): Scalar {
  const t = s.add(s.add(high, low), magic + 254);
  const r = s.add(s.sub(high, s.sub(t, magic + 254)), low);
  const bits = s.bitsI32(t);
  const half = s.shr(bits, 1);
  const one = s.bitsF32(s.shl(half, 23));
  const other = s.bitsF32(s.shl(s.sub(bits, half), 23));
  return s.mul(s.mul(horner(r, exp2Series), one), other);
}
