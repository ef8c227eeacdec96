/**
 * Activation functions. NaN stays NaN in all of them, and none gives NaN for an infinity; MegEngine
 * loses the one and makes the other.
 * @module
 */
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { i32 } from "../core/type.ts";
import { type Fn, op, type Operand } from "../op/declare.ts";
import { number } from "../op/field.ts";
import { between, type Binary, binary, elementwise, elemwise } from "../op/kinds.ts";
import { type Unary, unary } from "../op/kinds.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { gt, lt } from "./compare.ts";
import { logicalAnd } from "./logic.ts";
import { exp, expm1Of, log1pOf, square } from "./math.ts";
import { where } from "./select.ts";
import { erfc, erfcOf } from "./special.ts";

const knots = {
  dtype: "f32",
  shape: [7],
  data: new Float32Array([-3, -1, -0, 0, 1, 3, 6]),
} as const;

/** x where positive, else 0; the gradient at 0 is 0. */
export const relu: Unary = unary({
  name: "relu",
  doc: "x where positive, else 0; the gradient at 0 is 0",
  takes: "number",
  scalar: (x) => s.select(s.lt(x, 0), 0, x),
  vjp: ({ ct, ins: [x] }) => [where(gt(x, 0), ct, 0)],
  wire: elemwise("RELU"),
  cases: [
    { ins: [between(0.2, 2, [4, 33])] },
    { ins: [between(-2, 2, [4, 33])], gradient: false },
    { ins: [knots], gradient: false },
    { ins: [between(-9, 9, i32([9]))] },
  ],
});

/** x between 0 and 6; the gradient at both is 0. */
export const relu6: Unary = unary({
  name: "relu6",
  doc: "x between 0 and 6; the gradient at both is 0",
  takes: "number",
  scalar: (x) => s.select(s.lt(x, 0), 0, s.select(s.gt(x, 6), 6, x)),
  vjp: ({ ct, ins: [x] }) => [within(x, 0, 6, ct)],
  wire: elemwise("RELU6"),
  cases: [{ ins: [between(-2, 9, [40])] }, { ins: [knots], gradient: false }],
});

function within(x: Tensor, lower: number, upper: number, ct: Tensor): Tensor {
  return where(logicalAnd(gt(x, lower), lt(x, upper)), ct, 0);
}

/** x where positive, else `slope` (0.01) times x. Maas et al., 2013. */
export const leakyRelu: Fn<readonly ["x"], { slope?: number }> = op({
  name: "leakyRelu",
  doc: "x where positive, else `slope` (0.01) times x",
  ins: ["x"],
  attrs: { slope: number("factor of negative values", 0.01) },
  infer: (ins) => elementwise("leakyRelu", ["x"], ins, "float"),
  scalar: ([x], { slope }) => s.select(s.lt(x, 0), s.mul(x, slope), x),
  vjp: ({ ct, ins: [x], attrs: { slope } }) => [where(lt(x, 0), mul(ct, slope), ct)],
  cases: [
    { ins: [between(-2, -0.2, [40])] },
    { ins: [between(-2, 2, [40])], attrs: { slope: 0.2 }, gradient: false },
  ],
});

/** a where positive, else a times b; b broadcasts. He et al., 2015. */
export const prelu: Binary = binary({
  name: "prelu",
  doc: "a where positive, else a times b; b broadcasts",
  takes: "float",
  scalar: (x, slope) => s.select(s.gt(x, 0), x, s.mul(x, slope)),
  vjp: ({ ct, ins: [x, slope] }) => [
    where(gt(x, 0), ct, mul(ct, slope)),
    where(gt(x, 0), 0, mul(ct, x)),
  ],
  wire: elemwise("PRELU"),
  cases: [{ ins: [between(-2, 2, [2, 3, 4]), between(0, 1, [3, 1])] }],
});

/** x where positive, else `alpha` (1) times `e^x - 1`. Clevert et al., 2015. */
export const elu: Fn<readonly ["x"], { alpha?: number }> = op({
  name: "elu",
  doc: "x where positive, else `alpha` (1) times `e^x - 1`",
  ins: ["x"],
  attrs: { alpha: number("the limit at -inf, negated", 1) },
  infer: (ins) => elementwise("elu", ["x"], ins, "float"),
  scalar: ([x], { alpha }) => s.select(s.gt(x, 0), x, s.mul(expm1Of(x), alpha)),
  vjp: ({ ct, ins: [x], attrs: { alpha } }) => [
    where(gt(x, 0), ct, mul(ct, mul(exp(where(gt(x, 0), 0, x)), alpha))),
  ],
  cases: [{ ins: [between(-2, 2, [40])] }, { ins: [between(-2, 2, [9])], attrs: { alpha: 0.5 } }],
});

/** The sigmoid of a term, by `e^-|x|`, which cannot overflow. */
export function sigmoidOf(x: Scalar): Scalar {
  const e = s.exp(s.neg(s.abs(x)));
  return s.div(s.select(s.lt(x, 0), e, 1), s.add(e, 1));
}

/** `1 / (1 + e^-x)`. */
export const sigmoid: Unary = unary({
  name: "sigmoid",
  doc: "`1 / (1 + e^-x)`",
  scalar: sigmoidOf,
  vjp: ({ ct, out }) => [mul(ct, mul(out, sub(1, out)))],
  wire: elemwise("SIGMOID"),
  cases: [{ ins: [between(-6, 6, [40])] }],
});

/** Logarithm of the sigmoid, without overflow. */
export const logSigmoid: Unary = unary({
  name: "logSigmoid",
  doc: "Logarithm of the sigmoid, without overflow",
  scalar: (x) => s.sub(s.min(x, 0), log1pOf(s.exp(s.neg(s.abs(x))))),
  vjp: ({ ct, ins: [x] }) => [mul(ct, sigmoid(neg(x)))],
  wire: elemwise("LOGSIGMOID"),
  cases: [{ ins: [between(-6, 6, [40])] }],
});

/** `ln(1 + e^x)`, without overflow. */
export const softplus: Unary = unary({
  name: "softplus",
  doc: "`ln(1 + e^x)`, without overflow",
  scalar: (x) => s.add(s.max(x, 0), log1pOf(s.exp(s.neg(s.abs(x))))),
  vjp: ({ ct, ins: [x] }) => [mul(ct, sigmoid(x))],
  wire: elemwise("SOFTPLUS"),
  cases: [{ ins: [between(-6, 6, [40])] }],
});

/** (x + 3) / 6 between 0 and 1; the gradient at both ends is 0. */
export const hardSigmoid: Unary = unary({
  name: "hardSigmoid",
  doc: "(x + 3) / 6 between 0 and 1; the gradient at both ends is 0",
  scalar: (x) => {
    const line = s.div(s.add(x, 3), 6);
    return s.select(s.le(x, -3), 0, s.select(s.ge(x, 3), 1, line));
  },
  vjp: ({ ct, ins: [x] }) => [within(x, -3, 3, div(ct, 6))],
  wire: elemwise("HSIGMOID"),
  cases: [{ ins: [between(-5, 5, [40])] }, { ins: [knots], gradient: false }],
});

/** x times its hard sigmoid. Howard et al., 2019, "Searching for MobileNetV3". */
export const hardSwish: Unary = unary({
  name: "hardSwish",
  doc: "x times its hard sigmoid",
  scalar: (x) => {
    const curve = s.div(s.mul(x, s.add(x, 3)), 6);
    return s.select(s.le(x, -3), 0, s.select(s.ge(x, 3), x, curve));
  },
  vjp: ({ ct, ins: [x] }) => {
    const between = mul(ct, div(add(mul(x, 2), 3), 6));
    return [where(lt(x, -3), 0, where(gt(x, 3), ct, between))];
  },
  wire: elemwise("H_SWISH"),
  cases: [{ ins: [between(-5, 5, [40])] }, { ins: [knots], gradient: false }],
});

/**
 * x times its sigmoid (also called swish). Elfwing et al., 2017; Ramachandran et al., 2017.
 */
export const silu: Unary = unary({
  name: "silu",
  doc: "x times its sigmoid (also called swish)",
  // below -120 the product is 0 in any float, and -inf · 0 would be NaN
  scalar: (x) => {
    const low = s.max(x, -120);
    return s.mul(low, sigmoidOf(low));
  },
  vjp: ({ ct, ins: [x] }) => {
    const y = sigmoid(x);
    return [mul(ct, mul(y, add(mul(x, sub(1, y)), 1)))];
  },
  wire: elemwise("SILU"),
  cases: [{ ins: [between(-6, 6, [40])] }],
});

/**
 * x times the normal distribution function: the exact form, by erfc. Hendrycks and Gimpel, 2016,
 * "Gaussian Error Linear Units"; their tanh approximation is not used.
 */
export const gelu: Unary = unary({
  name: "gelu",
  doc: "x times the normal distribution function: the exact form, by erfc",
  // below -15 the product is 0 in any float, and -inf · 0 would be NaN
  scalar: (x) => {
    const low = s.max(x, -15);
    return s.mul(s.mul(low, 0.5), erfcOf(s.mul(low, -Math.SQRT1_2)));
  },
  vjp: ({ ct, ins: [x] }) => [mul(ct, geluSlope(x))],
  wire: elemwise("GELU"),
  cases: [{ ins: [between(-4, 4, [40])] }],
});

/** The derivative of gelu. */
export function geluSlope(x: Tensor): Tensor {
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(mul(erfc(mul(x, -Math.SQRT1_2)), 0.5), mul(x, density));
}

const clipped: Fn<readonly ["x", "lower", "upper"]> = op({
  name: "clip",
  doc: "`lower` where x is below it, else `upper` where x is above that, else x",
  ins: ["x", "lower", "upper"],
  infer: (ins) => elementwise("clip", ["x", "lower", "upper"], ins, "number"),
  scalar: ([x, lower, upper]) =>
    s.select(s.lt(x, lower), lower, s.select(s.gt(x, upper), upper, x)),
  vjp: ({ ct, ins: [x, lower, upper] }) => {
    const rest = where(lt(x, lower), 0, ct);
    return [
      where(gt(x, upper), 0, rest),
      where(lt(x, lower), ct, 0),
      where(gt(x, upper), rest, 0),
    ];
  },
  wire: elemwise("CLIP"),
  cases: [
    { ins: [between(-2, 2, [4, 5]), between(-1, 0, [5]), between(0.1, 1, [5])] },
    { ins: [between(-9, 9, i32([9])), between(-3, 0, i32([])), between(1, 3, i32([]))] },
  ],
});

/**
 * `lower` where x is below it, else `upper` where x is above that, else x. A bound may be a tensor
 * that broadcasts; one left out is none.
 */
export function clip(
  x: Tensor,
  bounds: { readonly lower?: Operand; readonly upper?: Operand },
): Tensor {
  const { lower = -Infinity, upper = Infinity } = bounds;
  return clipped(x, lower, upper);
}

/** The record of `clip`. */
export const clipFn: Fn<readonly ["x", "lower", "upper"]> = clipped;
