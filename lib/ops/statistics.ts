/**
 * Statistics along axes that need more than one reduction: variance, deviation, norms.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { isFloat, sizeOf } from "../core/type.ts";
import { op } from "../op/declare.ts";
import { axes, flag } from "../op/field.ts";
import { between, elementwise } from "../op/kinds.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { abs, pow, sqrt } from "./math.ts";
import {
  type Along,
  max,
  mean,
  min,
  reducedShape,
  type Reduction,
  sum,
  sumSquares,
} from "./reduce.ts";
import { as, wide } from "./select.ts";
import { reshape } from "./shape.ts";

/** Mean of the squared distances from the mean along axes: divided by n, not n - 1. */
export const variance: Reduction = op({
  name: "variance",
  doc: "Mean of the squared distances from the mean along axes: divided by n, not n - 1",
  ins: ["x"],
  attrs: { axis: axes(), keep: flag("leave reduced axes with extent 1") },
  infer: ([x], { axis, keep }) => {
    const { dtype } = elementwise("variance", ["x"], [x], "float");
    return { dtype, shape: reducedShape(x.shape, axis, keep) };
  },
  compose: ([x], { axis, keep }) => {
    const wider = wide(x);
    const count = axis.reduce((n: number, a: number) => n * x.shape[a], 1);
    const far = sub(wider, mean(wider, { axis, keep: true }));
    return as(div(sumSquares(far, { axis, keep }), count), x.dtype);
  },
  // the mean's own part vanishes, because distances from the mean sum to zero
  vjp: ({ ct, ins: [x], out, attrs: { axis } }) => {
    const share = 2 * sizeOf(out.shape) / Math.max(1, sizeOf(x.shape));
    const own = reshape(ct, { shape: reducedShape(x.shape, axis, true) });
    return [mul(sub(x, mean(x, { axis, keep: true })), mul(own, share))];
  },
  cases: [
    { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: [0, 2] } },
    { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: 1, keep: true } },
  ],
});

/** Square root of the variance along axes. */
export function std(x: Tensor, along: Along = {}): Tensor {
  return sqrt(variance(x, along));
}

/**
 * Norm of the elements along axes: the root of the sum of their powers, of order 2 by default;
 * Infinity gives the largest magnitude, -Infinity the smallest. Throws OptionError for order 0.
 */
export function norm(x: Tensor, options: Along & { readonly order?: number } = {}): Tensor {
  const { order = 2, ...along } = options;
  if (order === 0 || Number.isNaN(order) || !isFloat(x.dtype)) {
    throw located(
      new OptionError(
        `Cannot take the norm of order ${order} of ${x.dtype}: give floats and an order but 0`,
      ),
      new Error("norm"),
    );
  }
  if (order === 2) return sqrt(sumSquares(x, along));
  if (order === 1) return sum(abs(x), along);
  if (order === Infinity) return max(abs(x), along);
  if (order === -Infinity) return min(abs(x), along);
  return pow(sum(pow(abs(x), order), along), 1 / order);
}
