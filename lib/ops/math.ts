/**
 * Powers, exponentials, logarithms and division with remainder. What a device computes poorly near
 * a zero (`expm1`, `log1p`) is a polynomial there, so that every target keeps the relative error.
 * @module
 */
import { s, type Scalar } from "../core/scalar.ts";
import { i32 } from "../core/type.ts";
import { between, type Binary, binary, elemwise, type Unary, unary } from "../op/kinds.ts";
import { div, mul, neg, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { trunc } from "./round.ts";
import { where } from "./select.ts";

/** A polynomial by Horner's rule; coefficients from the constant up. */
export function polynomial(x: Scalar, coefficients: readonly number[]): Scalar {
  return coefficients.reduceRight<Scalar | undefined>(
    (sum, c) => sum ? s.add(s.mul(sum, x), s.f(c)) : s.f(c),
    undefined,
  )!;
}

/** `e^x - 1` as a term: Taylor's series below 1/2 (cut at 3e-9), the difference above. */
export function expm1Of(x: Scalar): Scalar {
  const series = s.mul(
    x,
    polynomial(x, [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880]),
  );
  return s.select(s.lt(s.abs(x), 0.5), series, s.sub(s.exp(x), 1));
}

/** `ln(1 + x)` as a term: 2·atanh(x / (2 + x)) near 0 (cut at 2e-9), the logarithm elsewhere. */
export function log1pOf(x: Scalar): Scalar {
  const z = s.div(x, s.add(x, 2));
  const near = s.and(s.lt(x, 0.4), s.lt(-0.28, x));
  const odd = polynomial(s.mul(z, z), [2, 2 / 3, 2 / 5, 2 / 7, 2 / 9]);
  return s.select(near, s.mul(z, odd), s.log(s.add(x, 1)));
}

/** Exponential; inf past 88.7 in f32. */
export const exp: Unary = unary({
  name: "exp",
  doc: "Exponential; inf past 88.7 in f32",
  scalar: (x) => s.exp(x),
  vjp: ({ ct, out }) => [mul(ct, out)],
  wire: elemwise("EXP"),
  cases: [{ ins: [between(-4, 4, [4, 33])] }],
});

/** `e^x - 1`, exact to rounding near 0. */
export const expm1: Unary = unary({
  name: "expm1",
  doc: "`e^x - 1`, exact to rounding near 0",
  scalar: expm1Of,
  vjp: ({ ct, ins: [x] }) => [mul(ct, exp(x))],
  wire: elemwise("EXPM1"),
  cases: [{ ins: [between(-3, 3, [40])] }, { ins: [between(-1e-3, 1e-3, [9])] }],
});

/** Natural logarithm; -inf at 0, NaN below. */
export const log: Unary = unary({
  name: "log",
  doc: "Natural logarithm; -inf at 0, NaN below",
  scalar: (x) => s.log(x),
  vjp: ({ ct, ins: [x] }) => [div(ct, x)],
  wire: elemwise("LOG"),
  cases: [{ ins: [between(0.5, 9, [40])] }],
});

/** `ln(1 + x)`, exact to rounding near 0; -inf at -1, NaN below. */
export const log1p: Unary = unary({
  name: "log1p",
  doc: "`ln(1 + x)`, exact to rounding near 0; -inf at -1, NaN below",
  scalar: log1pOf,
  vjp: ({ ct, ins: [x] }) => [div(ct, sub(x, -1))],
  wire: elemwise("LOG1P"),
  cases: [{ ins: [between(-0.5, 3, [40])] }, { ins: [between(-1e-3, 1e-3, [9])] }],
});

/** Square root; NaN below 0. */
export const sqrt: Unary = unary({
  name: "sqrt",
  doc: "Square root; NaN below 0",
  scalar: (x) => s.sqrt(x),
  vjp: ({ ct, out }) => [div(mul(ct, 0.5), out)],
  wire: elemwise("SQRT"),
  cases: [{ ins: [between(0.5, 9, [40])] }],
});

/** One over the square root; inf at 0, NaN below. */
export const rsqrt: Unary = unary({
  name: "rsqrt",
  doc: "One over the square root; inf at 0, NaN below",
  scalar: (x) => s.div(1, s.sqrt(x)),
  vjp: ({ ct, out, ins: [x] }) => [mul(div(out, x), mul(ct, -0.5))],
  cases: [{ ins: [between(0.5, 9, [40])] }],
});

/** Square; integers wrap. */
export const square: Unary = unary({
  name: "square",
  doc: "Square; integers wrap",
  takes: "number",
  scalar: (x) => s.mul(x, x),
  vjp: ({ ct, ins: [x] }) => [mul(ct, mul(x, 2))],
  wire: elemwise("SQUARE"),
  cases: [{ ins: [between(-3, 3, [40])] }, { ins: [between(-300, 300, i32([9]))] }],
});

/** One over x. */
export const reciprocal: Unary = unary({
  name: "reciprocal",
  doc: "One over x",
  scalar: (x) => s.div(1, x),
  vjp: ({ ct, out }) => [neg(mul(ct, square(out)))],
  cases: [{ ins: [between(0.5, 4, [40])] }],
});

/**
 * `a` to the power of `b`; any number to the power of 0 is 1, and so is 1 to any power; NaN for a
 * negative base and a fraction.
 */
export const pow: Binary = binary({
  name: "pow",
  doc: "`a` to the power of `b`; any number to the power of 0 is 1, and so is 1 to any power; " +
    "NaN for a negative base and a fraction",
  takes: "float",
  scalar: powOf,
  vjp: ({ ct, out, ins: [a, b], needs }) => [
    needs[0] ? mul(ct, where(eq(b, 0), 0, mul(b, pow(a, sub(b, 1))))) : undefined,
    needs[1] ? mul(ct, mul(out, log(where(eq(a, 0), 1, a)))) : undefined,
  ],
  wire: elemwise("POW"),
  cases: [
    { ins: [between(0.5, 3, [3, 5]), between(-2, 2, [5])] },
    {
      ins: [between(-3, -0.5, [8]), { dtype: "f32", shape: [], data: new Float32Array([3]) }],
      gradient: false,
    },
  ],
});

/** Devices take positive bases only: the sign and the exceptions stand around the magnitude. */
function powOf(a: Scalar, b: Scalar): Scalar {
  const size = s.abs(a);
  const whole = s.eq(s.floor(b), b);
  const half = s.mul(b, 0.5);
  const odd = s.and(whole, s.ne(s.floor(half), half));
  const minus = s.lt(s.bitsI32(a), 0);
  const fraction = s.and(s.and(s.lt(a, 0), s.not(whole)), s.lt(size, s.f(Infinity)));
  const raised = s.pow(size, b);
  const signed = s.select(s.and(minus, odd), s.neg(raised), raised);
  const known = s.select(s.or(fraction, s.isNan(a)), s.f(NaN), signed);
  return s.select(s.or(s.eq(b, 0), s.eq(a, 1)), s.f(1), known);
}

/** Magnitude; at 0 the gradient is 0. */
export const abs: Unary = unary({
  name: "abs",
  doc: "Magnitude; at 0 the gradient is 0",
  takes: "number",
  scalar: (x) => s.abs(x),
  vjp: ({ ct, ins: [x] }) => [mul(ct, sign(x))],
  wire: elemwise("ABS"),
  cases: [
    { ins: [between(-3, -0.2, [40])] },
    { ins: [between(-3, 3, [40])], gradient: false },
    { ins: [between(-9, 9, i32([9]))] },
  ],
});

/** -1, 0 or 1 by the sign; NaN stays NaN. */
export const sign: Unary = unary({
  name: "sign",
  doc: "-1, 0 or 1 by the sign; NaN stays NaN",
  takes: "number",
  scalar: (x) => s.select(s.gt(x, 0), 1, s.select(s.lt(x, 0), -1, x)),
  vjp: () => [undefined],
  wire: elemwise("SIGN"),
  cases: [
    { ins: [between(-3, 3, [40])], gradient: false },
    { ins: [between(-2, 3, i32([9]))] },
  ],
});

/** `ln(e^a + e^b)` without overflow. */
export const logAddExp: Binary = binary({
  name: "logAddExp",
  doc: "`ln(e^a + e^b)` without overflow",
  takes: "float",
  scalar: (a, b) => {
    // equal infinities differ by NaN
    const apart = s.select(s.eq(a, b), 0, s.neg(s.abs(s.sub(a, b))));
    return s.add(s.max(a, b), log1pOf(s.exp(apart)));
  },
  vjp: ({ ct, out, ins: [a, b] }) => [mul(ct, exp(sub(a, out))), mul(ct, exp(sub(b, out)))],
  wire: elemwise("LOG_SUM_EXP"),
  cases: [{ ins: [between(-4, 4, [3, 5]), between(-4, 4, [5])] }],
});

/**
 * Remainder: of floats with the sign of the dividend (C's fmod), of integers with that of the
 * divisor; 0 for an integer divisor of 0. Devices are exact for float quotients below 2^23.
 */
export const mod: Binary = binary({
  name: "mod",
  doc: "Remainder: of floats with the sign of the dividend (C's fmod), of integers with that of " +
    "the divisor; 0 for an integer divisor of 0",
  scalar: (a, b) => {
    if (a.type === "f32") {
      const whole = s.and(s.eq(s.abs(b), s.f(Infinity)), s.lt(s.abs(a), s.f(Infinity)));
      return s.select(whole, a, s.rem(a, b));
    }
    const rest = s.rem(a, nonZero(b));
    return s.select(crossed(rest, b), s.add(rest, b), s.select(s.eq(b, 0), 0, rest));
  },
  vjp: ({ ct, ins: [a, b], needs }) => [
    ct,
    needs[1] ? neg(mul(ct, trunc(div(a, b)))) : undefined,
  ],
  wire: elemwise("MOD"),
  cases: [
    { ins: [between(-2, 2, [3, 5]), between(2.5, 4, [5])] },
    { ins: [between(-20, 20, i32([30])), between(1, 7, i32([30]))] },
    { ins: [between(-20, 20, i32([30])), between(-7, 0, i32([30]))] },
  ],
});

/** Quotient rounded down; 0 for an integer divisor of 0. */
export const floorDiv: Binary = binary({
  name: "floorDiv",
  doc: "Quotient rounded down; 0 for an integer divisor of 0",
  scalar: (a, b) => {
    if (a.type === "f32") return s.floor(s.div(a, b));
    const by = nonZero(b);
    const down = s.select(crossed(s.rem(a, by), b), s.sub(s.div(a, by), 1), s.div(a, by));
    return s.select(s.eq(b, 0), 0, down);
  },
  vjp: () => [undefined, undefined],
  wire: elemwise("FLOOR_DIV"),
  cases: [
    { ins: [between(0.1, 0.9, [3, 5]), between(-2, -1, [5])], gradient: false },
    { ins: [between(-20, 20, i32([30])), between(1, 7, i32([30]))] },
    { ins: [between(-20, 20, i32([30])), between(-7, 0, i32([30]))] },
  ],
});

function nonZero(b: Scalar): Scalar {
  return s.select(s.eq(b, 0), 1, b);
}

/** True where a remainder that truncates has the other sign than the divisor. */
function crossed(rest: Scalar, b: Scalar): Scalar {
  const low = s.and(s.lt(rest, 0), s.gt(b, 0));
  return s.or(low, s.and(s.gt(rest, 0), s.lt(b, 0)));
}
