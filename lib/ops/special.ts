/**
 * The error function and its kin. The polynomials are our own fits (Lawson's algorithm against
 * 30 digits); the errors stated are largest relative ones with these coefficients, rounding apart.
 * @module
 */
import { s, type Scalar } from "../core/scalar.ts";
import { between, elemwise, type Unary, unary } from "../op/kinds.ts";
import { mul, neg } from "./arithmetic.ts";
import { exp, polynomial, square } from "./math.ts";

/** erf(x) / x in x² for |x| < 1: 7e-8. */
const small = [
  1.1283791065216064,
  -0.3761262595653534,
  0.1128358542919159,
  -0.026853810995817184,
  0.005188327748328447,
  -0.0008010192541405559,
  7.853857823647559e-05,
];

/** erfc(a)·e^(a²) / t in t = 1 / (1 + a/2), for a from 0.5 to 11: 3e-8. */
const tail = [
  0.2820790708065033,
  0.2825187146663666,
  0.2419663816690445,
  0.20744353532791138,
  -0.037995144724845886,
  0.2936819791793823,
  -0.4987115263938904,
  0.28818798065185547,
  -0.05915607139468193,
];

/** erfinv(x) / x in w - 2.5, with w = -ln(1 - x²), for w to 5: 1e-7. */
const center = [
  1.5014094114303589,
  0.24664072692394257,
  -0.004177707713097334,
  -0.001253707567229867,
  0.00021860218839719892,
  -4.396781150717288e-06,
  -3.5288594517624006e-06,
  3.43727066365318e-07,
  2.8534790530443388e-08,
];

/** The same in √w - 3, for w from 5 to 16: 1.1e-7. */
const outer = [
  2.832976818084717,
  1.0016740560531616,
  0.009439355693757534,
  -0.007621414493769407,
  0.005736477207392454,
  -0.0036770005244761705,
  0.001355888438411057,
  0.00010430959810037166,
  -0.00020497286459431052,
];

/** The same in √w - 7, for w from 16 to 106, which only erfcinv meets: 8e-8. */
const far = [
  6.869019985198975,
  1.008596420288086,
  -0.0005131660727784038,
  5.296153176459484e-06,
  6.3551242419634946e-06,
  -1.274785063287709e-06,
  2.461506767303945e-07,
  -9.59075876494353e-08,
  1.534385951629247e-08,
];

function nearZero(x: Scalar): Scalar {
  return s.mul(x, polynomial(s.mul(x, x), small));
}

/** erfc of a magnitude from 0.5; past 11 it is 0 even in the smallest numbers. */
function upperTail(size: Scalar): Scalar {
  const a = s.min(size, 11);
  const t = s.div(1, s.add(s.mul(a, 0.5), 1));
  return s.mul(s.mul(t, polynomial(t, tail)), s.exp(s.neg(s.mul(a, a))));
}

/** The error function as a term. */
export function erfOf(x: Scalar): Scalar {
  const size = s.abs(x);
  const rest = upperTail(size);
  const large = s.select(s.lt(x, 0), s.sub(rest, 1), s.sub(1, rest));
  return s.select(s.lt(size, 1), nearZero(x), large);
}

/** One less the error function as a term, exact to rounding in the right tail too. */
export function erfcOf(x: Scalar): Scalar {
  const size = s.abs(x);
  const rest = upperTail(size);
  const large = s.select(s.lt(x, 0), s.sub(2, rest), rest);
  return s.select(s.lt(size, 0.5), s.sub(1, nearZero(x)), large);
}

/** The quotient erfinv(x) / x, of w = -ln(1 - x²). */
function slope(w: Scalar, wide: boolean): Scalar {
  const root = s.sqrt(w);
  const high = polynomial(s.sub(root, 3), outer);
  const past = wide ? s.select(s.lt(root, 4), high, polynomial(s.sub(root, 7), far)) : high;
  return s.select(s.lt(w, 5), polynomial(s.sub(w, 2.5), center), past);
}

/** The inverse of the error function as a term. */
export function erfinvOf(x: Scalar): Scalar {
  const size = s.abs(x);
  const w = s.neg(s.log(s.mul(s.sub(1, x), s.add(x, 1))));
  const inside = s.mul(x, slope(w, false));
  const known = s.select(s.eq(size, 1), s.mul(x, s.f(Infinity)), inside);
  return s.select(s.gt(size, 1), s.f(NaN), known);
}

/** The error function, to 1e-7 of its value. */
export const erf: Unary = unary({
  name: "erf",
  doc: "The error function, to 1e-7 of its value",
  scalar: erfOf,
  vjp: ({ ct, ins: [x] }) => [mul(ct, bell(x, 2 / Math.sqrt(Math.PI)))],
  wire: elemwise("ERF"),
  cases: [{ ins: [between(-4, 4, [60])] }],
});

function bell(x: Parameters<typeof exp>[0], height: number) {
  return mul(exp(neg(square(x))), height);
}

/** One less the error function, to 2e-7 of its value on the reference, 1e-5 in a device's tail. */
export const erfc: Unary = unary({
  name: "erfc",
  doc:
    "One less the error function, to 2e-7 of its value on the reference, 1e-5 in a device's tail",
  scalar: erfcOf,
  vjp: ({ ct, ins: [x] }) => [mul(ct, bell(x, -2 / Math.sqrt(Math.PI)))],
  wire: elemwise("ERFC"),
  cases: [{ ins: [between(-4, 4, [60])] }],
});

/** The inverse of the error function, to 2e-7 of its value; ±inf at ±1, NaN past them. */
export const erfinv: Unary = unary({
  name: "erfinv",
  doc: "The inverse of the error function, to 2e-7 of its value; ±inf at ±1, NaN past them",
  scalar: erfinvOf,
  vjp: ({ ct, out }) => [mul(ct, mul(exp(square(out)), Math.sqrt(Math.PI) / 2))],
  wire: elemwise("ERFINV"),
  cases: [{ ins: [between(-0.9, 0.9, [60])] }],
});

/** The inverse of erfc, to 2e-7 of its value away from its zero at 1; NaN outside 0 to 2. */
export const erfcinv: Unary = unary({
  name: "erfcinv",
  doc: "The inverse of erfc, to 2e-7 of its value away from its zero at 1; NaN outside 0 to 2",
  scalar: (y) => {
    const w = s.neg(s.log(s.mul(y, s.sub(2, y))));
    const inside = s.mul(s.sub(1, y), slope(w, true));
    const low = s.select(s.eq(y, 0), s.f(Infinity), inside);
    const known = s.select(s.eq(y, 2), s.f(-Infinity), low);
    return s.select(s.or(s.lt(y, 0), s.gt(y, 2)), s.f(NaN), known);
  },
  vjp: ({ ct, out }) => [mul(ct, mul(exp(square(out)), -Math.sqrt(Math.PI) / 2))],
  wire: elemwise("ERFCINV"),
  cases: [{ ins: [between(0.1, 1.9, [60])] }],
});
