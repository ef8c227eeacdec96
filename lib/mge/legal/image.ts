/**
 * Image geometry. Operators of files take f32; other pixels go through it. What files have no
 * operator for is composed.
 * @module
 */
import { apply, type Node, type Tensor } from "../../core/tensor.ts";
import { tensor } from "../../core/leaf.ts";
import { isFloat, sizeOf } from "../../core/type.ts";
import { div, mul } from "../../ops/arithmetic.ts";
import { ne } from "../../ops/compare.ts";
import { gather, scatterAdd } from "../../ops/gather.ts";
import { matmulFn } from "../../ops/matmul.ts";
import { pad } from "../../ops/pad.ts";
import { sum } from "../../ops/reduce.ts";
import { pixelsOf } from "../../ops/remap.ts";
import { binMasks } from "../../ops/bins.ts";
import { as, where } from "../../ops/select.ts";
import { expandDims, reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import type { Border, Sampling } from "../../ops/taps.ts";
import { outputOf, type Var } from "../emitter.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

/** Pixels that are no f32 are computed as such and come back rounded. */
const throughFloats: Lowering = (t) => {
  const { op, ins: [x, ...rest], attrs } = t.node;
  if (x.dtype === "f32" || attrs.mode === "nearest" && !isFloat(x.dtype)) return undefined;
  return pixelsOf(apply(op, [as(x, "f32"), ...rest], attrs)[0], t.dtype);
};

/** Halves are computed as f32; indices stay what they are. */
const halvesWide: Lowering = (t) => {
  const { op, ins, attrs } = t.node;
  if (ins.every((x) => x.dtype !== "f16")) return undefined;
  return as(apply(op, ins.map((x) => x.dtype === "f16" ? as(x, "f32") : x), attrs)[0], t.dtype);
};

/** What is picked, weighted, added up. */
const mixed: Lowering = ({ node: { ins: [x, index, weight], attrs: { axis } }, dtype }) => {
  const picked = gather(as(x, "f32"), index, { axis });
  const lead = picked.shape.map((n, i) => i === axis || i === axis + 1 ? n : 1);
  const shares = reshape(weight, { shape: lead });
  const parts = where(ne(shares, 0), mul(picked, shares), 0);
  return as(sum(parts, { axis: axis + 1 }), dtype);
};

/** Windows by a table of places, for elements that files' operators do not take. */
const windowed: Lowering = ({ node: { ins: [x], attrs }, dtype, shape }) => {
  if (dtype === "f32") return undefined;
  const { filled, places, area } = placesOf(x, shape, attrs);
  const flat = reshape(filled, { shape: [sizeOf(shape.slice(0, 2)), area] });
  return reshape(gather(flat, tensor(places, [places.length]), { axis: 1 }), { shape });
};

const unwindowed: Lowering = ({ node: { ins: [x], attrs: { size, ...attrs } }, dtype, shape }) => {
  if (dtype === "f32") return undefined;
  const kernel = x.shape.slice(4);
  const all = { ...attrs, kernel };
  const [h, w] = size.map((e: number, i: number) => e + 2 * attrs.padding[i]);
  const places = windowPlaces([h, w], x.shape.slice(2, 4), all);
  const lines = sizeOf(shape.slice(0, 2));
  const flat = reshape(x, { shape: [lines, places.length] });
  const found = scatterAdd(flat, tensor(places, [places.length]), { axis: 1, size: h * w });
  return sliceFn(reshape(found, { shape: [...shape.slice(0, 2), h, w] }), {
    begin: [0, 0, ...attrs.padding],
    size: shape,
    step: [1, 1, 1, 1],
  });
};

function windowPlaces(
  image: readonly number[],
  over: readonly number[],
  { kernel, stride, dilation }: Node["attrs"],
): Int32Array {
  const n = sizeOf([...over, ...kernel]);
  return Int32Array.from({ length: n }, (_, e) => {
    const [k, o] = [e % sizeOf(kernel), Math.floor(e / sizeOf(kernel))];
    const y = Math.floor(o / over[1]) * stride[0] + Math.floor(k / kernel[1]) * dilation[0];
    return y * image[1] + o % over[1] * stride[1] + k % kernel[1] * dilation[1];
  });
}

function placesOf(x: Tensor, shape: readonly number[], attrs: Node["attrs"]) {
  const around = [0, 0, ...attrs.padding];
  const filled = attrs.padding.some((p: number) => p > 0)
    ? pad(x, { before: around, after: around })
    : x;
  const image = filled.shape.slice(2);
  return {
    filled,
    places: windowPlaces(image, shape.slice(2, 4), attrs),
    area: sizeOf(image),
  };
}

/** Bins as masks of rows and columns: each box's share is a product of matrices. */
const spread: Lowering = ({ node: { ins: [ct, rois], attrs }, dtype, shape }) => {
  const { rows, columns, image } = binMasks(rois, { size: attrs.size, scale: attrs.scale }, shape);
  const [n] = shape;
  const share = (mask: Tensor) => div(mask, maximumOfOne(sum(mask, { axis: 2, keep: true })));
  const wide = as(ct, "f32");
  const [r, q] = [rows, columns].map((m) => expandDims(share(m), { axis: 1 }));
  const inner = matmulFn(wide, q, { transposeA: false, transposeB: false });
  const boxes = matmulFn(r, inner, { transposeA: true, transposeB: false });
  return as(scatterAdd(boxes, image, { axis: 0, size: n }), dtype);
};

function maximumOfOne(x: Tensor): Tensor {
  return where(ne(x, 0), x, 1);
}

/** Image operations that become others. */
export const imageLowerings: Lowerings = {
  resize: throughFloats,
  remap: throughFloats,
  warpAffine: throughFloats,
  warpPerspective: throughFloats,
  mixAlong: mixed,
  roiAlign: halvesWide,
  roiPooling: halvesWide,
  roiArgmax: halvesWide,
  correlation: halvesWide,
  roiSpread: spread,
  slidingWindow: windowed,
  slidingWindowTranspose: unwindowed,
};

function samplingOf(mode: Sampling): number {
  return step.member("WarpPerspectiveV1InterpolationMode", mode.toUpperCase());
}

function borderOf(border: Border): number {
  const name = border === "reflect101" ? "REFLECT_101" : border.toUpperCase();
  return step.member("WarpPerspectiveV1BorderMode", name);
}

/** Files resize one or two axes, and three between pixels. */
function isResized({ ins: [x], attrs: { mode, alignCorners } }: Node): boolean {
  const axes = x.shape.length - 2;
  if (axes === 3) return x.dtype === "f32" && mode === "linear";
  return !alignCorners && x.dtype === "f32" && axes <= 2;
}

function resized({ e, ins: [x], attrs: { size, mode, alignCorners }, out }: Writing): Var {
  const imode = samplingOf(mode);
  if (size.length === 3) {
    const param = step.table("Resize3D", { imode, format: 0, align_corners: alignCorners });
    return e.opr("Resize3D", [param], [x, step.integers(e, size)], out);
  }
  const param = step.table("Resize", { imode, format: 0 });
  const two = size.length === 2 ? size : [...size, 1];
  const image = step.reshape(e, x, [...x.shape.slice(0, 2), ...x.shape.slice(2), 1].slice(0, 4));
  const type = { dtype: out.dtype, shape: [...out.shape.slice(0, 2), ...two] };
  const made = e.opr("ResizeV2", [param], [image, step.integers(e, two)], type);
  return step.reshape(e, made, out.shape);
}

/** On its CPU the released MegEngine samples [n,c,h,w] at exact positions. */
function isSampled(
  { ins: [x], attrs: { mode, parts } }: Node,
  modes: readonly Sampling[],
): boolean {
  return x.dtype === "f32" && parts === 0 && modes.includes(mode);
}

function moved({ e, ins: [x, map], attrs: { mode, border, value }, out }: Writing): Var {
  const param = step.table("Remap", {
    ...{ imode: samplingOf(mode), border_type: borderOf(border), format: 0, scalar: value },
  });
  return e.opr("RemapV1", [param], [x, map], out);
}

function warped(type: "WarpAffineV2" | "WarpPerspectiveV2") {
  return {
    takes: (node: Node) => isSampled(node, ["linear"]),
    write({ e, ins: [x, mat], attrs: { size, mode, border, value }, out }: Writing): Var {
      const fields = { imode: samplingOf(mode), format: 0, border_val: value };
      const param = type === "WarpAffineV2"
        ? step.table("WarpAffine", { ...fields, border_mode: borderOf(border) })
        : step.table("WarpPerspective", { ...fields, bmode: borderOf(border) });
      return e.opr(type, [param], [x, mat, step.integers(e, size)], out);
    },
  };
}

function aligned({ e, ins, attrs, out }: Writing): Var {
  const { mode, scale, offset, size, samples } = attrs;
  const param = step.table("ROIAlign", {
    ...{ mode: mode === "max" ? 0 : 1, format: 0, spatial_scale: scale, offset },
    ...{ pooled_height: size[0], pooled_width: size[1] },
    ...{ sample_height: samples[0], sample_width: samples[1] },
  });
  const index = { dtype: "i32", shape: out.shape } as const;
  return e.opr("ROIAlignV1", [param], ins, out, { outs: [out, index] });
}

function pooled({ e, node, ins, attrs: { mode = "max", scale, size }, out }: Writing): Var {
  const param = step.table("ROIPooling", { mode: mode === "max" ? 0 : 1, scale });
  const values = { dtype: node.ins[0].dtype, shape: out.shape };
  const index = { dtype: "i32", shape: out.shape } as const;
  const all = [...ins, step.integers(e, size)];
  const made = e.opr("ROIPooling", [param], all, values, { outs: [values, index] });
  return node.op.name === "roiArgmax" ? outputOf(made.from, 1) : made;
}

function tableOfWindows(
  name: string,
  attrs: Writing["attrs"],
  more: Readonly<Record<string, number>>,
) {
  const { stride, padding, dilation } = attrs;
  return step.table(name, {
    ...{ pad_h: padding[0], pad_w: padding[1], stride_h: stride[0], stride_w: stride[1] },
    ...{ dilate_h: dilation[0], dilate_w: dilation[1], ...more },
  });
}

/** Colours that files' operators convert floats to and from. */
const floatColors: ReadonlySet<string> = new Set([
  ...["RGB2GRAY", "BGR2GRAY", "GRAY2RGB", "RGB2YUV", "YUV2RGB"],
]);

/** Image operations as operators. */
export const imageWriting: WritingRules = {
  resize: { takes: isResized, write: resized },
  remap: { takes: (node) => isSampled(node, ["nearest", "linear"]), write: moved },
  warpAffine: warped("WarpAffineV2"),
  warpPerspective: warped("WarpPerspectiveV2"),
  roiAlign: { write: aligned },
  roiPooling: { write: pooled },
  roiArgmax: { write: pooled },
  cvtColor: {
    takes: ({ ins: [x], attrs: { mode, axis } }) =>
      x.shape.length === 4 && axis === 3 &&
      (x.dtype === "u8" || x.dtype === "f32" && floatColors.has(mode)),
    write({ e, ins: [x], attrs: { mode }, out }) {
      const param = step.table("CvtColor", { mode: step.member("CvtColorMode", mode) });
      return e.opr("CvtColor", [param], [x], out);
    },
  },
  correlation: {
    write({ e, ins, attrs, out }) {
      const param = step.table("Correlation", {
        ...{ format: 0, kernel_size: attrs.kernel, max_displacement: attrs.displacement },
        ...{ stride1: attrs.stride1, stride2: attrs.stride2, pad_size: attrs.padding },
        is_multiply: attrs.multiply,
      });
      return e.opr("CorrelationForward", [param], ins, out);
    },
  },
  slidingWindow: {
    write({ e, ins: [x], attrs, out }) {
      const [window_h, window_w] = attrs.kernel;
      const param = tableOfWindows("Images2Neibs", attrs, { window_h, window_w });
      return e.opr("Images2Neibs", [param], [x], out);
    },
  },
  slidingWindowTranspose: {
    write({ e, ins: [x], attrs, out }) {
      const [out_h, out_w] = attrs.size;
      const [window_h, window_w] = x.shape.slice(4);
      const more = { out_h, out_w, window_h, window_w };
      const param = tableOfWindows("SlidingWindowTranspose", attrs, more);
      return e.opr("SlidingWindowTranspose", [param], [x], out);
    },
  },
};
