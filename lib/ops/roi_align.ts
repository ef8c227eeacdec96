/**
 * Regions of interest: boxes of an image cut out and brought to one size, by sampling between
 * pixels. Boxes are rows of [m,5]: which image, then corners x0, y0, x1,
 * y1; they get no gradient.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { type Host, host } from "../core/host.ts";
import { detach } from "../core/leaf.ts";
import type { Tensor } from "../core/tensor.ts";
import { f32, isFloat, printType, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { choice, number, pair } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { add, maximum, mul, sub } from "./arithmetic.ts";
import { iota } from "./create.ts";
import { terms } from "./numbers.ts";
import { crossed, sampled } from "./remap.ts";
import { max, mean } from "./reduce.ts";
import { as } from "./select.ts";
import { reshape, transpose } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { tapsAt } from "./taps.ts";
import type { Pair } from "./window_taps.ts";

const size = pair("rows and columns of each result", undefined, 1);
const mode = choice(["average", "max"], "average");

/** Refuses what are no images [n,c,h,w] with boxes [m,5]. */
export function checkRegions(name: string, x: Type, rois: Type): void {
  if (x.shape.length !== 4 || rois.shape.length !== 2 || rois.shape[1] !== 5) {
    throw new ShapeError(
      `Cannot apply ${name} to x: ${printType(x)} with rois: ${printType(rois)}: they must be ` +
        "[n,c,h,w] and [m,5]",
    );
  }
  if (!isFloat(x.dtype) || rois.dtype !== "f32") {
    throw new DTypeError(
      `Cannot apply ${name} to x: ${printType(x)} with rois: ${printType(rois)}: x must be of a ` +
        "float dtype, rois f32\n  try cast",
    );
  }
}

/** How `roiAlign` samples. */
export interface RoiAlignOptions {
  /** Rows and columns of each result. */
  readonly size: Pair;
  /** Mean of the samples (default), or the largest. */
  readonly mode?: "average" | "max";
  /** Factor from the boxes' coordinates to pixels; 1 by default. */
  readonly scale?: number;
  /** Taken from the coordinates, 0.5 by default, so that pixels are squares. */
  readonly offset?: number;
  /** Samples of each element, in rows and columns; 2 by default. */
  readonly samples?: Pair;
}

/**
 * Boxes [m,5] of images [n,c,h,w] as [m,c,oh,ow], each element the mean or the largest of samples
 * between pixels (He et al., 2017); beyond the edges there are zeros.
 */
export const roiAlign: Fn<readonly ["x", "rois"], RoiAlignOptions> = op({
  name: "roiAlign",
  doc: "Boxes [m,5] of images [n,c,h,w] as [m,c,oh,ow], each element the mean or the largest of " +
    "samples between pixels (He et al., 2017); beyond the edges there are zeros",
  ins: ["x", "rois"],
  attrs: {
    ...{ size, mode },
    scale: number("factor from the boxes' coordinates to pixels", 1),
    offset: number("taken from the coordinates", 0.5),
    samples: pair("samples of each element, in rows and columns", 2, 1),
  },
  infer: ([x, rois], { size }) => {
    checkRegions("roiAlign", x, rois);
    return { dtype: x.dtype, shape: [rois.shape[0], x.shape[1], ...size] };
  },
  compose: ([x, rois], attrs) => {
    const along = { axis: [3, 5] };
    const found = roiSamples(x, rois, attrs);
    const pooled = attrs.mode === "max" ? max(found, along) : mean(found, along);
    return transpose(pooled, { perm: [1, 0, 2, 3] });
  },
  cases: [
    { ins: [between(-1, 1, [2, 2, 5, 6]), regions(1)], attrs: { size: 2 }, gradient: [0] },
    {
      ins: [between(-1, 1, [2, 3, 5, 6]), regions(0.9)],
      attrs: { size: [3, 2], mode: "max", offset: 0, scale: 1.2, samples: [1, 3] },
      gradient: [0],
    },
  ],
});

/** All samples of each element: [c,m,oh,rows,ow,columns]. */
export function roiSamples(
  x: Tensor,
  rois: Tensor,
  { size, scale, offset, samples }: {
    readonly size: readonly number[];
    readonly scale: number;
    readonly offset: number;
    readonly samples: readonly number[];
  },
): Tensor {
  const [, c, h, w] = x.shape;
  const m = rois.shape[0];
  const boxes = detach(rois);
  const column = (k: number) => sliceFn(boxes, { begin: [0, k], size: [m, 1], step: [1, 1] });
  const corner = (k: number) => sub(mul(column(k), scale), offset);
  /** Positions of all samples along rows (0) or columns (1). */
  const positions = (axis: 0 | 1) => {
    const low = corner(axis === 0 ? 2 : 1);
    const extent = maximum(sub(corner(axis === 0 ? 4 : 3), low), 0);
    const count = size[axis] * samples[axis];
    const places = iota({ shape: [1, count], axis: 1, dtype: "f32" });
    const share = mul(add(places, 0.5), 1 / samples[axis]);
    return add(low, mul(mul(extent, 1 / size[axis]), share));
  };
  const how = { mode: "linear", border: "constant", parts: 0 } as const;
  const [rows, columns] = ([0, 1] as const).map((axis) => {
    const t = positions(axis);
    const lead = axis === 0 ? [m, t.shape[1], 1] : [m, 1, t.shape[1]];
    return tapsAt(terms, reshape(t, { shape: lead }), axis === 0 ? h : w, how);
  });
  const image = mul(as(reshape(column(0), { shape: [m, 1, 1] }), "i32"), h * w);
  const taps = crossed(rows, columns, (r, q) => add(add(mul(r, w), q), image));
  return reshape(sampled(x, taps, 0), {
    shape: [c, m, size[0], samples[0], size[1], samples[1]],
  });
}

/** Boxes, some of them beyond the edges. */
export function regions(by: number): Host {
  const list = [0, 0.3, 0.6, 3.2, 4.1, 1, 1.4, 0.2, 5.7, 2.9, 1, -1.3, 2.2, 2.4, 6.3];
  return host(f32([3, 5]), Float32Array.from(list, (v, i) => i % 5 ? v * by : v));
}
