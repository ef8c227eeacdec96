/**
 * Convolutions as matrix products, and products turned over. A 1×1 convolution is a product over
 * its pixels as they lie; any other reads its window through division and remainder.
 * @module
 */
import { type ConvForm, generic, type MatmulForm, type Out } from "../../lib/core/form.ts";
import {
  addressOf,
  axesOf,
  constant,
  divIndex,
  modIndex,
  substitute,
} from "../../lib/core/index.ts";
import { mapLeaves, type Scalar } from "../../lib/core/scalar.ts";
import { leavesOf, stridedOf } from "./strides.ts";

/** True if every output reads one pixel, its own. */
export function isPointwise(form: ConvForm): boolean {
  const { kernel, stride, pad, inflate, input, output } = form;
  return [0, 1].every((i) =>
    kernel[i] === 1 && stride[i] === 1 && pad[i] === 0 && inflate[i] === 1 &&
    input[i] === output[i]
  );
}

/** The product with m output channels, n output positions, k channels and taps. */
export function asMatmul(form: ConvForm): MatmulForm {
  const [kh, kw] = form.kernel;
  const [height, width] = form.output;
  const [m, n, k] = [form.o, height * width, form.c * kh * kw];
  const batch = [form.n, form.g];
  const [bn, bg, am, an, ak] = axesOf([...batch, m, n, k]);
  const common = { kind: "matmul", batch, m, n, k, ins: form.ins } as const;
  if (isPointwise(form)) {
    const flatten = (term: Scalar, at: readonly Scalar[], row: number) =>
      flat(term, at, row, height, width, an);
    const b = flatten(form.x, [bn, bg, ak], 3);
    const outs = form.outs.map((out): Out | undefined => {
      const index = flatten({ kind: "load", type: "i32", operand: 0, index: out.index }, [
        bn,
        bg,
        am,
      ], 3);
      const body = flatten(out.body, [bn, bg, am], 3);
      return index?.kind === "load" && body ? { ...out, index: index.index, body } : undefined;
    });
    if (b && outs.every((out) => out !== undefined)) {
      const zero = constant(0);
      return { ...common, a: substitute(form.w, [bg, am, ak, zero, zero]), b, outs };
    }
  }
  const oh = divIndex(an, width), ow = modIndex(an, width);
  const c = divIndex(ak, kh * kw), ky = modIndex(divIndex(ak, kw), kh), kx = modIndex(ak, kw);
  const plain = generic(form);
  if (plain.kind !== "reduce" || plain.body.kind !== "call") {
    throw new TypeError("internal: a convolution is no sum of products");
  }
  const at = [bn, bg, am, oh, ow, c, ky, kx];
  return {
    ...common,
    // Weights lie in the order of k, so their address needs no division.
    a: flatWeights(form, bg, am, ak) ?? substitute(plain.body.args[1], at),
    b: substitute(plain.body.args[0], at),
    outs: form.outs.map((out) => ({
      ...out,
      index: substitute(out.index, at),
      body: substitute(out.body, at),
    })),
  };
}

/** Weights over g, o and one axis of all taps, where they are dense. */
function flatWeights(form: ConvForm, g: Scalar, o: Scalar, k: Scalar): Scalar | undefined {
  const shape = [form.g, form.o, form.c, ...form.kernel];
  const at = form.w.kind === "load" && !form.w.valid ? stridedOf(form.w.index) : undefined;
  const dense = stridedOf(addressOf(axesOf(shape), shape))!;
  if (form.w.kind !== "load" || !at || at.base !== 0) return undefined;
  if ([0, 1, 2, 3, 4].some((i) => at.strides.get(i) !== dense.strides.get(i))) return undefined;
  const taps = form.c * form.kernel[0] * form.kernel[1];
  return { ...form.w, index: addressOf([g, o, k], [form.g, form.o, taps]) };
}

/** A term whose addresses know rows and columns only as positions, with the position in place. */
function flat(
  term: Scalar,
  at: readonly Scalar[],
  row: number,
  height: number,
  width: number,
  position: Scalar,
): Scalar | undefined {
  let plain = true;
  const zero = constant(0);
  const here = [...at, ...(width === 1 ? [position, zero] : [zero, position])];
  const body = mapLeaves(term, (leaf) => {
    if (leaf.kind !== "load") return undefined;
    const strided = leaf.valid ? undefined : stridedOf(leaf.index);
    const [down, across] = [row, row + 1].map((axis) => strided?.strides.get(axis) ?? 0);
    plain &&= strided !== undefined && (height === 1 || width === 1 || down === width * across);
    return { ...leaf, index: substitute(leaf.index, here) };
  });
  const axes = leavesOf(
    mapLeaves(
      term,
      (leaf) => leaf.kind === "load" ? { kind: "acc", type: leaf.type, index: -1 } : undefined,
    ),
  ).axes;
  return plain && axes.length === 0 ? body : undefined;
}

/** The product turned over: rows become columns, and the operands change places. */
export function transposed(form: MatmulForm): MatmulForm {
  const r = form.batch.length;
  const axes = axesOf([...form.batch, form.n, form.m, form.k]);
  const at = [...axes];
  [at[r], at[r + 1]] = [axes[r + 1], axes[r]];
  return {
    ...form,
    m: form.n,
    n: form.m,
    a: substitute(form.b, at),
    b: substitute(form.a, at),
    outs: form.outs.map((out) => ({
      ...out,
      index: substitute(out.index, at),
      body: substitute(out.body, at),
    })),
  };
}
