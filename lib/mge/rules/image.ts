/**
 * Operators on the geometry of images, in any arrangement of their axes. Where MegEngine warps
 * images [n,h,w,c] of few channels it rounds positions to 1/32 of a pixel, as OpenCV does.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { argmax } from "../../ops/argmax.ts";
import { type ColorMode, cvtColor } from "../../ops/color.ts";
import { zeros } from "../../ops/create.ts";
import { gather } from "../../ops/gather.ts";
import { concat, flip } from "../../ops/join.ts";
import { remap, warpAffine, warpPerspective } from "../../ops/remap.ts";
import { resizeFn } from "../../ops/resize.ts";
import { roiAlign, roiSamples } from "../../ops/roi_align.ts";
import { roiArgmax, roiPooling } from "../../ops/roi_pool.ts";
import { as } from "../../ops/select.ts";
import { reshape, transpose } from "../../ops/shape.ts";
import { correlation, slidingWindow, slidingWindowTranspose } from "../../ops/sliding.ts";
import type { Border, SampleOptions, Sampling } from "../../ops/taps.ts";
import { packed, type Packing, unpacked } from "../packing.ts";
import {
  field,
  member,
  number,
  pairOf,
  refused,
  type Rule,
  type Rules,
  shapeIn,
  type Site,
} from "../rule.ts";
import { packingOf } from "./pool.ts";

const samplings: Readonly<Record<string, Sampling>> = {
  NEAREST: "nearest",
  LINEAR: "linear",
  CUBIC: "cubic",
};

const borders: Readonly<Record<string, Border>> = {
  REPLICATE: "replicate",
  REFLECT: "reflect",
  REFLECT_101: "reflect101",
  WRAP: "wrap",
  CONSTANT: "constant",
};

function samplingOf(site: Site): Sampling {
  const mode = member(site, "imode");
  if (!samplings[mode]) throw refused(site, `it samples by ${mode}, which is not done here`);
  return samplings[mode];
}

/** How an image is sampled; the fields have other names in each table. */
function samplingFields(site: Site, border: string, value: string): SampleOptions {
  const name = member(site, border);
  if (!borders[name]) throw refused(site, `its border is ${name}, which is not made here`);
  return { mode: samplingOf(site), border: borders[name], value: number(site, value) };
}

/** MegEngine's kernels for images of few channels that stand last round positions. */
function partsOf(x: Tensor, { order }: Packing): number {
  const few = [1, 2, 3].includes(x.shape[3]) && (x.dtype === "f32" || x.dtype === "u8");
  return order === "nhwc" && few ? 32 : 0;
}

/** The size that an operand states, as a pair. */
function sizeIn(site: Site, i: number): readonly [number, number] {
  const size = shapeIn(site, i);
  if (size.length !== 2) throw refused(site, `its size is [${size}], which is no pair`);
  return [size[0], size[1]];
}

/** An operator on one image: unpacked, changed, packed again. */
function onImage(site: Site, run: (x: Tensor, packing: Packing) => Tensor): readonly Tensor[] {
  const packing = packingOf(site);
  return [packed(run(unpacked(site.ins[0], packing), packing), packing)];
}

const resizeRule: Rule = (site) =>
  onImage(site, (x) => resizeFn(x, { size: sizeIn(site, 1), mode: samplingOf(site) }));

const resize3d: Rule = (site) => {
  if (member(site, "format") !== "NCDHW") {
    throw refused(site, `its image is of format ${member(site, "format")}`);
  }
  return [
    resizeFn(site.ins[0], {
      size: shapeIn(site, 1),
      mode: samplingOf(site),
      alignCorners: field(site, "align_corners") === true,
    }),
  ];
};

const remapRule: Rule = (site) =>
  onImage(site, (x) => remap(x, site.ins[1], samplingFields(site, "border_type", "scalar")));

const affineRule: Rule = (site) =>
  onImage(site, (x, packing) =>
    warpAffine(x, site.ins[1], {
      size: sizeIn(site, 2),
      ...samplingFields(site, "border_mode", "border_val"),
      parts: partsOf(site.ins[0], packing),
    }));

/** One image or several; matrices; which image each of them takes; the size. */
const perspectiveRule: Rule = (site) => {
  const rest = site.ins.slice(0, -1);
  const last = rest[rest.length - 1];
  const index = site.ins.length > 3 && last.shape.length !== 3 ? rest.pop() : undefined;
  const mat = rest.pop()!;
  const packing = packingOf(site);
  const parts = partsOf(rest[0], packing);
  const images = rest.map((t) => unpacked(t, packing));
  const all = images.length === 1 ? images[0] : concat(images, { axis: 0 });
  const x = index ? gather(all, index, { axis: 0 }) : all;
  const size = sizeIn(site, site.ins.length - 1);
  const how = samplingFields(site, "bmode", "border_val");
  return [packed(warpPerspective(x, as(mat, "f32"), { size, ...how, parts }), packing)];
};

/** The second result says which sample was the largest; of means it is nothing. */
const roiAlignRule: Rule = (site) => {
  if (member(site, "format") !== "NCHW") {
    throw refused(site, `its image is of format ${member(site, "format")}`);
  }
  const [x, rois] = site.ins;
  const mode = member(site, "mode") === "MAX" ? "max" : "average";
  const options = {
    ...{ mode, scale: number(site, "spatial_scale"), offset: number(site, "offset") } as const,
    size: [number(site, "pooled_height"), number(site, "pooled_width")] as const,
    samples: [number(site, "sample_height"), number(site, "sample_width")] as const,
  };
  const y = roiAlign(x, rois, options);
  if (mode === "average") return [y, zeros(y.shape, "i32")];
  const found = transpose(roiSamples(x, rois, options), { perm: [1, 0, 2, 4, 3, 5] });
  const line = reshape(found, { shape: [...y.shape, options.samples[0] * options.samples[1]] });
  return [y, argmax(line, { axis: -1 })];
};

/** The second result says where the largest pixel stands; of means it is nothing. */
const roiPoolRule: Rule = (site) => {
  const [x, rois] = site.ins;
  const mode = member(site, "mode") === "MAX" ? "max" : "average";
  const bins = { size: sizeIn(site, 2), scale: number(site, "scale") };
  const y = roiPooling(x, rois, { ...bins, mode });
  return [y, mode === "max" ? roiArgmax(x, rois, bins) : zeros(y.shape, "i32")];
};

const colors: readonly string[] = [
  ...["RGB2GRAY", "BGR2GRAY", "RGBA2GRAY", "GRAY2RGB", "RGB2BGR", "BGR2RGB", "RGBA2RGB"],
  ...["RGBA2BGR", "RGB2YUV", "YUV2RGB"],
];

const cvtColorRule: Rule = (site) => {
  const mode = member(site, "mode");
  if (!colors.includes(mode)) throw refused(site, `its mode is ${mode}, which is not done here`);
  return [cvtColor(site.ins[0], { mode: mode as ColorMode, axis: 3 })];
};

const flipRule: Rule = (site) => {
  const axis = [
    ...field(site, "vertical") === true ? [1] : [],
    ...field(site, "horizontal") === true ? [2] : [],
  ];
  return [flip(site.ins[0], { axis })];
};

/** A quarter turn: rows become columns, from the right if clockwise. */
const rotateRule: Rule = (site) => {
  const turned = transpose(site.ins[0], { perm: [0, 2, 1, 3] });
  return [flip(turned, { axis: field(site, "clockwise") === true ? 2 : 1 })];
};

const correlationRule: Rule = (site) => {
  if (member(site, "format") !== "NCHW") {
    throw refused(site, `its image is of format ${member(site, "format")}`);
  }
  const [a, b] = site.ins;
  return [
    correlation(a, b, {
      kernel: number(site, "kernel_size"),
      displacement: number(site, "max_displacement"),
      stride1: number(site, "stride1"),
      stride2: number(site, "stride2"),
      padding: number(site, "pad_size"),
      multiply: field(site, "is_multiply") === true,
    }),
  ];
};

function windows(site: Site) {
  return {
    stride: pairOf(site, "stride"),
    padding: pairOf(site, "pad"),
    dilation: pairOf(site, "dilate"),
  };
}

const neighbours: Rule = (site) => [
  slidingWindow(site.ins[0], { kernel: pairOf(site, "window"), ...windows(site) }),
];

const putBack: Rule = (site) => [
  slidingWindowTranspose(site.ins[0], {
    size: [number(site, "out_h"), number(site, "out_w")],
    ...windows(site),
  }),
];

/** Rules of the operators on images. */
export const imageRules: Rules = {
  ResizeV2: resizeRule,
  Resize3D: resize3d,
  RemapV1: remapRule,
  WarpAffineV2: affineRule,
  WarpPerspectiveV2: perspectiveRule,
  ROIAlignV1: roiAlignRule,
  ROIPooling: roiPoolRule,
  CvtColor: cvtColorRule,
  Flip: flipRule,
  Rotate: rotateRule,
  CorrelationForward: correlationRule,
  Images2Neibs: neighbours,
  SlidingWindowTranspose: putBack,
};
