/**
 * Products: matrices, convolutions and their gradients, with bias and nonlinearity where a file
 * fuses them.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { isFloat } from "../../core/type.ts";
import { add, mul } from "../../ops/arithmetic.ts";
import { conv2d, conv2dData, conv2dFilter, type ConvOptions } from "../../ops/conv.ts";
import { convTranspose2d } from "../../ops/conv_transpose.ts";
import { flip } from "../../ops/join.ts";
import { matmulFn } from "../../ops/matmul.ts";
import { sum } from "../../ops/reduce.ts";
import { as } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import {
  dtypeOf,
  field,
  member,
  pairOf,
  promoted,
  refused,
  type Rule,
  type Rules,
  type Site,
  widened,
} from "../rule.ts";
import { imagePackings, kernelPacking, packed, type Packing, unpacked } from "../packing.ts";
import { elementMode } from "./element.ts";

/** The result in the dtype that the operator states, if it states one. */
function stated(site: Site, t: Tensor): Tensor {
  const name = site.opr.outputDtype?.name;
  if (!name) return t;
  const dtype = dtypeOf(name);
  if (!dtype) throw refused(site, `its result is of ${name}`);
  return as(t, dtype);
}

const matrixMul: Rule = (site) => {
  const [a, b] = promoted(site.ins.map(widened));
  if (member(site, "format") !== "DEFAULT") {
    throw refused(site, `its matrices are of format ${member(site, "format")}`);
  }
  const transposeA = field(site, "transposeA") === true;
  const transposeB = field(site, "transposeB") === true;
  return [stated(site, matmulFn(a, b, { transposeA, transposeB }))];
};

const dot: Rule = ({ ins }) => {
  const [a, b] = promoted(ins.map(widened));
  return [reshape(sum(mul(a, b)), { shape: [1] })];
};

/** Formats whose image, kernel and result are arranged in different ways. */
const mixed: Readonly<Record<string, readonly [image: string, kernel: string, result: string]>> = {
  NCHW4_NCHW32: ["NCHW4", "NCHW4", "NCHW32"],
  NCHW32_NCHW4: ["NCHW32", "NCHW32", "NCHW4"],
  NCHW4_NCHW: ["NCHW4", "NCHW4", "NCHW"],
  NCHW4_NHWC: ["NCHW4", "NCHW4", "NHWC"],
  NHWC_NCHW: ["NHWC", "NHWC", "NCHW"],
};

/** How image, kernel and result of a convolution are arranged. */
interface Arranged {
  readonly image: Packing;
  readonly kernel: Packing;
  readonly result: Packing;
}

/** A kernel of a blocked format whose inputs are in no block goes with a plain image. */
function arranged(site: Site, kernel: readonly number[]): Arranged {
  const format = member(site, "format");
  const grouped = member(site, "sparse") === "GROUP";
  const [from, own, to] = mixed[format] ?? [format, format, format];
  const order = kernelPacking(own, grouped, kernel.length);
  if (!(from in imagePackings)) {
    throw refused(site, `its images are of format ${format}, which is not read`);
  }
  if (!order) throw refused(site, `its kernel has the shape [${kernel}] in format ${format}`);
  const hybrid = order.order === "Ohwio" && from !== "NHWCD4";
  return {
    image: imagePackings[hybrid ? "NCHW" : from],
    kernel: order,
    result: imagePackings[to],
  };
}

/** Stride, padding, dilation and groups. */
function moves(site: Site, kernel: readonly number[]): ConvOptions {
  return {
    stride: pairOf(site, "stride"),
    padding: pairOf(site, "pad"),
    dilation: pairOf(site, "dilate"),
    groups: kernel.length === 5 ? kernel[0] : 1,
  };
}

/** What an image is in the order [n,c,h,w]. */
function imageOf(site: Site, x: Tensor, packing: Packing): Tensor {
  if (x.shape.length !== packing.order.length) {
    throw refused(site, `an image has the shape [${x.shape}] in format ${member(site, "format")}`);
  }
  return unpacked(x, packing);
}

/** The kernel as a correlation has it. */
function correlating(site: Site, w: Tensor): Tensor {
  return member(site, "mode") === "CONVOLUTION" ? flip(w, { axis: [-2, -1] }) : w;
}

function convolved(site: Site, at: Arranged): Tensor {
  const [x, w] = promoted(site.ins.slice(0, 2).map(widened));
  const kernel = correlating(site, unpacked(w, at.kernel));
  return conv2d(imageOf(site, x, at.image), kernel, moves(site, kernel.shape));
}

const convolution: Rule = (site) => {
  const at = arranged(site, site.ins[1].shape);
  return [stated(site, packed(convolved(site, at), at.result))];
};

const backwardData: Rule = (site) => {
  const [w, ct] = promoted(site.ins.slice(0, 2).map(widened));
  const at = arranged(site, w.shape);
  const plain = unpacked(w, at.kernel);
  const options = moves(site, plain.shape);
  const kernel = correlating(site, plain);
  const back = imageOf(site, ct, at.result);
  const out = site.ins.length > 2
    ? conv2dData(kernel, back, { ...options, shape: imageOf(site, site.ins[2], at.image).shape })
    : convTranspose2d(back, kernel, options);
  return [stated(site, packed(out, at.image))];
};

const backwardFilter: Rule = (site) => {
  const [x, ct, w] = site.ins;
  const at = arranged(site, w.shape);
  const { shape } = unpacked(w, at.kernel);
  const [image, back] = [imageOf(site, x, at.image), imageOf(site, ct, at.result)];
  const found = conv2dFilter(image, back, { ...moves(site, shape), shape });
  return [stated(site, packed(correlating(site, found), at.kernel))];
};

const convBias: Rule = (site) => {
  const given = site.ins.find((t) => !isFloat(t.dtype));
  if (given) throw refused(site, `it takes ${given.dtype}, only floats are read`);
  const [, w, ...added] = site.ins;
  const at = arranged(site, w.shape);
  let out = convolved(site, at);
  for (const t of added) out = add(out, imageOf(site, t, at.result));
  const mode = member(site, "nonlineMode");
  if (mode === "IDENTITY") return [stated(site, packed(out, at.result))];
  const nonlinearity = elementMode(mode);
  if (!nonlinearity) throw refused(site, `there is no nonlinearity ${mode}`);
  return [stated(site, packed(nonlinearity(out), at.result))];
};

/** Rules of the products. */
export const linearRules: Rules = {
  MatrixMulV2: matrixMul,
  BatchedMatrixMulV2: matrixMul,
  Dot: dot,
  ConvolutionV2: convolution,
  ConvolutionBackwardDataV2: backwardData,
  ConvolutionBackwardFilterV2: backwardFilter,
  ConvBiasForwardV4: convBias,
};
