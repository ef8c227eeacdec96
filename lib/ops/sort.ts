/**
 * Sorting along an axis. Short runs are sorted by counting what comes before each element; then
 * runs are merged two by two, where each place of the result finds by bisection how many elements
 * of either run come before it. So rows of up to 256 elements take three kernels, longer ones two
 * more for each doubling beyond 64, and nothing depends on the order in which a device works.
 *
 * Equal elements keep their order, in both directions. NaN counts as larger than every number, -0
 * as equal to 0.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Tensor } from "../core/tensor.ts";
import { bool, f16, i32, printType, type Type } from "../core/type.ts";
import { many, type ManyFn } from "../op/declare.ts";
import { axis as axisField, flag, integer } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { putAlongAxis, takeAlongAxis } from "./gather.ts";
import { firstOfRuns, mergedRuns, rankInRun } from "./runs.ts";
import { sliceFn } from "./slice.ts";
import { squeeze } from "./shape.ts";

/** Rows up to this length are sorted by counting alone. */
const counted = 256;
/** Runs that longer rows are cut into. */
const run = 64;

/** The first `keep` elements along an axis in order, and their indices. */
function order(x: Tensor, axis: number, descending: boolean, keep: number): readonly Tensor[] {
  const extent = x.shape[axis];
  const short = extent <= counted;
  let span = short ? Math.max(1, extent) : run;
  const ranks = rankInRun(x, { axis, span, descending });
  let indices = firstOfRuns(ranks, { axis, span, keep });
  let values = takeAlongAxis(x, indices, { axis });
  for (; span < extent; span *= 2) {
    const from = mergedRuns(values, { axis, extent, span, keep, descending });
    values = takeAlongAxis(values, from, { axis });
    indices = takeAlongAxis(indices, from, { axis });
  }
  return [values, indices];
}

/** The elements along an axis in order, and the index (i32) that each had. */
export const sortFn: ManyFn<readonly ["x"], { axis?: number; descending?: boolean }> = many({
  name: "sort",
  doc: "The elements along an axis in order, and the index (i32) that each had",
  ins: ["x"],
  attrs: { axis: axisField(-1), descending: flag("largest first") },
  infer: ([x]) => [x, i32(x.shape)],
  compose: ([x], { axis, descending }) => order(x, axis, descending, Math.max(1, x.shape[axis])),
  vjp: ({ cts: [ct], outs: [, indices], attrs: { axis }, ins: [x] }) => [
    ct && putAlongAxis(ct, indices, { axis, size: x.shape[axis] }),
  ],
  cases: [
    { ins: [between(-1, 1, [3, 7])] },
    { ins: [between(-1, 1, [5, 2, 3])], attrs: { axis: 0, descending: true } },
    { ins: [between(-3, 3, i32([2, 9]))], attrs: { descending: true } },
    { ins: [between(0, 2, bool([8]))] },
    { ins: [between(-1, 1, [2, 300])], gradient: false },
    { ins: [between(-9, 9, i32([700]))], attrs: { descending: true } },
    { ins: [between(-1, 1, f16([3, 6]))] },
    { ins: [between(-1, 1, [16, 65536])], bench: true, gradient: false },
  ],
});

/** Elements in order, and where each stood. */
export interface Sorted {
  /** The elements. */
  readonly values: Tensor;
  /** Index (i32) that each had along the axis. */
  readonly indices: Tensor;
}

/** How elements are sorted. */
export interface SortOptions {
  /** Axis that is sorted, the last by default. */
  readonly axis?: number;
  /** Largest first; false by default. */
  readonly descending?: boolean;
}

/**
 * The elements along an axis in order, and the index (i32) that each had. Equal elements keep their
 * order; NaN counts as larger than every number.
 */
export function sort(x: Tensor, options: SortOptions = {}): Sorted {
  const [values, indices] = sortFn(x, options);
  return { values, indices };
}

/** The indices (i32) that put the elements along an axis in order, as `sort` has them. */
export function argsort(x: Tensor, options: SortOptions = {}): Tensor {
  return sortFn(x, options)[1];
}

/** The first k elements along an axis in order, and the index that each had. */
export const topkFn: ManyFn<
  readonly ["x"],
  { k: number; axis?: number; descending?: boolean }
> = many({
  name: "topk",
  doc: "The k largest elements along an axis (or the smallest), and the index (i32) that each had",
  ins: ["x"],
  attrs: {
    k: integer("elements that are taken", { from: 1 }),
    axis: axisField(-1),
    descending: flag("largest first", true),
  },
  infer: ([x], { k, axis }) => {
    if (k > x.shape[axis]) throw tooMany(x, k, axis);
    const shape = x.shape.with(axis, k);
    return [{ dtype: x.dtype, shape }, i32(shape)];
  },
  compose: ([x], { k, axis, descending }) => order(x, axis, descending, k),
  vjp: ({ cts: [ct], outs: [, indices], attrs: { axis }, ins: [x] }) => [
    ct && putAlongAxis(ct, indices, { axis, size: x.shape[axis] }),
  ],
  cases: [
    { ins: [between(-1, 1, [3, 7])], attrs: { k: 3 } },
    { ins: [between(-1, 1, [9, 2])], attrs: { k: 4, axis: 0, descending: false } },
    { ins: [between(-20, 20, i32([2, 9]))], attrs: { k: 9 } },
    { ins: [between(-1, 1, [2, 1000])], attrs: { k: 5 }, gradient: false },
    { ins: [between(-1, 1, [64, 30000])], attrs: { k: 5 }, bench: true, gradient: false },
  ],
});

function tooMany(x: Type, k: number, axis: number): OptionError {
  return new OptionError(
    `Cannot take k: ${k} of x: ${printType(x)}: axis ${axis} holds ${x.shape[axis]} elements`,
    { values: { k } },
  );
}

/** Which elements `topk` takes. */
export interface TopkOptions {
  /** Elements that are taken, from 1 to the axis's extent. */
  readonly k: number;
  /** Axis, the last by default. */
  readonly axis?: number;
  /** Largest first; true by default. */
  readonly descending?: boolean;
  /** Only the k-th one, without the axis; false by default. */
  readonly kthOnly?: boolean;
  /** Any order will do; false by default. They come in order all the same. */
  readonly noSort?: boolean;
}

/**
 * The k largest elements along an axis (or the smallest), and the index (i32) that each had. Their
 * order is that of `sort`. Throws OptionError if there are not so many.
 */
export function topk(x: Tensor, options: TopkOptions): Sorted {
  const { kthOnly = false, noSort: _, ...rest } = options;
  const [values, indices] = topkFn(x, rest);
  if (!kthOnly) return { values, indices };
  const axis = values.node.attrs.axis;
  const last = (t: Tensor) =>
    squeeze(
      sliceFn(t, {
        begin: t.shape.map((n, i) => i === axis ? n - 1 : 0),
        size: t.shape.with(axis, 1),
        step: t.shape.map(() => 1),
      }),
      { axis },
    );
  return { values: last(values), indices: last(indices) };
}
