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

/** Stride, padding, dilation and groups; only dense images can be read. */
function moves(site: Site, filter: readonly number[]): ConvOptions {
  const format = member(site, "format");
  if (format !== "NCHW") {
    throw refused(site, `its images are of format ${format}, only NCHW is read`);
  }
  const grouped = member(site, "sparse") === "GROUP";
  if (filter.length !== (grouped ? 5 : 4)) {
    throw refused(site, `its kernel has the shape [${filter}]`);
  }
  return {
    stride: pairOf(site, "stride"),
    padding: pairOf(site, "pad"),
    dilation: pairOf(site, "dilate"),
    groups: grouped ? filter[0] : 1,
  };
}

/** The kernel as a correlation has it. */
function correlating(site: Site, w: Tensor): Tensor {
  return member(site, "mode") === "CONVOLUTION" ? flip(w, { axis: [-2, -1] }) : w;
}

function convolved(site: Site): Tensor {
  const [x, w] = promoted(site.ins.slice(0, 2).map(widened));
  return conv2d(x, correlating(site, w), moves(site, w.shape));
}

const convolution: Rule = (site) => [stated(site, convolved(site))];

const backwardData: Rule = (site) => {
  const [w, ct] = promoted(site.ins.slice(0, 2).map(widened));
  const options = moves(site, w.shape);
  const kernel = correlating(site, w);
  const out = site.ins.length > 2
    ? conv2dData(kernel, ct, { ...options, shape: site.ins[2].shape })
    : convTranspose2d(ct, kernel, options);
  return [stated(site, out)];
};

const backwardFilter: Rule = (site) => {
  const [x, ct, w] = site.ins;
  const found = conv2dFilter(x, ct, { ...moves(site, w.shape), shape: w.shape });
  return [stated(site, correlating(site, found))];
};

const convBias: Rule = (site) => {
  const given = site.ins.find((t) => !isFloat(t.dtype));
  if (given) throw refused(site, `it takes ${given.dtype}, only floats are read`);
  const [, , bias, z] = site.ins;
  let out = convolved(site);
  if (bias) out = add(out, bias);
  if (z) out = add(out, z);
  const mode = member(site, "nonlineMode");
  if (mode === "IDENTITY") return [stated(site, out)];
  const nonlinearity = elementMode(mode);
  if (!nonlinearity) throw refused(site, `there is no nonlinearity ${mode}`);
  return [stated(site, nonlinearity(out))];
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
