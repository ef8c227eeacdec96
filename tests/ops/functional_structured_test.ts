/**
 * The structured operations against what MegEngine itself computed, values and gradients.
 * @module
 */
import type { Tensor } from "../../lib/core/tensor.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { conv1d, convTranspose2d } from "../../lib/ops/conv_transpose.ts";
import { eye, linspace } from "../../lib/ops/create.ts";
import { embedding, oneHot, takeAlongAxis } from "../../lib/ops/gather.ts";
import { concat, repeat, roll, split, stack, tile } from "../../lib/ops/join.ts";
import {
  batchNorm,
  batchStatistics,
  groupNorm,
  instanceNorm,
  layerNorm,
  normalize,
} from "../../lib/ops/norm.ts";
import { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, maxPool2d } from "../../lib/ops/pool.ts";
import { max, mean, min, prod, sum } from "../../lib/ops/reduce.ts";
import { crossEntropy, logSoftmax, logSumExp, softmax } from "../../lib/ops/softmax.ts";
import { expandDims, squeeze } from "../../lib/ops/shape.ts";
import { norm, std, variance } from "../../lib/ops/statistics.ts";
import type { Pair } from "../../lib/ops/window_taps.ts";
import { agree, openCorpus, type Ours, type Recorded } from "./functional_corpus.ts";
import { assert, assertEquals } from "../std.ts";

/** Recorded results that we do not follow, with the reason. */
const apart: Readonly<Record<string, string>> = {
  "norm.5": "MegEngine ignores the axis of an infinite norm",
};

type Kwargs = Recorded["kwargs"];

function move(k: Kwargs) {
  return {
    stride: (k.stride ?? 1) as Pair,
    padding: (k.padding ?? 0) as Pair,
    dilation: (k.dilation ?? 1) as Pair,
    ...(k.groups ? { groups: k.groups as number } : {}),
  };
}

function pooling(k: Kwargs) {
  const kernel = k.kernel_size as Pair;
  return { kernel, stride: (k.stride ?? kernel) as Pair, padding: (k.padding ?? 0) as Pair };
}

function along(k: Kwargs) {
  return {
    ...(k.axis === undefined ? {} : { axis: k.axis as number }),
    ...(k.keepdims === undefined ? {} : { keep: k.keepdims as boolean }),
  };
}

function reduction(f: (x: Tensor, options: { axis?: number; keep?: boolean }) => Tensor): Ours {
  return ({ inp }, k) => f(inp, along(k));
}

function list(inputs: Readonly<Record<string, Tensor>>): Tensor[] {
  return Object.keys(inputs).map((_, i) => inputs[`inps.${i}`]);
}

const eps = (k: Kwargs) => (k.eps ?? 1e-5) as number;
const affine = ({ weight, bias }: Record<string, Tensor>) => weight ? { weight, bias } : {};

function batchNormalized(i: Readonly<Record<string, Tensor>>, k: Kwargs): readonly Tensor[] {
  const { inp, running_mean, running_var, weight, bias } = i;
  if (!k.training) {
    return [batchNorm(inp, running_mean, running_var, { weight, bias, eps: eps(k) })];
  }
  const found = batchStatistics(inp);
  const keep = (k.momentum ?? 0.9) as number;
  const n = inp.shape[0] * inp.shape[2] * inp.shape[3];
  const next = (old: Tensor, fresh: Tensor) => add(mul(old, keep), mul(fresh, 1 - keep));
  return [
    batchNorm(inp, found.mean, found.variance, { weight, bias, eps: eps(k) }),
    next(running_mean, found.mean),
    next(running_var, mul(found.variance, n / (n - 1))),
  ];
}

const ours: Readonly<Record<string, Ours>> = {
  "nn.conv1d": ({ inp, weight }, k) => conv1d(inp, weight, move(k) as { stride: number }),
  "nn.conv2d": ({ inp, weight, bias }, k) =>
    conv2d(inp, weight, { ...move(k), ...(bias ? { bias } : {}) }),
  "nn.conv_transpose2d": ({ inp, weight, bias }, k) =>
    convTranspose2d(inp, weight, { ...move(k), bias }),
  "nn.max_pool2d": ({ inp }, k) => maxPool2d(inp, pooling(k)),
  "nn.avg_pool2d": ({ inp }, k) =>
    avgPool2d(inp, { ...pooling(k), countIncludePad: k.mode === "average" }),
  "nn.adaptive_avg_pool2d": ({ inp }, k) => adaptiveAvgPool2d(inp, { size: k.oshp as Pair }),
  "nn.adaptive_max_pool2d": ({ inp }, k) => adaptiveMaxPool2d(inp, { size: k.oshp as Pair }),
  "nn.softmax": ({ inp }, k) => softmax(inp, along(k)),
  "nn.logsoftmax": ({ inp }, k) => logSoftmax(inp, along(k)),
  "nn.logsumexp": ({ inp }, k) => logSumExp(inp, along(k)),
  "loss.cross_entropy": ({ pred, label }, k) => {
    const losses = crossEntropy(pred, label, {
      ...along(k),
      labelSmooth: (k.label_smooth ?? 0) as number,
      logits: (k.with_logits ?? true) as boolean,
    });
    const how = k.reduction ?? "mean";
    return how === "none" ? losses : how === "sum" ? sum(losses) : mean(losses);
  },
  "nn.batch_norm": batchNormalized,
  "nn.layer_norm": (i, k) =>
    layerNorm(i.inp, {
      ...affine(i),
      dims: (k.normalized_shape as number[]).length,
      eps: eps(k),
    }),
  "nn.group_norm": (i, k) =>
    groupNorm(i.inp, { ...affine(i), groups: k.num_groups as number, eps: eps(k) }),
  "nn.instance_norm": (i, k) => instanceNorm(i.inp, { ...affine(i), eps: eps(k) }),
  "normalize": ({ inp }, k) =>
    normalize(inp, { axis: k.axis as number, order: (k.ord ?? 2) as number }),
  "norm": ({ inp }, k) => norm(inp, { ...along(k), order: (k.ord ?? 2) as number }),
  "var": reduction(variance),
  "std": reduction(std),
  "sum": reduction(sum),
  "mean": reduction(mean),
  "max": reduction(max),
  "min": reduction(min),
  "prod": reduction(prod),
  "gather": ({ inp, index }, k) => takeAlongAxis(inp, index, { axis: k.axis as number }),
  "nn.embedding": ({ inp, weight }) => embedding(weight, inp),
  "nn.indexing_one_hot": ({ src, index }, k) => {
    const axis = k.axis as number;
    const found = takeAlongAxis(src, expandDims(index, { axis }), { axis });
    return k.keepdims ? found : squeeze(found, { axis });
  },
  "nn.one_hot": ({ inp }, k) => oneHot(inp, k.num_classes as number),
  "concat": (i, k) => concat(list(i), { axis: k.axis as number }),
  "stack": (i, k) => stack(list(i), { axis: k.axis as number }),
  "split": ({ inp }, k) => {
    const axis = (k.axis ?? 0) as number;
    const how = k.nsplits_or_sections as number | readonly number[];
    if (typeof how === "number") return split(inp, { axis, sections: how });
    const ends = [...how, inp.shape[axis]];
    return split(inp, { axis, sizes: ends.map((e, i) => e - (ends[i - 1] ?? 0)) });
  },
  "tile": ({ inp }, k) => tile(inp, { counts: k.reps as number[] }),
  "repeat": ({ inp }, k) =>
    repeat(inp, {
      count: k.repeats as number,
      ...(k.axis === undefined ? {} : { axis: k.axis as number }),
    }),
  "roll": ({ inp }, k) =>
    roll(inp, {
      shift: k.shift as number,
      ...(k.axis === undefined ? {} : { axis: k.axis as number }),
    }),
  "eye": (_, k) => eye(k.N as number, (k.M ?? k.N) as number),
  "linspace": (_, k) => linspace(k.start as number, k.stop as number, k.num as number),
};

Deno.test("structured operations agree with MegEngine's recorded results", async (t) => {
  const corpus = await openCorpus();
  let seen = 0;
  for (const c of corpus.cases) {
    if (!ours[c.op] || apart[c.id]) continue;
    seen++;
    await t.step(c.id, () => agree(corpus, c, ours[c.op]));
  }
  const known = new Set(corpus.cases.map((c) => c.op));
  for (const name of Object.keys(ours)) assert(known.has(name), `no case of ${name}`);
  assertEquals(seen, 155, "cases that were compared");
});
