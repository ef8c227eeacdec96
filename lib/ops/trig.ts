/**
 * Trigonometric and hyperbolic functions and their inverses, in radians.
 * @module
 */
import { s, type Scalar } from "../core/scalar.ts";
import { between, type Binary, binary, elemwise, type Unary, unary } from "../op/kinds.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { log1pOf, polynomial, sqrt, square } from "./math.ts";

/** Sine of radians; NaN for infinities. */
export const sin: Unary = unary({
  name: "sin",
  doc: "Sine of radians; NaN for infinities",
  scalar: (x) => s.sin(x),
  vjp: ({ ct, ins: [x] }) => [mul(ct, cos(x))],
  wire: elemwise("SIN"),
  cases: [{ ins: [between(-4, 4, [40])] }],
});

/** Cosine of radians; NaN for infinities. */
export const cos: Unary = unary({
  name: "cos",
  doc: "Cosine of radians; NaN for infinities",
  scalar: (x) => s.cos(x),
  vjp: ({ ct, ins: [x] }) => [neg(mul(ct, sin(x)))],
  wire: elemwise("COS"),
  cases: [{ ins: [between(-4, 4, [40])] }],
});

/** Tangent of radians; NaN for infinities. */
export const tan: Unary = unary({
  name: "tan",
  doc: "Tangent of radians; NaN for infinities",
  scalar: (x) => s.tan(x),
  vjp: ({ ct, out }) => [mul(ct, add(square(out), 1))],
  wire: elemwise("TAN"),
  cases: [{ ins: [between(-1, 1, [40])] }],
});

/** Arc sine, from -pi/2 to pi/2; NaN past ±1. */
export const asin: Unary = unary({
  name: "asin",
  doc: "Arc sine, from -pi/2 to pi/2; NaN past ±1",
  scalar: (x) => s.asin(x),
  vjp: ({ ct, ins: [x] }) => [div(ct, sqrt(sub(1, square(x))))],
  wire: elemwise("ASIN"),
  cases: [{ ins: [between(-0.9, 0.9, [40])] }],
});

/** Arc cosine, from 0 to pi; NaN past ±1. */
export const acos: Unary = unary({
  name: "acos",
  doc: "Arc cosine, from 0 to pi; NaN past ±1",
  scalar: (x) => s.acos(x),
  vjp: ({ ct, ins: [x] }) => [neg(div(ct, sqrt(sub(1, square(x)))))],
  wire: elemwise("ACOS"),
  cases: [{ ins: [between(-0.9, 0.9, [40])] }],
});

/** Arc tangent, from -pi/2 to pi/2. */
export const atan: Unary = unary({
  name: "atan",
  doc: "Arc tangent, from -pi/2 to pi/2",
  scalar: (x) => s.atan(x),
  vjp: ({ ct, ins: [x] }) => [div(ct, add(square(x), 1))],
  cases: [{ ins: [between(-4, 4, [40])], tolerance: { rtol: 3e-5, atol: 1e-6 } }],
});

/** Angle (-pi to pi) of the point with ordinate a and abscissa b. */
export const atan2: Binary = binary({
  name: "atan2",
  doc: "Angle (-pi to pi) of the point with ordinate a and abscissa b",
  takes: "float",
  scalar: (y, x) => s.atan2(y, x),
  vjp: ({ ct, ins: [y, x] }) => {
    const scaled = div(ct, add(square(y), square(x)));
    return [mul(scaled, x), neg(mul(scaled, y))];
  },
  wire: elemwise("ATAN2"),
  cases: [
    { ins: [between(0.5, 2, [3, 5]), between(-2, 2, [5])], tolerance: { rtol: 3e-5, atol: 1e-6 } },
    {
      ins: [between(-2, -0.5, [3, 5]), between(-2, 2, [5])],
      tolerance: { rtol: 3e-5, atol: 1e-6 },
    },
  ],
});

/** Half of `e^|x|`, from the square of `e^(|x|/2)`, so that it overflows no sooner than it must. */
function halfExp(size: Scalar): Scalar {
  const root = s.exp(s.mul(size, 0.5));
  return s.mul(s.mul(root, 0.5), root);
}

/** A term for |x| with the sign of x. */
function odd(x: Scalar, ofSize: Scalar): Scalar {
  return s.select(s.lt(x, 0), s.neg(ofSize), ofSize);
}

/** Hyperbolic sine. */
export const sinh: Unary = unary({
  name: "sinh",
  doc: "Hyperbolic sine",
  scalar: (x) => {
    const z = s.mul(x, x);
    const series = polynomial(z, [1, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880, 1 / 39916800]);
    const e = halfExp(s.abs(x));
    const far = odd(x, s.sub(e, s.div(0.25, e)));
    return s.select(s.lt(s.abs(x), 1), s.mul(x, series), far);
  },
  vjp: ({ ct, ins: [x] }) => [mul(ct, cosh(x))],
  wire: elemwise("SINH"),
  cases: [{ ins: [between(-4, 4, [40])] }],
});

/** Hyperbolic cosine. */
export const cosh: Unary = unary({
  name: "cosh",
  doc: "Hyperbolic cosine",
  scalar: (x) => {
    const e = halfExp(s.abs(x));
    return s.add(e, s.div(0.25, e));
  },
  vjp: ({ ct, ins: [x] }) => [mul(ct, sinh(x))],
  wire: elemwise("COSH"),
  cases: [{ ins: [between(-4, 4, [40])] }],
});

/** Hyperbolic tangent. */
export const tanh: Unary = unary({
  name: "tanh",
  doc: "Hyperbolic tangent",
  scalar: (x) => s.tanh(x),
  vjp: ({ ct, out }) => [mul(ct, sub(1, square(out)))],
  wire: elemwise("TANH"),
  cases: [{ ins: [between(-4, 4, [4, 33])] }],
});

/** Inverse hyperbolic sine. */
export const asinh: Unary = unary({
  name: "asinh",
  doc: "Inverse hyperbolic sine",
  scalar: (x) => {
    const size = s.abs(x);
    const z = s.mul(size, size);
    const near = log1pOf(s.add(size, s.div(z, s.add(s.sqrt(s.add(z, 1)), 1))));
    // past 4096 the square root is |x| to rounding, and past 1.8e19 the square overflows
    const far = s.add(s.log(size), Math.LN2);
    const found = s.select(s.lt(size, 4096), near, far);
    return s.select(s.eq(x, 0), x, odd(x, found));
  },
  vjp: ({ ct, ins: [x] }) => [div(ct, sqrt(add(square(x), 1)))],
  wire: elemwise("ASINH"),
  cases: [{ ins: [between(-4, 4, [40])] }],
});

/** Inverse hyperbolic cosine, not negative; NaN below 1. */
export const acosh: Unary = unary({
  name: "acosh",
  doc: "Inverse hyperbolic cosine, not negative; NaN below 1",
  scalar: (x) => {
    const z = s.sub(x, 1);
    const near = log1pOf(s.add(z, s.sqrt(s.mul(z, s.add(z, 2)))));
    const far = s.add(s.log(x), Math.LN2);
    const found = s.select(s.lt(x, 4096), near, far);
    return s.select(s.lt(x, 1), s.f(NaN), found);
  },
  vjp: ({ ct, ins: [x] }) => [div(ct, sqrt(sub(square(x), 1)))],
  wire: elemwise("ACOSH"),
  cases: [{ ins: [between(1.5, 6, [40])] }],
});

/** Inverse hyperbolic tangent; ±inf at ±1, NaN past them. */
export const atanh: Unary = unary({
  name: "atanh",
  doc: "Inverse hyperbolic tangent; ±inf at ±1, NaN past them",
  scalar: (x) => {
    const size = s.abs(x);
    const inner = s.div(s.mul(size, 2), s.sub(1, size));
    const found = odd(x, s.mul(log1pOf(inner), 0.5));
    const known = s.select(s.eq(size, 1), s.mul(x, s.f(Infinity)), found);
    return s.select(s.eq(x, 0), x, s.select(s.gt(size, 1), s.f(NaN), known));
  },
  vjp: ({ ct, ins: [x] }) => [div(ct, sub(1, square(x)))],
  wire: elemwise("ATANH"),
  cases: [{ ins: [between(-0.9, 0.9, [40])] }],
});
