/**
 * The rows every runner computes: shapes, seeded data, layer tables.
 * All data is described in row-major PyTorch order (activations NCHW, convolution weights OIHW, dense
 * weights [in, out]); a runner that prefers another layout converts in `prepare`, outside the clock.
 *
 * @module
 */
import { mobilenet, resnet } from "./nets.ts";
import type { Layer } from "./nets.ts";
import { around, count, uniform } from "./spec.ts";
import type { Spec } from "./spec.ts";

/** What all rows share; `flops` counts a multiply-add as 2, `bytes` each tensor's traffic once. */
interface Common {
  readonly name: string;
  readonly flops: number;
  readonly bytes: number;
  /** Which figure says most about the row. */
  readonly unit: "GFLOP/s" | "GB/s";
  /** The values that change from call to call. */
  readonly input: Spec;
  /** The values that stay on the device. */
  readonly weights: readonly Spec[];
  readonly output: readonly number[];
}

/** output[m, n] = sum over k of input[m, k] · weights.b[k, n]. */
export interface MatmulRow extends Common {
  readonly kind: "matmul";
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** One convolution without bias, batch 1, weights.w of [out, in / groups, kernel, kernel]. */
export interface ConvRow extends Common {
  readonly kind: "conv";
  readonly channels: number;
  readonly out: number;
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly groups: number;
}

/** output = max(input · scale + shift, 0); scale and shift are compile-time constants. */
export interface MapRow extends Common {
  readonly kind: "map";
  readonly scale: number;
  readonly shift: number;
}

/** Softmax over the last axis of [rows, columns]. */
export interface SoftmaxRow extends Common {
  readonly kind: "softmax";
  readonly rows: number;
  readonly columns: number;
}

/** (x − mean) / sqrt(variance + epsilon) · gamma + beta over the last axis, biased variance. */
export interface LayernormRow extends Common {
  readonly kind: "layernorm";
  readonly rows: number;
  readonly columns: number;
  readonly epsilon: number;
}

/**
 * A pre-norm transformer encoder block on [tokens, width], in the names of `weights`:
 * a = layernorm(x; g1, h1); q = a·wq + bq, k = a·wk + bk, v = a·wv + bv, each split into `heads`
 * along the last axis; s = softmax(q kᵀ / sqrt(width / heads)); x₁ = x + concat(s v)·wo + bo;
 * y = x₁ + gelu(layernorm(x₁; g2, h2)·w1 + b1)·w2 + b2, with gelu(t) = t/2 · (1 + erf(t / √2)).
 */
export interface EncoderRow extends Common {
  readonly kind: "encoder";
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly epsilon: number;
}

/** A network: layers in order, layer i with weights `w{i}` and `b{i}` where it has any. */
export interface NetRow extends Common {
  readonly kind: "net";
  readonly layers: readonly Layer[];
}

/** One line of the table. */
export type Row = MatmulRow | ConvRow | MapRow | SoftmaxRow | LayernormRow | EncoderRow | NetRow;

/** The weight of a row by its name. */
export function weight(row: Row, name: string): Spec {
  const found = row.weights.find((spec) => spec.name === name);
  if (!found) throw new Error(`row ${row.name} has no weight ${name}`);
  return found;
}

/** Every row of the comparison, in the order of the table. */
export const rows: readonly Row[] = [
  matmul(256),
  matmul(512),
  matmul(1024),
  conv("conv 3x3 64->64 @56", 64, 64, 56, 3, 1, 1, 1),
  conv("conv 1x1 256->64 @56", 256, 64, 56, 1, 1, 0, 1),
  conv("depthwise 3x3 144 @56", 144, 144, 56, 3, 1, 1, 144),
  conv("conv 7x7/2 3->64 @224", 3, 64, 224, 7, 2, 3, 1),
  map(16 * 1024 * 1024),
  softmax(4096, 1024),
  layernorm(4096, 1024),
  encoder(128, 384, 6, 1536),
  net("MobileNetV2 @96", 96, mobilenet()),
  net("MobileNetV2 @224", 224, mobilenet()),
  net("ResNet18 @64", 64, resnet()),
  net("ResNet18 @224", 224, resnet()),
];

function matmul(size: number): MatmulRow {
  return {
    kind: "matmul",
    name: `matmul ${size}`,
    m: size,
    k: size,
    n: size,
    flops: 2 * size ** 3,
    bytes: 12 * size ** 2,
    unit: "GFLOP/s",
    input: uniform("x", [size, size], 1, 1),
    weights: [uniform("b", [size, size], 1, 2)],
    output: [size, size],
  };
}

function conv(
  name: string,
  channels: number,
  out: number,
  size: number,
  kernel: number,
  stride: number,
  pad: number,
  groups: number,
): ConvRow {
  const side = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const fan = (channels / groups) * kernel * kernel;
  const input = uniform("x", [1, channels, size, size], 1, 1);
  const w = uniform("w", [out, channels / groups, kernel, kernel], Math.sqrt(3 / fan), 2);
  const output = [1, out, side, side];
  return {
    kind: "conv",
    name,
    channels,
    out,
    size,
    kernel,
    stride,
    pad,
    groups,
    flops: 2 * fan * count(output),
    bytes: 4 * (count(input.shape) + count(w.shape) + count(output)),
    unit: "GFLOP/s",
    input,
    weights: [w],
    output,
  };
}

function map(size: number): MapRow {
  return {
    kind: "map",
    name: "relu(x*a+b) 16M",
    scale: 1.5,
    shift: -0.25,
    flops: 3 * size,
    bytes: 8 * size,
    unit: "GB/s",
    input: uniform("x", [size], 1, 1),
    weights: [],
    output: [size],
  };
}

function softmax(height: number, columns: number): SoftmaxRow {
  return {
    kind: "softmax",
    name: `softmax ${height}x${columns}`,
    rows: height,
    columns,
    flops: 5 * height * columns,
    bytes: 8 * height * columns,
    unit: "GB/s",
    input: uniform("x", [height, columns], 4, 1),
    weights: [],
    output: [height, columns],
  };
}

function layernorm(height: number, columns: number): LayernormRow {
  return {
    kind: "layernorm",
    name: `layernorm ${height}x${columns}`,
    rows: height,
    columns,
    epsilon: 1e-5,
    flops: 8 * height * columns,
    bytes: 8 * height * columns + 8 * columns,
    unit: "GB/s",
    input: uniform("x", [height, columns], 4, 1),
    weights: [around("gamma", [columns], 2), uniform("beta", [columns], 0.5, 3)],
    output: [height, columns],
  };
}

function encoder(tokens: number, width: number, heads: number, hidden: number): EncoderRow {
  const bound = Math.sqrt(3 / width);
  const square = ["wq", "wk", "wv", "wo"].flatMap((name, i) => [
    uniform(name, [width, width], bound, 10 + i),
    uniform(name.replace("w", "b"), [width], 0.1, 20 + i),
  ]);
  const weights = [
    around("g1", [width], 2),
    uniform("h1", [width], 0.1, 3),
    ...square,
    around("g2", [width], 4),
    uniform("h2", [width], 0.1, 5),
    uniform("w1", [width, hidden], bound, 6),
    uniform("b1", [hidden], 0.1, 7),
    uniform("w2", [hidden, width], Math.sqrt(3 / hidden), 8),
    uniform("b2", [width], 0.1, 9),
  ];
  return {
    kind: "encoder",
    name: `encoder 1x${tokens}x${width}`,
    tokens,
    width,
    heads,
    hidden,
    epsilon: 1e-5,
    flops: 2 * tokens * width * (4 * width + 2 * tokens + 2 * hidden),
    bytes: 4 * (2 * tokens * width + total(weights)),
    unit: "GFLOP/s",
    input: uniform("x", [1, tokens, width], 1, 1),
    weights,
    output: [1, tokens, width],
  };
}

function net(name: string, size: number, layers: readonly Layer[]): NetRow {
  const weights: Spec[] = [];
  const sides: number[] = [];
  let flops = 0;
  layers.forEach((layer, i) => {
    const from = layer.from < 0 ? size : sides[layer.from];
    if (layer.op === "mean" || layer.op === "dense") sides.push(1);
    else sides.push(Math.floor((from + 2 * layer.pad - layer.kernel) / layer.stride) + 1);
    if (layer.op === "maxpool" || layer.op === "mean") return;
    const { out, channels } = layer;
    const taps = layer.op === "dense" ? [channels, out] : [out, channels / layer.groups];
    const shape = layer.op === "dense" ? taps : [...taps, layer.kernel, layer.kernel];
    const fan = count(shape) / layer.out;
    weights.push(uniform(`w${i}`, shape, Math.sqrt(3 / fan), 100 + 2 * i));
    weights.push(uniform(`b${i}`, [layer.out], 0.1, 101 + 2 * i));
    flops += 2 * fan * layer.out * sides[i] * sides[i];
  });
  return {
    kind: "net",
    name,
    layers,
    flops,
    bytes: 4 * (3 * size * size + 1000 + total(weights)),
    unit: "GFLOP/s",
    input: uniform("x", [1, 3, size, size], 1, 1),
    weights,
    output: [1, 1000],
  };
}

function total(weights: readonly Spec[]): number {
  return weights.reduce((sum, spec) => sum + count(spec.shape), 0);
}
