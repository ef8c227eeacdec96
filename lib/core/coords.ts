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

/**
 * The coordinates of a row-major address in a dense tensor of this shape; where a condition is given,
 * those that the address has while it holds.
 */
export function coordsOf(address: Scalar, shape: readonly number[], valid?: Scalar): Scalar[] {
  const strides = denseStrides(shape);
  return digitsOf(linearOf(address), shape, strides, boundsOf(valid)) ??
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
  bounds: Bounds,
): Scalar[] | undefined {
  const parts: Terms[] = shape.map(() => new Map());
  for (const [key, { atom, coef }] of sum.terms) {
    const i = strides.findIndex((s, i) => shape[i] > 1 && Math.abs(coef) >= s && coef % s === 0);
    if (i < 0) return undefined;
    parts[i].set(key, { atom, coef: coef / strides[i] });
  }
  const bound = parts.map((terms) =>
    bounds.size && terms.size ? bounds.get(textOf(terms)) : undefined
  );
  // A coordinate that a condition keeps from being negative has the constant which stands there.
  const known = bound.map((b) => b?.least === undefined ? undefined : -b.least);
  let left = known.reduce<number>((n, c, i) => n - (c ?? 0) * strides[i], sum.constant);
  const digits: Scalar[] = [];
  for (const [i, extent] of shape.entries()) {
    const own = known[i] ?? (extent > 1 ? Math.floor(left / strides[i]) : 0);
    if (known[i] === undefined) left -= own * strides[i];
    const digit = { constant: own, terms: parts[i] };
    const [lo, hi] = rangeOfSum(digit);
    if (known[i] === undefined && lo < 0) return undefined;
    if (Math.min(hi, own + (bound[i]?.most ?? Infinity)) >= extent) return undefined;
    digits.push(termOf(digit));
  }
  return left === 0 ? digits : undefined;
}

/** The least and the most that sums without their constants are, by their terms. */
type Bounds = ReadonlyMap<string, { readonly least?: number; readonly most?: number }>;

/** What a condition says of sums. */
function boundsOf(valid: Scalar | undefined): Bounds {
  const bounds = new Map<string, { least?: number; most?: number }>();
  const add = (term: Scalar): void => {
    if (term.kind !== "call") return;
    const [a, b] = term.args;
    if (term.fn === "and" && term.type === "bool") {
      add(a);
      add(b);
    }
    if ((term.fn !== "le" && term.fn !== "lt") || a.type !== "i32") return;
    const [small, large] = [linearOf(a), linearOf(b)];
    const by = large.constant - small.constant - (term.fn === "lt" ? 1 : 0);
    // A least, or a most; a comparison of two sums says neither.
    if (small.terms.size === 0) at(large).least = Math.max(at(large).least ?? -Infinity, -by);
    else if (large.terms.size === 0) at(small).most = Math.min(at(small).most ?? Infinity, by);
  };
  const at = ({ terms }: Linear) => {
    const key = textOf(terms);
    let found = bounds.get(key);
    if (!found) bounds.set(key, found = {});
    return found;
  };
  if (valid) add(valid);
  return bounds;
}

function textOf(terms: Linear["terms"]): string {
  return [...terms].map(([key, { coef }]) => `${coef} ${key}`).sort().join();
}
