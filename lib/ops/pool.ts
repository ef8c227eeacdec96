/**
 * Pooling over windows of an image [n,c,h,w]. Extents round down. The gradient of max pooling goes
 * to every element that equals its window's largest, as MegEngine has it.
 * @module
 */
import { DTypeError, OptionError, ShapeError } from "../core/fault.ts";
import { tensor } from "../core/leaf.ts";
import { lit, s } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { i8, isFloat, printType, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { flag } from "../op/field.ts";
import { between, isTaken } from "../op/kinds.ts";
import { div } from "./arithmetic.ts";
import { mean } from "./reduce.ts";
import { as } from "./select.ts";
import { reshape } from "./shape.ts";
import { windowPlace, windowSum } from "./window.ts";
import {
  largest,
  lowest,
  type Pair,
  tapsOfResult,
  windowed,
  windowFields,
  type WindowOptions,
} from "./window_taps.ts";

/** How pooling windows lie. */
export interface PoolOptions {
  /** Extents of a window. */
  readonly kernel: Pair;
  /** Distance between neighbouring windows; the kernel by default. */
  readonly stride?: Pair;
  /** Elements that windows may reach over each side; 0 by default, less than the kernel. */
  readonly padding?: Pair;
}

/** Average pooling also says whether padding counts. */
export interface AvgPoolOptions extends PoolOptions {
  /** Divide by the kernel's size everywhere (default), or by the elements that are really there. */
  readonly countIncludePad?: boolean;
}

/** The record of `maxPool2d`. */
export const maxPool2dFn: Fn<readonly ["x"], WindowOptions> = op({
  name: "maxPool2d",
  doc: "The largest element of every window of an image [n,c,h,w]; padding never wins",
  ins: ["x"],
  attrs: windowFields,
  infer: ([x], attrs) => {
    if (!isTaken("number", x.dtype)) throw refused("maxPool2d", x, "a number");
    return windowed("maxPool2d", x, attrs);
  },
  eval: ([x], attrs, [out]) => largest(x, attrs, out),
  lower: (at, [x], attrs, [out]) => {
    const tap = tapsOfResult(at, x, out, attrs);
    const value = tap.image(0);
    const body = tap.inside ? s.select(tap.inside, value, lit(value.type, lowest(x.dtype))) : value;
    return { kind: "reduce", shape: out.shape, over: attrs.kernel, combine: "max", body };
  },
  vjp: ({ ct, out, ins: [x], attrs }) => [
    isFloat(x.dtype) ? windowPlace(x, out, ct, attrs) : undefined,
  ],
  cases: [
    { ins: [between(-1, 1, [1, 2, 4, 6])], attrs: { kernel: 2, stride: 2 } },
    { ins: [between(-1, 1, [1, 2, 7, 6])], attrs: { kernel: 3, stride: [2, 1], padding: [1, 0] } },
    { ins: [between(-99, 99, i8([1, 2, 5, 6]))], attrs: { kernel: 3, stride: 1, padding: 1 } },
    {
      ins: [between(-1, 1, [1, 64, 112, 112])],
      attrs: { kernel: 3, stride: 2, padding: 1 },
      bench: true,
      gradient: false,
    },
  ],
});

/**
 * The largest element of every window of an image [n,c,h,w]; padding never wins. Of several equal
 * ones each takes the whole gradient. Throws ShapeError if a window finds no place.
 */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  return maxPool2dFn(x, { stride: options.kernel, ...options });
}

/** The record of `avgPool2d`. */
export const avgPool2dFn: Fn<
  readonly ["x"],
  WindowOptions & { readonly countIncludePad?: boolean }
> = op({
  name: "avgPool2d",
  doc: "The mean of every window of an image [n,c,h,w]",
  ins: ["x"],
  attrs: { ...windowFields, countIncludePad: flag("padding counts as zeros", true) },
  infer: ([x], attrs) => {
    if (!isFloat(x.dtype)) throw refused("avgPool2d", x, "a float");
    return windowed("avgPool2d", x, attrs);
  },
  compose: ([x], { countIncludePad, ...attrs }) => {
    const sums = windowSum(x, attrs);
    const [kh, kw] = attrs.kernel;
    const padded = attrs.padding.some((p: number) => p > 0);
    if (countIncludePad || !padded) return div(sums, kh * kw);
    const [rows, columns] = [0, 1].map((i) => counts(x, sums, attrs, i));
    const table = Float32Array.from(rows.flatMap((r) => columns.map((c) => r * c)));
    return div(sums, as(tensor(table, [rows.length, columns.length]), x.dtype));
  },
  cases: [
    { ins: [between(-1, 1, [1, 2, 4, 6])], attrs: { kernel: 2, stride: 2 } },
    {
      ins: [between(-1, 1, [1, 2, 7, 6])],
      attrs: { kernel: 3, stride: [2, 1], padding: [1, 0], countIncludePad: false },
    },
    { ins: [between(-1, 1, [1, 2, 7, 6])], attrs: { kernel: 3, stride: 2, padding: 1 } },
  ],
});

/** How many elements of the image each window really holds along one axis. */
function counts(
  x: Type,
  out: Type,
  attrs: { readonly [K in keyof WindowOptions]-?: readonly number[] },
  axis: number,
): number[] {
  return Array.from({ length: out.shape[2 + axis] }, (_, o) => {
    const from = o * attrs.stride[axis] - attrs.padding[axis];
    return Math.min(x.shape[2 + axis], from + attrs.kernel[axis]) - Math.max(0, from);
  });
}

/** The mean of every window of an image [n,c,h,w]. Throws ShapeError if a window finds no place. */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  return avgPool2dFn(x, { stride: options.kernel, ...options });
}

function refused(name: string, x: Type, want: string): DTypeError {
  return new DTypeError(
    `Cannot apply ${name} to x: ${printType(x)}: it must be of ${want} dtype\n  try cast`,
  );
}

/** One-dimensional pooling is pooling of an image of one row. */
function line(
  x: Tensor,
  options: { readonly kernel: number; readonly stride?: number; readonly padding?: number },
  pool: (x: Tensor, options: PoolOptions) => Tensor,
): Tensor {
  if (x.shape.length !== 3) {
    throw new ShapeError(`Cannot pool x: ${printType(x)} along one axis: it must be [n,c,l]`);
  }
  const { kernel, stride = kernel, padding = 0 } = options;
  const [n, c, l] = x.shape;
  const out = pool(reshape(x, { shape: [n, c, 1, l] }), {
    ...options,
    kernel: [1, kernel],
    stride: [1, stride],
    padding: [0, padding],
  });
  return reshape(out, { shape: [n, c, out.shape[3]] });
}

/** The largest element of every window of a signal [n,c,l]. */
export function maxPool1d(
  x: Tensor,
  options: { readonly kernel: number; readonly stride?: number; readonly padding?: number },
): Tensor {
  return line(x, options, maxPool2d);
}

/** The mean of every window of a signal [n,c,l]. */
export function avgPool1d(
  x: Tensor,
  options: {
    readonly kernel: number;
    readonly stride?: number;
    readonly padding?: number;
    readonly countIncludePad?: boolean;
  },
): Tensor {
  return line(x, options, avgPool2d);
}

/**
 * MegEngine's rule: windows of one size, floor(h / oh) apart, the last one ending with the image.
 */
function adaptive(x: Tensor, size: Pair): PoolOptions {
  const want = typeof size === "number" ? [size, size] : size;
  const [h, w] = x.shape.slice(2);
  const extents = [h, w];
  if (want.some((o, i) => !Number.isInteger(o) || o < 1 || o > extents[i])) {
    throw new OptionError(
      `Cannot pool x: ${printType(x)} to ${want}: each extent must be from 1 to the image's`,
    );
  }
  const stride = want.map((o, i) => Math.floor(extents[i] / o));
  const kernel = want.map((o, i) => extents[i] - (o - 1) * stride[i]);
  return { kernel: [kernel[0], kernel[1]], stride: [stride[0], stride[1]] };
}

/** Mean pooling of an image [n,c,h,w] to a given size, in windows of one extent, evenly apart. */
export function adaptiveAvgPool2d(x: Tensor, options: { readonly size: Pair }): Tensor {
  return avgPool2d(x, adaptive(x, options.size));
}

/** Max pooling of an image [n,c,h,w] to a given size, in windows of one extent, evenly apart. */
export function adaptiveMaxPool2d(x: Tensor, options: { readonly size: Pair }): Tensor {
  return maxPool2d(x, adaptive(x, options.size));
}

/** The mean of every channel of an image [n,c,h,w], as [n,c,1,1]. */
export function globalAvgPool(x: Tensor): Tensor {
  return mean(x, { axis: [2, 3], keep: true });
}
