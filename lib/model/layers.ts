/**
 * Layers: functions of parameters that give functions of tensors, and the specs of their
 * parameters. A layer that behaves differently in training takes a mode.
 * @module
 */
import { updates } from "../core/leaf.ts";
import type { Tensor } from "../core/tensor.ts";
import { sizeOf } from "../core/type.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { conv2d as convolution, type ConvOptions } from "../ops/conv.ts";
import { dropout as drop } from "../ops/dropout.ts";
import { gather } from "../ops/gather.ts";
import { matmul } from "../ops/matmul.ts";
import {
  batchNorm as normalized,
  batchStatistics,
  groupNorm as grouped,
  layerNorm as layered,
  standardize,
} from "../ops/norm.ts";
import {
  avgPool2d as average,
  type AvgPoolOptions,
  maxPool2d as largest,
  type PoolOptions,
} from "../ops/pool.ts";
import { splitKey } from "../ops/random.ts";
import { reshape } from "../ops/shape.ts";
import { heUniform, onesInit, uniformFor, xavierUniform, zerosInit } from "./initializers.ts";
import { buffer, type Leaf, parameter, type Params } from "./params.ts";

/** Whether a model infers or trains; training gives keys for what is random. */
export type Mode = { readonly kind: "inference" } | {
  readonly kind: "training";
  /** A key not given before in this call of the model. */
  next(): Tensor;
};

/** Running statistics are used and nothing is random. */
export const inference: Mode = Object.freeze({ kind: "inference" });

/** Batch statistics are used, dropout drops; every random layer gets a key made from this one. */
export function training(key: Tensor): Mode {
  let rest = key;
  return {
    kind: "training",
    next(): Tensor {
      const [use, left] = splitKey(rest, 2);
      rest = left;
      return use;
    },
  };
}

/** Weight and bias of a layer. */
export interface Affine<T> {
  /** What the input is multiplied by. */
  readonly weight: T;
  /** What is added. */
  readonly bias: T;
}

/** Parameters of a convolution: weight [o, c/groups, k, k] and bias [o]. */
export function conv2dSpec(
  c: number,
  o: number,
  kernel: number | readonly [number, number],
  options: { readonly groups?: number } = {},
): Affine<Leaf> {
  const [kh, kw] = typeof kernel === "number" ? [kernel, kernel] : kernel;
  const fanIn = c / (options.groups ?? 1) * kh * kw;
  return {
    weight: parameter([o, c / (options.groups ?? 1), kh, kw], heUniform()),
    bias: parameter([o], uniformFor(fanIn)),
  };
}

/** A two-dimensional convolution of images [n,c,h,w]. */
export function conv2d(p: Params<Affine<Leaf>>, options: ConvOptions = {}): (x: Tensor) => Tensor {
  return (x) => convolution(x, p.weight, { ...options, bias: p.bias });
}

/** Parameters of a batch norm of c channels; mean and variance are states. */
export function batchNormSpec(c: number): BatchNorm<Leaf> {
  return {
    weight: parameter([c], onesInit),
    bias: parameter([c], zerosInit),
    running_mean: buffer([c], zerosInit),
    running_var: buffer([c], onesInit),
  };
}

/** Parameters and states of a batch norm, as files name them. */
export interface BatchNorm<T> {
  /** What the input is multiplied by. */
  readonly weight: T;
  /** What is added. */
  readonly bias: T;
  /** Mean of each channel, moved in training. */
  readonly running_mean: T;
  /** Variance of each channel, moved in training. */
  readonly running_var: T;
}

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) of axis 1. In training the batch's statistics are
 * used and the running ones move: new = momentum · old + (1 − momentum) · batch, the variance of n − 1.
 */
export function batchNorm(
  p: Params<BatchNorm<Leaf>>,
  mode: Mode = inference,
  options: { readonly momentum?: number; readonly eps?: number } = {},
): (x: Tensor) => Tensor {
  const { momentum = 0.9, eps = 1e-5 } = options;
  if (mode.kind === "inference") {
    return (x) =>
      normalized(x, p.running_mean, p.running_var, { weight: p.weight, bias: p.bias, eps });
  }
  return (x) => {
    const shape = x.shape.map((e, i) => i === 1 ? e : 1);
    const axis = x.shape.flatMap((_, i) => i === 1 ? [] : [i]);
    const own = batchStatistics(x);
    const y = add(
      mul(standardize(x, { axis, eps }), reshape(p.weight, { shape })),
      reshape(p.bias, { shape }),
    );
    const n = sizeOf(x.shape) / x.shape[1];
    const move = (old: Tensor, now: Tensor, scale: number) =>
      add(mul(old, momentum), mul(reshape(now, { shape: old.shape }), (1 - momentum) * scale));
    const withMean = updates(y, p.running_mean, move(p.running_mean, own.mean, 1));
    const unbiased = n > 1 ? n / (n - 1) : 1;
    return updates(withMean, p.running_var, move(p.running_var, own.variance, unbiased));
  };
}

/** Parameters of a linear layer: weight [o, i] and bias [o]. */
export function linearSpec(i: number, o: number): Affine<Leaf> {
  return { weight: parameter([o, i], xavierUniform()), bias: parameter([o], uniformFor(i)) };
}

/** x · weightᵀ + bias over the last axis. */
export function linear(p: Params<Affine<Leaf>>): (x: Tensor) => Tensor {
  return (x) => add(matmul(x, p.weight, { transposeB: true }), p.bias);
}

/** Scale and shift of a norm over a shape. */
export function layerNormSpec(shape: number | readonly number[]): Affine<Leaf> {
  const own = typeof shape === "number" ? [shape] : shape;
  return { weight: parameter(own, onesInit), bias: parameter(own, zerosInit) };
}

/** Layer normalisation (Ba et al., 2016) over the trailing axes that the parameters have. */
export function layerNorm(
  p: Params<Affine<Leaf>>,
  options: { readonly eps?: number } = {},
): (x: Tensor) => Tensor {
  const dims = p.weight.shape.length;
  return (x) => layered(x, { dims, eps: options.eps ?? 1e-5, weight: p.weight, bias: p.bias });
}

/** Group normalisation (Wu and He, 2018) of axis 1 in `groups` groups. */
export function groupNorm(
  p: Params<Affine<Leaf>>,
  groups: number,
  options: { readonly eps?: number } = {},
): (x: Tensor) => Tensor {
  return (x) => grouped(x, { groups, eps: options.eps ?? 1e-5, weight: p.weight, bias: p.bias });
}

/** Rows of an embedding: weight [count, width]. */
export function embeddingSpec(count: number, width: number): { readonly weight: Leaf } {
  return { weight: parameter([count, width], heUniform(1)) };
}

/** The rows that integer indices name; a new last axis holds the width. */
export function embedding(p: Params<{ weight: Leaf }>): (indices: Tensor) => Tensor {
  return (indices) => gather(p.weight, indices, { axis: 0 });
}

/** Average over windows; a number is the window's extent and its distance. */
export function avgPool2d(options: number | AvgPoolOptions): (x: Tensor) => Tensor {
  const given = typeof options === "number" ? { kernel: options } : options;
  return (x) => average(x, given);
}

/** Largest of windows; a number is the window's extent and its distance. */
export function maxPool2d(options: number | PoolOptions): (x: Tensor) => Tensor {
  const given = typeof options === "number" ? { kernel: options } : options;
  return (x) => largest(x, given);
}

/** In training each element is zero with probability `rate` and scaled by 1/(1 − rate) otherwise. */
export function dropout(rate: number, mode: Mode = inference): (x: Tensor) => Tensor {
  return (x) => mode.kind === "inference" || rate === 0 ? x : drop(x, rate, mode.next());
}
