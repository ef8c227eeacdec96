/**
 * Contractions for tests: products and convolutions with the operands, views and epilogues that
 * layers have.
 * @module
 */
import { evaluateForm } from "../../../lib/cpu/form.ts";
import type { ConvForm, ConvGeometry, Form, MatmulForm } from "../../../lib/core/form.ts";
import { arrayOf, type Host, type HostArray } from "../../../lib/core/host.ts";
import { addressOf, axesOf } from "../../../lib/core/index.ts";
import { kindOf, s, type Scalar } from "../../../lib/core/scalar.ts";
import type { Limits, Variant } from "../../../lib/core/target.ts";
import { type DType, isFloat, sizeOf, type Type } from "../../../lib/core/type.ts";
import type { WgslKernel } from "../../../kernels/wgsl/kernel.ts";
import { runKernel } from "../../gpu/run_contraction.ts";
import { assert } from "../../std.ts";

/** The limits for which kernels are emitted in tests. */
export const limits: Limits = {
  bindings: 8,
  bindingBytes: 2 ** 27,
  align: 256,
  workgroups: 65535,
  invocations: 256,
  sharedBytes: 16384,
  iterations: 60_000,
};

/** What follows a sum: nothing, a bias along the columns with relu, or that and a residual. */
export type Tail = "none" | "bias" | "residual";

/** What a product may be besides its sizes. */
export interface MatmulOptions {
  readonly batch?: readonly number[];
  /** Operands that lie turned over. */
  readonly turned?: "" | "a" | "b" | "ab";
  readonly tail?: Tail;
  readonly dtype?: DType;
  readonly out?: DType;
}

/** One element of an operand. */
export function load(type: Type, operand: number, coords: readonly Scalar[]): Scalar {
  const index = addressOf(coords, type.shape);
  return { kind: "load", type: kindOf(type.dtype), operand, index };
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
  const { ins, body } = ending(tail, { dtype: "f32", shape: [n] }, [an], result, points);
  return {
    kind: "matmul",
    batch,
    m,
    n,
    k,
    ins: [left, right, ...ins],
    a: load(left, 0, [...z, ...(turned.includes("a") ? [ak, am] : [am, ak])]),
    b: load(right, 1, [...z, ...(turned.includes("b") ? [an, ak] : [ak, an])]),
    outs: [{
      type: result,
      index: addressOf(points, result.shape),
      body: out === "f16" ? s.toF32(roundedHalf(body)) : body,
    }],
  };
}

function roundedHalf(body: Scalar): Scalar {
  return { kind: "call", type: "f32", fn: "roundF16", args: [body] };
}

/** A convolution over operands 0 and 1; `packed` weights lie as [g, c, kh, kw, o]. */
export function convolution(
  options: Partial<ConvGeometry> & { readonly packed?: boolean; readonly tail?: Tail },
): ConvForm {
  const { packed = false, tail = "none", ...given } = options;
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
  const input: Type = { dtype: "f32", shape: [g.n, g.g, g.c, ...g.input] };
  const axes = axesOf([g.g, g.o, g.c, ...g.kernel]);
  const [wg, wo, wc, wh, ww] = axes;
  const weights: Type = {
    dtype: "f32",
    shape: packed ? [g.g, g.c, ...g.kernel, g.o] : [g.g, g.o, g.c, ...g.kernel],
  };
  const result: Type = { dtype: "f32", shape: [g.n, g.g, g.o, ...output] };
  const points = axesOf(result.shape);
  const bias: Type = { dtype: "f32", shape: [g.g, g.o] };
  const { ins, body } = ending(tail, bias, [points[1], points[2]], result, points);
  return {
    ...g,
    kind: "conv",
    output,
    ins: [input, weights, ...ins],
    x: load(input, 0, axesOf(input.shape)),
    w: load(weights, 1, packed ? [wg, wc, wh, ww, wo] : axes),
    outs: [{ type: result, index: addressOf(points, result.shape), body }],
  };
}

function ending(
  tail: Tail,
  bias: Type,
  at: readonly Scalar[],
  result: Type,
  points: readonly Scalar[],
): { ins: Type[]; body: Scalar } {
  if (tail === "none") return { ins: [], body: s.acc(0) };
  const biased = s.max(s.add(s.acc(0), load(bias, 2, at)), 0);
  if (tail === "bias") return { ins: [bias], body: biased };
  const residual: Type = { dtype: "f32", shape: result.shape };
  return { ins: [bias, residual], body: s.add(biased, load(residual, 3, points)) };
}

/** Values that are the same in every run: halves around zero, or small integers. */
export function values(type: Type, seed: number): Host {
  const data = arrayOf(type.dtype, sizeOf(type.shape)) as HostArray;
  let state = seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[i] = isFloat(type.dtype) ? (state >>> 8) / 2 ** 24 - 0.5 : (state >>> 24) % 2;
  }
  return { ...type, data } as Host;
}

/** Fails unless a kernel of the form computes what the plain loop nest does. */
export async function agrees(
  device: GPUDevice,
  form: Form,
  variant: Variant,
  kernel: WgslKernel,
  tolerance: number = 1e-5,
): Promise<void> {
  const ins = form.ins.map((type, i) => values(type, i + 1));
  const expected = evaluateForm(form, ins);
  const actual = await runKernel(device, kernel, form, ins);
  expected.forEach(({ data }, k) => {
    for (let i = 0; i < data.length; i++) {
      const found = actual[k].data[i];
      const isNear = Math.abs(found - data[i]) <= tolerance * (1 + Math.abs(data[i]));
      assert(
        isNear,
        `${variant.name} gives ${found} for ${data[i]} at ${i} of result ${k}:\n${kernel.text}`,
      );
    }
  });
}
