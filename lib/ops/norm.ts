/**
 * Normalisation. `standardize` is what layer, group and instance norms share: along some axes the
 * mean is taken away and the deviation divided out. Batch norm takes its statistics as operands;
 * `batchStatistics` gives those of a batch.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { axesOf } from "../core/index.ts";
import type { At, Draft } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { f16, printType, sameShape, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axes, integer, number } from "../op/field.ts";
import { between, elementwise } from "../op/kinds.ts";
import { add, div, maximum, mul, sub } from "./arithmetic.ts";
import { sqrt } from "./math.ts";
import { mean, sumSquares } from "./reduce.ts";
import { as, wide } from "./select.ts";
import { reshape, sumTo } from "./shape.ts";
import { norm, variance } from "./statistics.ts";

const eps = number("added to the variance", 1e-5);

/** Two stages a row, the sum and the sum of squared deviations, then each element of the row. */
function rows(
  at: At,
  x: Type,
  axis: readonly number[],
  eps: number,
  out: (value: Scalar, coords: readonly Scalar[]) => Scalar,
): Draft {
  const kept = x.shape.filter((_, i) => !axis.includes(i));
  const over = axis.map((a) => x.shape[a]);
  const [outer, inner] = [axesOf(kept), axesOf(over, kept.length)];
  const coords = x.shape.map((_, i) => axis.includes(i) ? inner.shift()! : outer.shift()!);
  const value = at(0, coords);
  const share = s.f(1 / Math.max(1, sizeOf(over)));
  const centred = s.sub(value, s.mul(s.acc(0), share));
  const deviation = s.sqrt(s.add(s.mul(s.acc(1), share), s.f(eps)));
  return {
    kind: "rows",
    shape: kept,
    over,
    stages: [{ combine: "sum", body: value }, { combine: "sum", body: s.mul(centred, centred) }],
    out: out(s.div(centred, deviation), coords),
    coords,
  };
}

/**
 * The mean along axes taken away and the deviation divided out: (x - mean) / sqrt(variance +
 * eps).
 */
export const standardize: Fn<
  readonly ["x"],
  { axis?: number | readonly number[]; eps?: number }
> = op({
  name: "standardize",
  doc: "The mean along axes taken away and the deviation divided out: " +
    "(x - mean) / sqrt(variance + eps)",
  ins: ["x"],
  attrs: { axis: axes(), eps },
  infer: ([x]) => elementwise("standardize", ["x"], [x], "float"),
  compose: ([x], { axis, eps }) => {
    const wider = wide(x);
    const count = axis.reduce((n: number, a: number) => n * x.shape[a], 1);
    const centred = sub(wider, mean(wider, { axis, keep: true }));
    const power = div(sumSquares(centred, { axis, keep: true }), count);
    return as(div(centred, sqrt(add(power, eps))), x.dtype);
  },
  lower: (at, [x], { axis, eps }) => rows(at, x, axis, eps, (value) => value),
  vjp: ({ ct, out, ins: [x], attrs: { axis, eps } }) => {
    const along = { axis, keep: true };
    const deviation = sqrt(add(variance(x, along), eps));
    const share = mul(out, mean(mul(ct, out), along));
    return [div(sub(sub(ct, mean(ct, along)), share), deviation)];
  },
  cases: [
    { ins: [between(-1, 2, [3, 4, 5])], attrs: { axis: [1, 2] } },
    { ins: [between(-1, 2, [3, 4, 5])], attrs: { axis: [0, 2], eps: 0.01 } },
  ],
});

/** A scale and a shift applied where they are given, brought to a shape that broadcasts. */
function affine(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  shape: readonly number[],
): Tensor {
  const scaled = weight ? mul(x, reshape(weight, { shape })) : x;
  return bias ? add(scaled, reshape(bias, { shape })) : scaled;
}

/** [1, c, 1, …] for the channels of x; throws where a statistic has another number of elements. */
function perChannel(name: string, x: Type, others: readonly Type[]): number[] {
  const c = x.shape[1];
  if (x.shape.length < 2) {
    throw new ShapeError(`Cannot apply ${name} to x: ${printType(x)}: it must be [n,c,…]`);
  }
  for (const t of others) {
    if (sizeOf(t.shape) !== c) {
      throw new ShapeError(
        `Cannot apply ${name} to x: ${printType(x)} with ${printType(t)}: x has ${c} channels\n` +
          `  try one of shape [${c}]`,
      );
    }
  }
  return x.shape.map((_, i) => i === 1 ? c : 1);
}

/**
 * Standardised by a given mean and variance of each channel (axis 1), then scaled and shifted.
 * Ioffe and Szegedy, 2015.
 */
export const batchNorm: Fn<
  readonly ["x", "mean", "variance", "weight?", "bias?"],
  { eps?: number }
> = op({
  name: "batchNorm",
  doc:
    "Standardised by a given mean and variance of each channel (axis 1), then scaled and shifted",
  ins: ["x", "mean", "variance", "weight?", "bias?"],
  attrs: { eps },
  infer: ([x, ...others]) => {
    perChannel("batchNorm", x, others);
    return elementwise("batchNorm", ["x"], [x], "float");
  },
  compose: ([x, m, v, weight, bias], { eps }) => {
    const shape = perChannel("batchNorm", x, [m, v]);
    const deviation = sqrt(add(reshape(v, { shape }), eps));
    const scale = weight ? div(reshape(weight, { shape }), deviation) : div(1, deviation);
    const scaled = mul(sub(x, reshape(m, { shape })), scale);
    return bias ? add(scaled, reshape(bias, { shape })) : scaled;
  },
  vjp: ({ ct, ins: [x, m, v, weight, bias], attrs: { eps } }) => {
    const shape = perChannel("batchNorm", x, [m, v]);
    const rate = div(1, sqrt(add(reshape(v, { shape }), eps)));
    const scale = weight ? mul(reshape(weight, { shape }), rate) : rate;
    // everything that concerns a channel follows from two sums over its elements
    const total = sumTo(ct, shape);
    const moment = sumTo(mul(ct, sub(x, reshape(m, { shape }))), shape);
    const like = (t: Tensor, other: Type) => reshape(t, { shape: other.shape });
    return [
      mul(ct, scale),
      like(mul(mul(total, scale), -1), m),
      like(mul(mul(mul(moment, scale), mul(rate, rate)), -0.5), v),
      weight && like(mul(moment, rate), weight),
      bias && like(total, bias),
    ];
  },
  cases: [
    { ins: [between(-1, 1, [2, 3, 4]), between(-1, 1, [3]), between(0.5, 2, [3])] },
    {
      ins: [
        ...[between(-1, 1, [2, 3, 4, 2]), between(-1, 1, [1, 3, 1, 1])],
        ...[between(0.5, 2, [3]), between(-1, 1, [3]), between(-1, 1, [3])],
      ],
      attrs: { eps: 1e-3 },
    },
  ],
});

/** Mean and variance (of n, not n - 1) of each channel (axis 1) over the other axes: [1,c,1,…]. */
export function batchStatistics(x: Tensor): { readonly mean: Tensor; readonly variance: Tensor } {
  const axis = x.shape.flatMap((_, i) => i === 1 ? [] : [i]);
  return { mean: mean(x, { axis, keep: true }), variance: variance(x, { axis, keep: true }) };
}

/**
 * Standardised over the trailing `dims` axes, then scaled and shifted by tensors of their shape.
 * Ba et al., 2016.
 */
export const layerNorm: Fn<
  readonly ["x", "weight?", "bias?"],
  { dims?: number; eps?: number }
> = op({
  name: "layerNorm",
  doc: "Standardised over the trailing `dims` axes, then scaled and shifted by tensors of their " +
    "shape",
  ins: ["x", "weight?", "bias?"],
  attrs: { dims: integer("number of trailing axes", { from: 1, fallback: 1 }), eps },
  infer: ([x, ...others], { dims }) => {
    const tail = x.shape.slice(-dims);
    const misfit = others.find((t) => !sameShape(t.shape, tail));
    if (dims > x.shape.length || misfit) {
      throw new ShapeError(
        `Cannot apply layerNorm to x: ${printType(x)} over ${dims} axes` +
          (misfit ? ` with ${printType(misfit)}: it must have shape [${tail}]` : ""),
      );
    }
    return elementwise("layerNorm", ["x"], [x], "float");
  },
  compose: ([x, weight, bias], { dims, eps }) =>
    affine(standardize(x, { axis: trailing(x, dims), eps }), weight, bias, x.shape.slice(-dims)),
  lower: (at, [x, weight, bias], { dims, eps }) =>
    rows(at, x, trailing(x, dims), eps, (value, coords) => {
      const own = coords.slice(-dims);
      const scaled = weight ? s.mul(value, at(1, own)) : value;
      return bias ? s.add(scaled, at(2, own)) : scaled;
    }),
  cases: [
    { ins: [between(-1, 2, [3, 4, 5])] },
    {
      ins: [between(-1, 2, [3, 4, 5]), between(-1, 1, [4, 5]), between(-1, 1, [4, 5])],
      attrs: { dims: 2 },
    },
    {
      ins: [between(-1, 2, f16([3, 8])), between(-1, 1, f16([8]))],
      tolerance: { rtol: 4e-3, atol: 4e-3 },
    },
    {
      ins: [between(-1, 1, [4096, 1024]), between(-1, 1, [1024]), between(-1, 1, [1024])],
      bench: true,
      gradient: false,
    },
  ],
});

function trailing(x: Type, dims: number): number[] {
  return Array.from({ length: dims }, (_, i) => x.shape.length - dims + i);
}

/**
 * Standardised over groups of channels and all spatial axes, then scaled and shifted by channel.
 * Wu and He, 2018.
 */
export const groupNorm: Fn<
  readonly ["x", "weight?", "bias?"],
  { groups: number; eps?: number }
> = op({
  name: "groupNorm",
  doc: "Standardised over groups of channels and all spatial axes, then scaled and shifted by " +
    "channel",
  ins: ["x", "weight?", "bias?"],
  attrs: { groups: integer("groups of channels", { from: 1 }), eps },
  infer: ([x, ...others], { groups }) => {
    perChannel("groupNorm", x, others);
    if (x.shape[1] % groups !== 0) {
      throw new OptionError(
        `Cannot take groups: ${groups}: it must divide the ${x.shape[1]} channels of x: ` +
          printType(x),
      );
    }
    return elementwise("groupNorm", ["x"], [x], "float");
  },
  compose: ([x, weight, bias], { groups, eps }) => {
    const n = x.shape[0];
    const folded = reshape(x, { shape: [n, groups, sizeOf(x.shape) / Math.max(1, n * groups)] });
    const found = reshape(standardize(folded, { axis: 2, eps }), { shape: x.shape });
    return affine(found, weight, bias, perChannel("groupNorm", x, []));
  },
  cases: [
    { ins: [between(-1, 2, [2, 4, 3, 3])], attrs: { groups: 2 } },
    {
      ins: [between(-1, 2, [1, 6, 5]), between(-1, 1, [6]), between(-1, 1, [6])],
      attrs: { groups: 3 },
    },
  ],
});

/**
 * Standardised over the spatial axes of each sample and channel, then scaled and shifted by
 * channel. Ulyanov et al., 2016.
 */
export const instanceNorm: Fn<readonly ["x", "weight?", "bias?"], { eps?: number }> = op({
  name: "instanceNorm",
  doc:
    "Standardised over the spatial axes of each sample and channel, then scaled and shifted by " +
    "channel",
  ins: ["x", "weight?", "bias?"],
  attrs: { eps },
  infer: ([x, ...others]) => {
    perChannel("instanceNorm", x, others);
    return elementwise("instanceNorm", ["x"], [x], "float");
  },
  compose: ([x, weight, bias], { eps }) => {
    const axis = x.shape.map((_, i) => i).slice(2);
    return affine(standardize(x, { axis, eps }), weight, bias, perChannel("instanceNorm", x, []));
  },
  cases: [
    { ins: [between(-1, 2, [2, 3, 4, 4]), between(-1, 1, [3]), between(-1, 1, [3])] },
    { ins: [between(-1, 2, [2, 3, 7])] },
  ],
});

/** x divided by its norm along `axis`, which is kept above `eps`; of order 2 by default. */
export function normalize(
  x: Tensor,
  options: {
    readonly axis?: number | readonly number[];
    readonly order?: number;
    readonly eps?: number;
  } = {},
): Tensor {
  const { axis, order, eps = 1e-12 } = options;
  const length = norm(x, { axis, order, keep: true });
  return div(x, maximum(length, eps));
}
