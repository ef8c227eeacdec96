/**
 * Addresses taken apart into coordinates.
 * @module
 */
import {
  constant,
  divIndex,
  type Linear,
  linearOf,
  modIndex,
  rangeOfSum,
  termOf,
  type Terms,
} from "./index.ts";
import type { Scalar } from "./scalar.ts";
import { denseStrides } from "./type.ts";

/** The coordinates of a row-major address in a dense tensor of this shape. */
export function coordsOf(address: Scalar, shape: readonly number[]): Scalar[] {
  const strides = denseStrides(shape);
  return digitsOf(linearOf(address), shape, strides) ??
    shape.map((extent, i) =>
      extent === 1
        ? constant(0)
        : i === 0
        ? divIndex(address, strides[i])
        : modIndex(divIndex(address, strides[i]), extent)
    );
}

/** The same where each part of a sum counts steps of one stride, and none of them carries. */
function digitsOf(
  sum: Linear,
  shape: readonly number[],
  strides: readonly number[],
): Scalar[] | undefined {
  const parts: Terms[] = shape.map(() => new Map());
  for (const [key, { atom, coef }] of sum.terms) {
    const i = strides.findIndex((s, i) => shape[i] > 1 && coef >= s && coef % s === 0);
    if (i < 0) return undefined;
    parts[i].set(key, { atom, coef: coef / strides[i] });
  }
  let left = sum.constant;
  const digits: Scalar[] = [];
  for (const [i, extent] of shape.entries()) {
    const digit = { constant: extent > 1 ? Math.floor(left / strides[i]) : 0, terms: parts[i] };
    left -= digit.constant * strides[i];
    const [lo, hi] = rangeOfSum(digit);
    if (lo < 0 || hi >= extent) return undefined;
    digits.push(termOf(digit));
  }
  return digits;
}
