/**
 * Windows of images laid out side by side, and put back; and the correlation of two images, which
 * is made of them.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf } from "../core/host.ts";
import { axesOf, plusIndex, timesIndex } from "../core/index.ts";
import type { Attrs } from "../core/op.ts";
import { lit, s, type Scalar } from "../core/scalar.ts";
import { i32, isFloat, printType, sameShape, sizeOf, type Type } from "../core/type.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { flag, integer, pair } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";
import { mul, sub } from "./arithmetic.ts";
import { abs } from "./math.ts";
import { pad } from "./pad.ts";
import { sum } from "./reduce.ts";
import { as } from "./select.ts";
import { expandDims, reshape, transpose } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { windowSum } from "./window.ts";
import type { Pair } from "./window_taps.ts";

/** How windows lie on an image. */
export interface SlidingOptions {
  /** Extents of a window. */
  readonly kernel: Pair;
  /** Distance between neighbouring windows; 1 by default. */
  readonly stride?: Pair;
  /** Zeros that windows may reach over each side; 0 by default. */
  readonly padding?: Pair;
  /** Distance between neighbouring elements of a window; 1 by default. */
  readonly dilation?: Pair;
}

const fields = {
  kernel: pair("extents of a window", undefined, 1),
  stride: pair("distance between windows", 1, 1),
  padding: pair("zeros windows may reach over each side", 0),
  dilation: pair("distance between elements of a window", 1, 1),
};

/** How many windows an image has along its axes. */
function counts(name: string, image: readonly number[], attrs: Attrs, of: Type): number[] {
  return [0, 1].map((i) => {
    const reach = (attrs.kernel[i] - 1) * attrs.dilation[i] + 1;
    const room = image[i] + 2 * attrs.padding[i] - reach;
    if (room < 0) {
      throw new ShapeError(
        `Cannot apply ${name} to ${printType(of)} with kernel: [${attrs.kernel}]: the window is ` +
          "larger than the image\n  try a smaller kernel",
      );
    }
    return Math.floor(room / attrs.stride[i]) + 1;
  });
}

/** Calls `visit` with the address of every element of every window, and that of its pixel. */
function eachWindow(
  image: readonly number[],
  windows: readonly number[],
  { stride, padding, dilation }: Attrs,
  visit: (element: number, pixel: number) => void,
): void {
  const [h, w] = image.slice(2);
  const [, , oh, ow, kh, kw] = windows;
  let e = 0;
  for (let z = 0; z < windows[0] * windows[1]; z++) {
    for (let o = 0; o < oh * ow; o++) {
      for (let k = 0; k < kh * kw; k++, e++) {
        const y = Math.floor(o / ow) * stride[0] + Math.floor(k / kw) * dilation[0] - padding[0];
        const x = o % ow * stride[1] + k % kw * dilation[1] - padding[1];
        if (y >= 0 && y < h && x >= 0 && x < w) visit(e, (z * h + y) * w + x);
      }
    }
  }
}

/** Every window of an image [n,c,h,w], as [n,c,oh,ow,kh,kw]. */
export const slidingWindow: Fn<readonly ["x"], SlidingOptions> = op({
  name: "slidingWindow",
  doc: "Every window of an image [n,c,h,w], as [n,c,oh,ow,kh,kw]",
  ins: ["x"],
  attrs: fields,
  infer: ([x], attrs) => {
    if (x.shape.length !== 4) {
      throw new ShapeError(
        `Cannot apply slidingWindow to x: ${printType(x)}: it must be [n,c,h,w]`,
      );
    }
    const over = counts("slidingWindow", x.shape.slice(2), attrs, x);
    return { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...over, ...attrs.kernel] };
  },
  eval: ([x], attrs, [out]) => {
    const data = arrayOf(out.dtype, sizeOf(out.shape));
    eachWindow(x.shape, out.shape, attrs, (e, pixel) => data[e] = x.data[pixel]);
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [x], { stride, padding, dilation }, [out]) => {
    const [n, c, oh, ow, kh, kw] = axesOf(out.shape);
    let inside: Scalar | undefined;
    const place = (o: Scalar, k: Scalar, i: 0 | 1) => {
      const raw = plusIndex(
        plusIndex(timesIndex(o, stride[i]), timesIndex(k, dilation[i])),
        -padding[i],
      );
      if (padding[i] > 0) {
        const own = s.and(s.ge(raw, 0), s.lt(raw, x.shape[2 + i]));
        inside = inside ? s.and(inside, own) : own;
      }
      return raw;
    };
    const value = at(0, [n, c, place(oh, kh, 0), place(ow, kw, 1)]);
    const body = inside ? s.select(inside, guarded(value, inside), lit(value.type, 0)) : value;
    return { kind: "map", shape: out.shape, body };
  },
  vjp: ({ ct, ins: [x], attrs: { kernel: _, ...attrs } }) => [
    slidingWindowTranspose(ct, { ...attrs, size: x.shape.slice(2) as unknown as Pair }),
  ],
  cases: [
    { ins: [between(-1, 1, [1, 2, 5, 6])], attrs: { kernel: 2 } },
    {
      ins: [between(-1, 1, [2, 1, 5, 6])],
      attrs: { kernel: [3, 2], stride: 2, padding: [1, 0], dilation: [1, 3] },
    },
    { ins: [between(-9, 9, i32([1, 1, 4, 4]))], attrs: { kernel: 3, padding: 1 } },
  ],
});

/** An image [n,c,h,w] with every element the sum of where windows [n,c,oh,ow,kh,kw] hold it. */
export const slidingWindowTranspose: Fn<
  readonly ["x"],
  Omit<SlidingOptions, "kernel"> & { readonly size: Pair }
> = op({
  name: "slidingWindowTranspose",
  doc: "An image [n,c,h,w] with every element the sum of where windows [n,c,oh,ow,kh,kw] hold it",
  ins: ["x"],
  attrs: {
    size: pair("rows and columns of the image", undefined, 1),
    ...{ stride: fields.stride, padding: fields.padding, dilation: fields.dilation },
  },
  infer: ([x], { size, ...attrs }) => {
    needNumbers("slidingWindowTranspose", [x]);
    const kernel = x.shape.slice(4);
    const fits = x.shape.length === 6 &&
      sameShape(
        counts("slidingWindowTranspose", size, { ...attrs, kernel }, x),
        x.shape.slice(2, 4),
      );
    if (!fits) {
      throw new ShapeError(
        `Cannot put windows x: ${printType(x)} into an image of [${size}]: they must be ` +
          "[n,c,oh,ow,kh,kw], as slidingWindow gives them for it",
      );
    }
    return { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...size] };
  },
  eval: ([x], attrs, [out]) =>
    summed(
      out,
      (sums) => eachWindow(out.shape, x.shape, attrs, (e, pixel) => sums[pixel] += x.data[e]),
    ),
  lower: (at, [x], { stride, padding, dilation }, [out]) => {
    const [n, c, y, q] = axesOf(out.shape);
    const over = x.shape.slice(4);
    const [kh, kw] = axesOf(over, 4);
    let inside: Scalar = s.b(true);
    const place = (p: Scalar, k: Scalar, i: 0 | 1) => {
      const raw = plusIndex(plusIndex(p, timesIndex(k, -dilation[i])), padding[i]);
      const by = stride[i];
      const o = by === 1 ? raw : s.div(raw, by);
      inside = s.and(inside, s.and(s.ge(raw, 0), s.lt(o, x.shape[2 + i])));
      if (by !== 1) inside = s.and(inside, s.eq(s.rem(raw, by), 0));
      return o;
    };
    const [oh, ow] = [place(y, kh, 0), place(q, kw, 1)];
    const value = guarded(at(0, [n, c, oh, ow, kh, kw]), inside);
    const body = s.select(inside, value, lit(value.type, 0));
    return { kind: "reduce", shape: out.shape, over, combine: "sum", body };
  },
  vjp: ({ ct, ins: [x], attrs: { size: _, ...attrs } }) => [
    slidingWindow(ct, { ...attrs, kernel: x.shape.slice(4) as unknown as Pair }),
  ],
  cases: [
    { ins: [between(-1, 1, [1, 2, 4, 5, 2, 2])], attrs: { size: [5, 6] } },
    {
      ins: [between(-1, 1, [2, 1, 3, 2, 3, 2])],
      attrs: { size: [5, 6], stride: 2, padding: [1, 0], dilation: [1, 3] },
    },
  ],
});

/** How two images are correlated. */
export interface CorrelationOptions {
  /** Extent of the patches that are compared, odd; 1 by default. */
  readonly kernel?: number;
  /** How far patches of the second image may be away; 1 by default. */
  readonly displacement?: number;
  /** Distance between patches of the first image; 1 by default. */
  readonly stride1?: number;
  /** Distance between patches of the second; 1 by default. */
  readonly stride2?: number;
  /** Zeros around both images; 0 by default. */
  readonly padding?: number;
  /** Products of elements (default), or how much they differ. */
  readonly multiply?: boolean;
}

/**
 * Patches of one image [n,c,h,w] compared with those around the same place in another: the mean of
 * products, or of differences, for each displacement (Dosovitskiy et al., 2015).
 */
export const correlation: Fn<readonly ["a", "b"], CorrelationOptions> = op({
  name: "correlation",
  doc: "Patches of one image [n,c,h,w] compared with those around the same place in another: the " +
    "mean of products, or of differences, for each displacement (Dosovitskiy et al., 2015)",
  ins: ["a", "b"],
  attrs: {
    kernel: integer("extent of the patches, odd", { from: 1, fallback: 1 }),
    displacement: integer("how far patches may be away", { from: 0, fallback: 1 }),
    stride1: integer("distance between patches of a", { from: 1, fallback: 1 }),
    stride2: integer("distance between patches of b", { from: 1, fallback: 1 }),
    padding: integer("zeros around both images", { from: 0, fallback: 0 }),
    multiply: flag("products of elements, not their difference", true),
  },
  infer: ([a, b], attrs) => {
    if (a.shape.length !== 4 || !sameShape(a.shape, b.shape) || a.dtype !== b.dtype) {
      throw new ShapeError(
        `Cannot correlate a: ${printType(a)} and b: ${printType(b)}: both must be one [n,c,h,w]`,
      );
    }
    if (!isFloat(a.dtype) || attrs.kernel % 2 === 0) {
      throw new OptionError(
        `Cannot correlate a: ${printType(a)} with kernel: ${attrs.kernel}: images must be of a ` +
          "float dtype, the kernel odd",
      );
    }
    const edge = attrs.displacement + (attrs.kernel - 1) / 2;
    const extents = a.shape.slice(2).map((e) =>
      Math.ceil((e + 2 * attrs.padding - 2 * edge) / attrs.stride1)
    );
    if (extents.some((e) => e < 1)) {
      throw new ShapeError(
        `Cannot correlate a: ${printType(a)} with displacement: ${attrs.displacement}: no patch ` +
          "finds its place\n  try padding",
      );
    }
    const side = 2 * Math.floor(attrs.displacement / attrs.stride2) + 1;
    return { dtype: a.dtype, shape: [a.shape[0], side * side, ...extents] };
  },
  compose: ([a, b], { kernel, displacement, stride1, stride2, padding, multiply }) => {
    const [n, c, h, w] = a.shape;
    const radius = Math.floor(displacement / stride2);
    const side = 2 * radius + 1;
    const around = { before: [0, 0, padding, padding], after: [0, 0, padding, padding] };
    const [first, second] = [a, b].map((t) => pad(as(t, "f32"), around));
    // pixels of the first image that are compared, and for each of them those of the second
    const [ph, pw] = [h, w].map((e) => e + 2 * padding - 2 * displacement);
    const own = sliceFn(first, {
      begin: [0, 0, displacement, displacement],
      size: [n, c, ph, pw],
      step: [1, 1, 1, 1],
    });
    const low = displacement - radius * stride2;
    const near = sliceFn(second, {
      begin: [0, 0, low, low],
      size: [n, c, ph + 2 * radius * stride2, pw + 2 * radius * stride2],
      step: [1, 1, 1, 1],
    });
    const others = slidingWindow(near, { kernel: side, dilation: stride2 });
    const mine = expandDims(own, { axis: [4, 5] });
    const compared = multiply ? mul(mine, others) : abs(sub(mine, others));
    const total = sum(compared, { axis: 1 });
    const planes = reshape(transpose(total, { perm: [0, 3, 4, 1, 2] }), {
      shape: [n, side * side, ph, pw],
    });
    const found = kernel === 1 && stride1 === 1
      ? planes
      : windowSum(planes, { kernel, stride: stride1 });
    return as(mul(found, 1 / (kernel * kernel * c)), a.dtype);
  },
  cases: [
    { ins: [between(-1, 1, [1, 2, 5, 6]), between(-1, 1, [1, 2, 5, 6])] },
    {
      ins: [between(-1, 1, [2, 1, 5, 6]), between(-1, 1, [2, 1, 5, 6])],
      attrs: { kernel: 3, displacement: 2, padding: 2, stride1: 2, stride2: 2 },
    },
    {
      ins: [between(-1, 1, [1, 2, 4, 4]), between(-1, 1, [1, 2, 4, 4])],
      attrs: { displacement: 1, padding: 1, multiply: false },
    },
  ],
});
