/**
 * Contractions for tests: products and convolutions with the operands, views, layouts and epilogues
 * that layers have.
 * @module
 */
import type { ConvForm, ConvGeometry, Margin, MatmulForm } from "../../lib/core/form.ts";
import type { Host } from "../../lib/core/host.ts";
import {
  addressOf,
  axesOf,
  constant,
  linearOf,
  plusIndex,
  timesIndex,
} from "../../lib/core/index.ts";
import { s, type Scalar } from "../../lib/core/scalar.ts";
import { type DType, sizeOf, type Type } from "../../lib/core/type.ts";
import { load, values } from "./values.ts";

/**
 * What follows a sum: nothing, a bias along the columns with relu, that and a residual, or a term that
 * is long enough to be computed by itself.
 */
export type Tail = "none" | "bias" | "residual" | "long";

/** What a product may be besides its sizes. */
export interface MatmulOptions {
  readonly batch?: readonly number[];
  /** Operands that lie turned over. */
  readonly turned?: "" | "a" | "b" | "ab";
  readonly tail?: Tail;
  readonly dtype?: DType;
  readonly out?: DType;
}

/** A product over operands 0 and 1; the tail reads 2 and 3. */
export function product(
  m: number,
  n: number,
  k: number,
  { batch = [], turned = "", tail = "none", dtype = "f32", out = "f32" }: MatmulOptions = {},
): MatmulForm {
  const axes = axesOf([...batch, m, n, k]);
  const z = axes.slice(0, batch.length);
  const [am, an, ak] = axes.slice(batch.length);
  const left: Type = { dtype, shape: [...batch, ...(turned.includes("a") ? [k, m] : [m, k])] };
  const right: Type = { dtype, shape: [...batch, ...(turned.includes("b") ? [n, k] : [k, n])] };
  const result: Type = { dtype: out, shape: [...batch, m, n] };
  const points = [...z, am, an];
  const bias = load(2, { dtype: "f32", shape: [n] }, [an]);
  const { count, body } = ending(
    tail,
    bias,
    load(3, { dtype: "f32", shape: result.shape }, points),
  );
  const ends: Type[] = [{ dtype: "f32", shape: [n] }, { dtype: "f32", shape: result.shape }];
  return {
    kind: "matmul",
    batch,
    m,
    n,
    k,
    ins: [left, right, ...ends.slice(0, count)],
    a: load(0, left, [...z, ...(turned.includes("a") ? [ak, am] : [am, ak])]),
    b: load(1, right, [...z, ...(turned.includes("b") ? [an, ak] : [ak, an])]),
    outs: [{
      type: result,
      index: addressOf(points, result.shape),
      body: out === "f16" ? s.toF32(s.roundF16(body)) : body,
    }],
  };
}

/** Integers of any width are summed as i32. */
export function integerProduct(
  m: number,
  n: number,
  k: number,
  dtype: DType = "i32",
  turned: MatmulOptions["turned"] = "",
): MatmulForm {
  const form = product(m, n, k, { dtype, turned, out: "i32" });
  return { ...form, outs: form.outs.map((out) => ({ ...out, body: s.acc(0, "i32") })) };
}

/** How a convolution's values lie, besides what it computes. */
export interface ConvOptions extends Partial<ConvGeometry> {
  /** Weights lie as [g, c, kh, kw, o]. */
  readonly packed?: boolean;
  readonly tail?: Tail;
  /** Channels come last in input and result, with zeros around the input as far as it is read. */
  readonly last?: boolean;
  /** What the weights are; sums are f32 all the same. */
  readonly weights?: DType;
  /** So many more zeros than are read; and so many around the result, which are left alone. */
  readonly spare?: number;
}

/** A convolution over operands 0 and 1; the tail reads a bias and a residual. */
export function convolution(
  options: ConvOptions,
): ConvForm {
  const {
    packed = false,
    tail = "none",
    last = false,
    spare = 0,
    weights: dtype = "f32",
    ...given
  } = options;
  const g = {
    n: 1,
    g: 1,
    c: 4,
    o: 8,
    input: [8, 8],
    kernel: [3, 3],
    stride: [1, 1],
    dilate: [1, 1],
    inflate: [1, 1],
    pad: [1, 1],
    ...given,
  } as const;
  const output = given.output ?? [0, 1].map((i) => {
    const inflated = (g.input[i] - 1) * g.inflate[i] + 1 + 2 * g.pad[i];
    return Math.floor((inflated - (g.kernel[i] - 1) * g.dilate[i] - 1) / g.stride[i]) + 1;
  }) as [number, number];
  const none: Margin = { before: 0, after: 0 };
  const around = (i: 0 | 1): Margin => {
    const end = (output[i] - 1) * g.stride[i] + (g.kernel[i] - 1) * g.dilate[i] - g.pad[i];
    return {
      before: Math.max(0, g.pad[i]) + spare,
      after: Math.max(0, end - (g.input[i] - 1)) + spare,
    };
  };
  const margin: [Margin, Margin] = last ? [around(0), around(1)] : [none, none];
  const out: [Margin, Margin] = last && spare
    ? [{ before: spare, after: 1 }, { before: 0, after: spare }]
    : [none, none];
  const input = lying([g.n, g.g, g.c, ...g.input], margin, last);
  const result = lying([g.n, g.g, g.o, ...output], out, last);
  const axes = axesOf([g.g, g.o, g.c, ...g.kernel]);
  const [wg, wo, wc, wh, ww] = axes;
  const weights: Type = {
    dtype,
    shape: packed ? [g.g, g.c, ...g.kernel, g.o] : [g.g, g.o, g.c, ...g.kernel],
  };
  const points = axesOf([g.n, g.g, g.o, ...output]);
  const bias: Type = { dtype: "f32", shape: [g.g, g.o] };
  const residual: Scalar = { kind: "load", type: "f32", operand: 3, index: result.at(points) };
  const { count, body } = ending(tail, load(2, bias, [points[1], points[2]]), residual);
  const x: Scalar = {
    ...{ kind: "load", type: "f32", operand: 0 },
    index: input.at(axesOf([g.n, g.g, g.c, ...g.input])),
  };
  return {
    ...g,
    kind: "conv",
    output,
    // Along an axis of one point nothing says how far a tap goes, so no zeros are promised there.
    ...(last
      ? { margin: margin.map((m, i) => g.input[i] > 1 ? m : none) as [Margin, Margin] }
      : {}),
    ins: [input.type, weights, ...[bias, result.type].slice(0, count)],
    x,
    w: load(1, weights, packed ? [wg, wc, wh, ww, wo] : axes),
    outs: [{ type: result.type, index: result.at(points), body }],
  };
}

/** A value over n, g, c, h, w as it lies: in that order, or with groups and channels last. */
function lying(
  [n, g, c, h, w]: readonly number[],
  [rows, columns]: readonly [Margin, Margin],
  last: boolean,
): { readonly type: Type; at(coords: readonly Scalar[]): Scalar } {
  if (!last) {
    const shape = [n, g, c, h, w];
    return { type: { dtype: "f32", shape }, at: (coords) => addressOf(coords, shape) };
  }
  const shape = [
    n,
    rows.before + h + rows.after,
    columns.before + w + columns.after,
    g * c,
  ];
  return {
    type: { dtype: "f32", shape },
    at: ([an, ag, ac, ah, aw]) =>
      addressOf([
        an,
        plusIndex(ah, rows.before),
        plusIndex(aw, columns.before),
        plusIndex(timesIndex(ag, c), ac),
      ], shape),
  };
}

function ending(tail: Tail, bias: Scalar, residual: Scalar): { count: number; body: Scalar } {
  if (tail === "none") return { count: 0, body: s.acc(0) };
  if (tail === "long") {
    const x = s.add(s.mul(s.acc(0), 0.125), bias);
    const gate = s.div(1, s.add(s.exp(s.neg(x)), 1));
    return { count: 2, body: s.add(s.mul(x, gate), s.tanh(residual)) };
  }
  const biased = s.max(s.add(s.acc(0), bias), 0);
  return tail === "bias" ? { count: 1, body: biased } : { count: 2, body: s.add(biased, residual) };
}

/** The operands of a convolution: zeros lie around its input where it has channels last. */
export function convOperands(form: ConvForm, seed: number = 1): readonly Host[] {
  return form.ins.map((type, i) => {
    const value = values(type, seed + i);
    if (i > 0 || type.shape.length > 4) return value;
    const [n, h, w, c] = type.shape;
    const first = linearOf(form.x.kind === "load" ? form.x.index : constant(0)).constant / c;
    const around = (before: number, extent: number, all: number): Margin => ({
      before,
      after: all - extent - before,
    });
    const rows = around(Math.floor(first / w), form.input[0], h);
    const columns = around(first % w, form.input[1], w);
    const isOutside = (at: number, { before, after }: Margin, extent: number) =>
      at < before || at >= extent - after;
    for (let at = 0; at < sizeOf([n, h, w]); at++) {
      const [y, x] = [Math.floor(at / w) % h, at % w];
      if (!isOutside(y, rows, h) && !isOutside(x, columns, w)) continue;
      value.data.fill(0, at * c, at * c + c);
    }
    return value;
  });
}

/** Products with what tiles find hard: few rows, odd depths, batches, operands that lie turned. */
export const products: readonly (readonly [number, number, number, MatmulOptions?])[] = [
  [8, 16, 8],
  [1, 1, 1],
  [3, 5, 7],
  [17, 20, 12, { tail: "residual" }],
  [33, 70, 40, { tail: "residual" }],
  [20, 1, 12],
  [1, 600, 32, { tail: "bias" }],
  [1, 40, 64, { turned: "b" }],
  [130, 66, 33],
  [9, 36, 16, { batch: [2], turned: "a", tail: "bias" }],
  [5, 8, 8, { batch: [2, 3], turned: "b", tail: "bias" }],
  [16, 12, 32, { turned: "ab", tail: "residual" }],
  [12, 12, 5, { batch: [3], turned: "ab" }],
];

/** One 1x1 tap; one channel a group. */
export const pointwise = { kernel: [1, 1], pad: [0, 0] } as const;
export const depthwise = { c: 1, o: 1 } as const;

/** Convolutions with what kernels find hard. */
export const convolutions: Readonly<Record<string, ConvOptions>> = {
  "3x3": {},
  "3x3, packed weights, residual": { packed: true, tail: "residual" },
  "groups and batch, odd sizes": { n: 2, g: 2, c: 3, o: 5, input: [7, 9], tail: "bias" },
  "stride 2": { stride: [2, 2], input: [12, 12], o: 12, packed: true },
  "unequal strides": { stride: [1, 3], input: [9, 16], tail: "bias" },
  "dilation": { dilate: [2, 2], pad: [2, 2], input: [10, 8] },
  "dilation and stride": { dilate: [3, 2], stride: [2, 2], pad: [3, 2], input: [13, 16] },
  "negative padding": { pad: [-1, -1], input: [12, 12], tail: "bias" },
  "negative padding and stride": { pad: [-2, -3], stride: [2, 2], input: [16, 16] },
  "more below than above": { pad: [0, 2], input: [6, 5], tail: "residual" },
  "output past the padding": { output: [9, 10] },
  "inflated input": { inflate: [2, 2], input: [4, 4], tail: "bias" },
  "inflated input, stride 3": { inflate: [2, 3], stride: [3, 1], input: [5, 4] },
  "1x1": { ...pointwise, n: 2, tail: "residual" },
  "1x1, groups, odd sizes": { ...pointwise, g: 2, c: 3, o: 5, input: [3, 3], tail: "bias" },
  "1x1, many channels": { ...pointwise, c: 20, o: 36, input: [6, 6], tail: "bias" },
  "1x1, one column": { ...pointwise, c: 2, o: 3, input: [6, 1] },
  "1x1, stride 2": { ...pointwise, stride: [2, 2], c: 8, o: 12, tail: "bias" },
  "7x7, stride 2": {
    kernel: [7, 7],
    pad: [3, 3],
    stride: [2, 2],
    c: 3,
    o: 20,
    input: [20, 24],
    packed: true,
    tail: "bias",
  },
  "7x5": { kernel: [7, 5], pad: [3, 2], c: 2, o: 6, input: [9, 9], tail: "bias" },
  "small images": { input: [2, 2], c: 8, o: 16, packed: true },
  "3x3 pixels": { input: [3, 3], c: 8, o: 16, packed: true, tail: "residual" },
  "one row": { input: [1, 6], c: 2, o: 3 },
  "depthwise": { ...depthwise, g: 6, input: [12, 12], n: 2, tail: "residual" },
  "depthwise, odd sizes": { ...depthwise, g: 6, input: [7, 7], tail: "bias" },
  "depthwise, stride 2": { ...depthwise, g: 5, input: [16, 16], stride: [2, 2], tail: "bias" },
  "depthwise, 5x5": { ...depthwise, g: 5, input: [9, 24], kernel: [5, 5], pad: [2, 2] },
  "depthwise, tiny": { ...depthwise, g: 3, input: [2, 2] },
  "depthwise, dilated": { ...depthwise, g: 3, input: [12, 12], dilate: [2, 2], pad: [2, 2] },
  "depthwise with a multiplier": { g: 3, c: 1, o: 2, tail: "bias" },
};
