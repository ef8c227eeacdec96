/**
 * Small networks for the options of inference: what convolutions, norms and images come in.
 * @module
 */
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, sizeOf, type Type, u8 } from "../../lib/core/type.ts";
import { gelu, hardSwish, relu, sigmoid } from "../../lib/ops/activation.ts";
import { add, div, mul, sub } from "../../lib/ops/arithmetic.ts";
import { conv2d, type ConvOptions } from "../../lib/ops/conv.ts";
import { convTranspose2d } from "../../lib/ops/conv_transpose.ts";
import { concat } from "../../lib/ops/join.ts";
import { log, pow } from "../../lib/ops/math.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { batchNorm, layerNorm } from "../../lib/ops/norm.ts";
import { avgPool2d, maxPool2d } from "../../lib/ops/pool.ts";
import { max, mean, sum } from "../../lib/ops/reduce.ts";
import { as } from "../../lib/ops/select.ts";
import { reshape, transpose } from "../../lib/ops/shape.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { tanh } from "../../lib/ops/trig.ts";
import { seeded } from "./dump_networks.ts";

/** A named parameter, of numbers that keep a sum of `fan` of them near one. */
function weight(name: string, shape: readonly number[], fan: number = 1): Tensor {
  const own = seeded(f32(shape), 17 * name.length + sizeOf(shape));
  const data = Float32Array.from(own.data as Float32Array, (x) => x / Math.sqrt(fan));
  return constant({ ...own, data }, name);
}

/** A convolution with or without bias; a shape of five axes has groups. */
function conv(
  name: string,
  x: Tensor,
  shape: readonly number[],
  options: ConvOptions & { readonly plain?: boolean } = {},
): Tensor {
  const { plain, ...moves } = options;
  const outputs = shape.length === 5 ? shape[0] * shape[1] : shape[0];
  const fan = sizeOf(shape.slice(shape.length - 3));
  const bias = plain ? {} : { bias: weight(`${name}.bias`, [outputs]) };
  return conv2d(x, weight(`${name}.weight`, shape, fan), { ...moves, ...bias });
}

function norm(name: string, x: Tensor): Tensor {
  const c = x.shape[1];
  const variance = add(mul(weight(`${name}.var`, [c]), 0.4), 1);
  return batchNorm(x, weight(`${name}.mean`, [c]), variance, {
    weight: weight(`${name}.weight`, [c]),
    bias: weight(`${name}.bias`, [c]),
  });
}

function dense(name: string, x: Tensor, outputs: number): Tensor {
  const w = weight(`${name}.weight`, [outputs, x.shape[1]], x.shape[1]);
  return add(matmul(x, w, { transposeB: true }), weight(`${name}.bias`, [outputs]));
}

/** Three convolutions, the last one beside its input. */
export function residual(x: Tensor): Tensor {
  const first = relu(conv("net.c1", x, [16, 3, 3, 3], { padding: 1 }));
  const second = relu(conv("net.c2", first, [32, 16, 3, 3], { padding: 1, stride: 2 }));
  return relu(add(conv("net.c3", second, [32, 32, 3, 3], { padding: 1 }), second));
}

/** A norm, groups that are dilated, channels alone, both poolings, means and a dense layer. */
export function varied(x: Tensor): Tensor {
  const first = norm("net.b1", conv("net.c1", x, [16, 3, 3, 3], { padding: 1, stride: 2 }));
  const body = relu(first);
  const groups = sigmoid(conv("net.c2", body, [4, 4, 4, 3, 3], { padding: 2, dilation: 2 }));
  const alone = conv("net.c3", groups, [16, 1, 1, 3, 3], { padding: 1, plain: true });
  const wide = conv("net.c4", relu(add(alone, body)), [32, 16, 1, 1]);
  const pooled = avgPool2d(maxPool2d(wide, { kernel: 2 }), {
    ...{ kernel: 3, stride: 1, padding: 1, countIncludePad: false },
  });
  return dense("net.fc", mean(pooled, { axis: [2, 3] }), 5);
}

/** Channels that fill no block, beside some that do; modes that zeros would not survive. */
export function uneven(x: Tensor): Tensor[] {
  const first = conv("net.c1", x, [6, 3, 3, 3], { padding: 1 });
  const second = conv("net.c2", hardSwish(first), [10, 6, 3, 3], { padding: 1 });
  const alone = conv("net.c3", relu(second), [10, 1, 1, 3, 3], { padding: 1 });
  const logs = log(add(mul(alone, alone), 1));
  const third = conv("net.c4", logs, [8, 10, 1, 1]);
  const groups = conv("net.c5", third, [2, 4, 4, 3, 3], { padding: 1 });
  const both = concat([third, groups], { axis: 1 });
  return [conv("net.c6", both, [4, 16, 1, 1]), sigmoid(max(second, { axis: 3, keep: true }))];
}

/** Wide enough for blocks of 64; a deconvolution, an attention over channels, products. */
export function wide(x: Tensor): Tensor {
  const first = relu(conv("net.c1", x, [64, 3, 3, 3], { padding: 1 }));
  const second = conv("net.c2", first, [64, 64, 1, 1]);
  const share = reshape(
    mean(reshape(second, { shape: [x.shape[0], 64, 36] }), {
      ...{ axis: 2, keep: true },
    }),
    { shape: [x.shape[0], 64, 1, 1] },
  );
  const scaled = mul(second, sigmoid(conv("net.se", share, [64, 64, 1, 1])));
  const third = conv("net.c3", add(mul(scaled, 0.5), first), [32, 64, 3, 3], { padding: 1 });
  const up = convTranspose2d(tanh(third), weight("net.up", [32, 8, 2, 2], 128), { stride: 2 });
  return relu(conv("net.c4", up, [8, 8, 3, 3], { padding: 1 }));
}

/** An image of bytes, channels last, normalised, then convolved. */
export function photo(x: Tensor): Tensor {
  const [offset, scale] = [tensor([120, 115, 100]), tensor([60, 58, 57])];
  const image = transpose(div(sub(as(x, "f32"), offset), scale), { perm: [0, 3, 1, 2] });
  return relu(conv("net.c1", image, [8, 3, 3, 3], { stride: 2 }));
}

/** Norms, softmax, products and powers, without a convolution. */
export function tokens(x: Tensor): Tensor[] {
  const own = layerNorm(x, { weight: weight("ln.weight", [8]), bias: weight("ln.bias", [8]) });
  const q = matmul(own, weight("q", [8, 8], 8));
  const scores = softmax(mul(matmul(q, own, { transposeB: true }), 0.35));
  const mixed = add(mul(matmul(scores, own), weight("gate", [8])), x);
  const total = div(sum(mul(mixed, mixed), { axis: 2 }), 8);
  return [gelu(mixed), pow(add(total, 1), 1.5), relu(add(q, 0.25))];
}

/** A network with the types of its arguments. */
export interface Network {
  readonly model: (...ins: Tensor[]) => unknown;
  readonly types: readonly Type[];
}

/** The networks by name. */
export const networks: Readonly<Record<string, Network>> = {
  residual: { model: residual as Network["model"], types: [f32([2, 3, 8, 8])] },
  varied: { model: varied as Network["model"], types: [f32([2, 3, 16, 16])] },
  uneven: { model: uneven as Network["model"], types: [f32([2, 3, 7, 6])] },
  wide: { model: wide as Network["model"], types: [f32([2, 3, 6, 6])] },
  photo: { model: photo as Network["model"], types: [u8([2, 9, 9, 3])] },
  tokens: { model: tokens as Network["model"], types: [f32([2, 5, 8])] },
};
