/**
 * Normalisations with the statistics that files count among their outputs, and softmax.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { sizeOf } from "../../core/type.ts";
import { add, div, mul, sub } from "../../ops/arithmetic.ts";
import { zeros } from "../../ops/create.ts";
import { sqrt } from "../../ops/math.ts";
import { batchNorm, layerNorm } from "../../ops/norm.ts";
import { mean } from "../../ops/reduce.ts";
import { localResponseNorm } from "../../ops/response.ts";
import { as } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import { softmax } from "../../ops/softmax.ts";
import { variance } from "../../ops/statistics.ts";
import { imagePackings, packed, unpacked } from "../packing.ts";
import { axisOf, member, number, refused, type Rule, type Rules, type Site } from "../rule.ts";

/** Standardised over the axes along which the statistics have extent 1, scaled and shifted. */
function standardized(
  x: Tensor,
  [m, v, scale, bias]: readonly Tensor[],
  eps: number,
): Tensor {
  const perChannel = x.shape.length > 1 && sizeOf(m.shape) === x.shape[1] &&
    m.shape.every((e, i) => i === m.shape.length - x.shape.length + 1 || e === 1);
  if (perChannel && m.shape.length === x.shape.length) {
    return batchNorm(x, m, v, { weight: scale, bias, eps });
  }
  return add(mul(sub(x, m), div(scale, sqrt(add(v, eps)))), bias);
}

const batchNormRule: Rule = (site) => {
  const [x, scale, bias, runningMean, runningVariance] = site.ins;
  const eps = number(site, "epsilon");
  const training = member(site, "fwd_mode") === "TRAINING" || !runningMean;
  const reserve = zeros([1], "u8");
  if (!training) {
    const y = standardized(x, [runningMean, runningVariance, scale, bias], eps);
    return [runningMean, runningVariance, reserve, y];
  }
  const axis = scale.shape.flatMap((e, i) => e === 1 ? [i] : []);
  const wider = as(x, "f32");
  const m = mean(wider, { axis, keep: true });
  const v = variance(wider, { axis, keep: true });
  const y = as(standardized(wider, [m, v, as(scale, "f32"), as(bias, "f32")], eps), x.dtype);
  const saved = [m, div(1, sqrt(add(v, eps))), reserve, y];
  if (!runningMean) return saved;
  const rate = number(site, "avg_factor");
  const count = axis.reduce((n, a) => n * x.shape[a], 1);
  const mixed = (old: Tensor, own: Tensor) => add(mul(old, 1 - rate), mul(own, rate));
  return [
    mixed(runningMean, m),
    mixed(runningVariance, mul(v, count / Math.max(1, count - 1))),
    ...saved,
  ];
};

/** The result, and the statistics in the shape that the file gives them. */
function withStatistics(
  y: Tensor,
  x: Tensor,
  axis: readonly number[],
  eps: number,
  shape: readonly number[],
): readonly Tensor[] {
  const wider = as(x, "f32");
  const along = { axis, keep: true };
  const rate = div(1, sqrt(add(variance(wider, along), eps)));
  const own = { shape: shape.length ? shape : [1] };
  return [y, reshape(mean(wider, along), own), reshape(rate, own)];
}

const layerNormRule: Rule = (site) => {
  const [x, weight, bias] = site.ins;
  const dims = number(site, "normalized_dim");
  const eps = number(site, "eps");
  const tail = x.shape.slice(-dims);
  const own = (t: Tensor) => reshape(t, { shape: tail });
  const affine = weight ? { weight: own(weight), bias: own(bias) } : {};
  const axis = tail.map((_, i) => x.shape.length - dims + i);
  return withStatistics(
    layerNorm(x, { ...affine, dims, eps }),
    x,
    axis,
    eps,
    x.shape.slice(0, -dims),
  );
};

/** Standardised over neighbouring axes anywhere; weights have the extents of these. */
const generalNorm: Rule = (site) => {
  const [x, weight, bias] = site.ins;
  const eps = number(site, "eps");
  const [from, to] = [number(site, "axis_start"), number(site, "axis_end")];
  const axis = Array.from({ length: to - from }, (_, i) => from + i);
  const shape = x.shape.map((e, i) => axis.includes(i) ? e : 1);
  const [, m, rate] = withStatistics(
    x,
    x,
    axis,
    eps,
    x.shape.map((e, i) => axis.includes(i) ? 1 : e),
  );
  const plain = mul(sub(as(x, "f32"), m), rate);
  const y = weight
    ? add(mul(plain, as(reshape(weight, { shape }), "f32")), as(reshape(bias, { shape }), "f32"))
    : plain;
  const own = { shape: x.shape.filter((_, i) => !axis.includes(i)) };
  return [as(y, x.dtype), reshape(m, own), reshape(rate, own)];
};

/** Groups of channels; instance norm is as many groups as channels. */
function grouped(site: Site, count?: number): readonly Tensor[] {
  const [image, weight, bias] = site.ins;
  const format = member(site, "format");
  if (format !== "NCHW" && format !== "NHWC") {
    throw refused(site, `its images are of format ${format}, only NCHW and NHWC are read`);
  }
  const x = unpacked(image, imagePackings[format]);
  const eps = number(site, "eps");
  const [n, c] = x.shape;
  const groups = count ?? c;
  const folded = reshape(as(x, "f32"), { shape: [n, groups, sizeOf(x.shape) / (n * groups)] });
  const m = mean(folded, { axis: 2, keep: true });
  const v = variance(folded, { axis: 2, keep: true });
  const rate = div(1, sqrt(add(v, eps)));
  const plain = reshape(mul(sub(folded, m), rate), { shape: x.shape });
  const shape = x.shape.map((_, i) => i === 1 ? c : 1);
  const own = (t: Tensor) => as(reshape(t, { shape }), "f32");
  const y = weight ? add(mul(plain, own(weight)), own(bias)) : plain;
  // the statistic here is the variance, where the other norms give one over the deviation
  const found = packed(as(y, x.dtype), imagePackings[format]);
  return [found, ...[m, v].map((t) => reshape(t, { shape: [n, groups] }))];
}

const softmaxRule: Rule = (site) => {
  const [x] = site.ins;
  return [softmax(x, { axis: axisOf(number(site, "axis"), x.shape.length) })];
};

/** Rules of normalisations. */
export const normRules: Rules = {
  BatchNormV1: batchNormRule,
  LayerNorm: layerNormRule,
  GeneralNorm: generalNorm,
  GroupNorm: (site) => grouped(site, number(site, "group")),
  InstanceNorm: (site) => grouped(site),
  Softmax: softmaxRule,
  LRN: (site) => [
    localResponseNorm(site.ins[0], {
      size: number(site, "n"),
      k: number(site, "k"),
      alpha: number(site, "alpha"),
      beta: number(site, "beta"),
    }),
  ],
};
