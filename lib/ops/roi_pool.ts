/**
 * Regions of interest pooled: boxes [m,5] of images [n,c,h,w] cut into bins of whole pixels, of
 * which the largest or the mean is kept. Boxes get no gradient.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf } from "../core/host.ts";
import { axesOf, constant } from "../core/index.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { i32, isFloat, printType, sizeOf, type Type } from "../core/type.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { choice, number, pair, shape as shapeField } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { add, mul } from "./arithmetic.ts";
import { ge } from "./compare.ts";
import { putAlongAxis } from "./gather.ts";
import { scalars } from "./numbers.ts";
import { type Bin, binTerm, eachPixel, looking } from "./bins.ts";
import { checkRegions, regions } from "./roi_align.ts";
import { as, where } from "./select.ts";
import { reshape, transpose } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import type { Pair } from "./window_taps.ts";

const size = pair("rows and columns of each result", undefined, 1);

/** How `roiPooling` pools. */
export interface RoiPoolOptions {
  /** Rows and columns of each result. */
  readonly size: Pair;
  /** Mean of the pixels, or the largest (default). */
  readonly mode?: "average" | "max";
  /** Factor from the boxes' coordinates to pixels; 1 by default. */
  readonly scale?: number;
}

const scale = number("factor from the boxes' coordinates to pixels", 1);

interface Bins {
  readonly size: Pair;
  readonly scale?: number;
}

/**
 * Boxes [m,5] of images [n,c,h,w] as [m,c,oh,ow], each element the largest or the mean of a bin of
 * whole pixels (Girshick, 2015); 0 where a bin is empty.
 */
export const roiPooling: Fn<readonly ["x", "rois"], RoiPoolOptions> = op({
  name: "roiPooling",
  doc:
    "Boxes [m,5] of images [n,c,h,w] as [m,c,oh,ow], each element the largest or the mean of a " +
    "bin of whole pixels (Girshick, 2015); 0 where a bin is empty",
  ins: ["x", "rois"],
  attrs: { size, mode: choice(["max", "average"], "max"), scale },
  infer: ([x, rois], { size }) => {
    checkRegions("roiPooling", x, rois);
    return { dtype: x.dtype, shape: [rois.shape[0], x.shape[1], ...size] };
  },
  eval: ([x, rois], attrs, [out]) => {
    if (attrs.mode === "average") {
      return summed(
        out,
        (sums) =>
          eachPixel(x.shape, rois, attrs, (e, pixel, count) => sums[e] += x.data[pixel] / count),
      );
    }
    const data = arrayOf(out.dtype, sizeOf(out.shape));
    const seen = new Uint8Array(data.length);
    eachPixel(x.shape, rois, attrs, (e, pixel) => {
      data[e] = seen[e] ? Math.max(data[e], x.data[pixel]) : x.data[pixel];
      seen[e] = 1;
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [x], attrs, [out]) => {
    const { inside, count, pixel } = looking(at, x, attrs, out);
    const isMax = attrs.mode === "max";
    const body = s.select(inside, pixel, isMax ? -Infinity : 0);
    const found = isMax ? s.acc(0) : s.div(s.acc(0), s.toF32(s.max(count, 1)));
    return {
      ...{ kind: "reduce", shape: out.shape, over: x.shape.slice(2), body },
      combine: isMax ? "max" : "sum",
      out: s.select(s.lt(0, count), found, 0),
    };
  },
  vjp: ({ ct, ins: [x, rois], attrs: { size, scale, mode } }) => [
    mode === "max"
      ? placed(ct, x, rois, roiArgmax(x, rois, { size, scale }))
      : roiSpread(ct, rois, { size, scale, shape: x.shape }),
    undefined,
  ],
  cases: [
    { ins: [between(-1, 1, [2, 2, 5, 6]), regions(1)], attrs: { size: 2 }, gradient: [0] },
    {
      ins: [between(-1, 1, [2, 3, 5, 6]), regions(1)],
      attrs: { size: [3, 2], mode: "average", scale: 0.8 },
      gradient: [0],
    },
  ],
});

/** Where the largest pixel of each bin stands in its image, row-major; -1 where a bin is empty. */
export const roiArgmax: Fn<readonly ["x", "rois"], Bins> = op({
  name: "roiArgmax",
  doc:
    "Where the largest pixel of each bin stands in its image, row-major; -1 where a bin is empty",
  ins: ["x", "rois"],
  attrs: { size, scale },
  infer: ([x, rois], { size }) => {
    checkRegions("roiArgmax", x, rois);
    return i32([rois.shape[0], x.shape[1], ...size]);
  },
  eval: ([x, rois], attrs, [out]) => {
    const data = arrayOf("i32", sizeOf(out.shape)).fill(-1 as never) as Int32Array;
    const best = new Float64Array(data.length);
    eachPixel(x.shape, rois, attrs, (e, pixel, _, place) => {
      const value = Number(x.data[pixel]);
      const better = value > best[e] || isNaN(value) && !isNaN(best[e]);
      if (data[e] < 0 || better) best[e] = value, data[e] = place;
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [x], attrs, [out]) => {
    const { inside, count, pixel } = looking(at, x, attrs, out);
    return {
      ...{ kind: "reduce", shape: out.shape, over: x.shape.slice(2), combine: "argmax" },
      body: s.select(inside, pixel, -Infinity),
      out: s.select(s.lt(0, count), s.acc(0, "i32"), constant(-1)),
    };
  },
  vjp: () => [undefined, undefined],
  cases: [
    { ins: [between(-1, 1, [2, 2, 5, 6]), regions(1)], attrs: { size: 2 }, gradient: [0] },
    { ins: [between(-1, 1, [2, 1, 5, 6]), regions(1)], attrs: { size: [1, 3], scale: 0.8 } },
  ],
});

/** The cotangent of the largest pixels at the pixels themselves. */
function placed(ct: Tensor, x: Type, rois: Tensor, found: Tensor): Tensor {
  const [n, c, h, w] = x.shape;
  const [m, , oh, ow] = ct.shape;
  const image = reshape(sliceFn(rois, { begin: [0, 0], size: [m, 1], step: [1, 1] }), {
    shape: [m, 1, 1, 1],
  });
  const places = add(found, mul(as(image, "i32"), h * w));
  const line = (t: Tensor) =>
    reshape(transpose(t, { perm: [1, 0, 2, 3] }), { shape: [c, m * oh * ow] });
  const updates = where(ge(found, 0), ct, 0);
  const sums = putAlongAxis(line(updates), line(places), { axis: 1, size: n * h * w });
  return transpose(reshape(sums, { shape: [c, n, h, w] }), { perm: [1, 0, 2, 3] });
}

/** Every pixel given its share of what the bins that hold it have; undoes pooling by the mean. */
export const roiSpread: Fn<
  readonly ["ct", "rois"],
  Bins & { readonly shape: readonly number[] }
> = op({
  name: "roiSpread",
  doc: "Every pixel given its share of what the bins that hold it have; undoes pooling by the mean",
  ins: ["ct", "rois"],
  attrs: { size, scale, shape: shapeField("shape of the images") },
  infer: ([ct, rois], { size, shape }) => {
    const fits = isFloat(ct.dtype) && shape.length === 4 &&
      String(ct.shape) === String([rois.shape[0], shape[1], ...size]);
    if (!fits) {
      throw new ShapeError(
        `Cannot spread ct: ${printType(ct)} by rois: ${printType(rois)} over [${shape}]`,
      );
    }
    return { dtype: ct.dtype, shape };
  },
  eval: ([ct, rois], attrs, [out]) =>
    summed(
      out,
      (sums) =>
        eachPixel(out.shape, rois, attrs, (e, pixel, count) => sums[pixel] += ct.data[e] / count),
    ),
  lower: (at, [ct], { size, scale, shape }) => {
    const [n, c, y, q] = axesOf(shape);
    const [m, oh, ow] = axesOf([ct.shape[0], ...size], 4);
    const corner = (k: number) => at(1, [m, constant(k)]);
    const rows = binTerm(scalars, [corner(2), corner(4)], scale, [size[0], shape[2]], oh);
    const columns = binTerm(scalars, [corner(1), corner(3)], scale, [size[1], shape[3]], ow);
    const image = s.min(s.max(s.toI32(corner(0)), 0), shape[0] - 1);
    const within = (v: Scalar, { low, high }: Bin<Scalar>) => s.and(s.le(low, v), s.lt(v, high));
    const inside = s.and(s.eq(image, n), s.and(within(y, rows), within(q, columns)));
    const count = s.mul(s.sub(rows.high, rows.low), s.sub(columns.high, columns.low));
    const value = guarded(at(0, [m, c, oh, ow]), inside);
    const body = s.select(inside, s.div(value, s.toF32(s.max(count, 1))), 0);
    return { kind: "reduce", shape, over: [ct.shape[0], ...size], combine: "sum", body };
  },
  vjp: ({ ct, ins: [, rois], attrs: { size, scale } }) => [
    roiPooling(ct, rois, { size, scale, mode: "average" }),
    undefined,
  ],
  cases: [
    {
      ins: [between(-1, 1, [3, 2, 2, 2]), regions(1)],
      attrs: { size: 2, shape: [2, 2, 5, 6] },
      gradient: [0],
    },
  ],
});
