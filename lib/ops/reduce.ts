/**
 * Reductions along axes. `keep` leaves reduced axes with extent 1; without axes everything is
 * reduced, to shape `[]`.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import type { Combine } from "../core/form.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import type { Attrs, Case, Draft, VjpArgs, Wire } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { denseStrides, i32, isFloat, printType, sizeOf, type Type, u8 } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axes, flag } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { div, mul } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { as, where } from "./select.ts";
import { iota } from "./create.ts";
import { broadcastTo, inverse, reshape, transpose } from "./shape.ts";
import { argmax } from "./argmax.ts";

/** What the reductions take besides the tensor. */
export interface Along {
  /** Axes to reduce, negative from the end; all by default. */
  readonly axis?: number | readonly number[];
  /** Leave reduced axes with extent 1. */
  readonly keep?: boolean;
}

/** A reduction along axes. */
export type Reduction = Fn<readonly ["x"], Along>;

interface Reducing {
  readonly name: string;
  readonly doc: string;
  readonly combine: Combine;
  /** What is done to each element first. */
  readonly each?: (x: Scalar) => Scalar;
  /** What is done to the result, given the number of elements. */
  readonly after?: (acc: Scalar, count: number) => Scalar;
  readonly floats?: boolean;
  readonly vjp: (args: VjpArgs) => readonly (Tensor | undefined)[];
  readonly wire?: Wire;
  readonly cases: readonly Case[];
}

/** The shape that is left after reducing axes. */
export function reducedShape(
  shape: readonly number[],
  along: readonly number[],
  keep: boolean,
): number[] {
  return shape.flatMap((extent, i) => along.includes(i) ? (keep ? [1] : []) : [extent]);
}

function reduction(d: Reducing): Reduction {
  const { combine, each = (x: Scalar) => x, after, floats, ...rest } = d;
  return op({
    ...rest,
    ins: ["x"],
    attrs: { axis: axes(), keep: flag("leave reduced axes with extent 1") },
    infer: ([x], { axis, keep }) => {
      const count = axis.reduce((n: number, a: number) => n * x.shape[a], 1);
      if (count === 0 && (combine === "max" || combine === "min")) {
        throw new ShapeError(
          `Cannot take ${d.name} of x: ${printType(x)}: the axes ${axis} hold no element`,
        );
      }
      const dtype = floats && !isFloat(x.dtype) || x.dtype === "bool" ? "f32" : x.dtype;
      return { dtype, shape: reducedShape(x.shape, axis, keep) };
    },
    eval: ([x], attrs, [out]) => [reduceHost(x, attrs, out, { combine, each, after })],
    lower: (at, [x], { axis, keep }): Draft => {
      const outer = x.shape.filter((_, i) => !axis.includes(i));
      const over = axis.map((a: number) => x.shape[a]);
      const kept = axesOf(outer);
      const inner = axesOf(over, outer.length);
      let o = 0, i = 0;
      const coords = x.shape.map((_, a) => axis.includes(a) ? inner[i++] : kept[o++]);
      const value = at(0, coords);
      const body = each(value.type === "bool" || floats ? s.toF32(value) : value);
      o = 0;
      const result = x.shape.flatMap((_, a) =>
        axis.includes(a) ? (keep ? [s.i(0)] : []) : [kept[o++]]
      );
      const acc = s.acc(0, body.type === "f32" ? "f32" : "i32");
      const count = sizeOf(over);
      return {
        kind: "reduce",
        shape: outer,
        over,
        combine,
        body,
        coords: result,
        ...(after ? { out: after(acc, count) } : {}),
      };
    },
  });
}

/** Sums are kept in double precision here, so the reference is the more exact one. */
function reduceHost(
  x: Host,
  attrs: Attrs,
  out: Type,
  how: Pick<Reducing, "combine" | "after" | "each">,
): Host {
  const axis: readonly number[] = attrs.axis;
  const strides = denseStrides(x.shape);
  const kept = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const data = arrayOf(out.dtype, sizeOf(out.shape));
  const offsets = offsetsOf(axis.map((a) => x.shape[a]), axis.map((a) => strides[a]));
  const bases = offsetsOf(kept.map((a) => x.shape[a]), kept.map((a) => strides[a]));
  const float = out.dtype === "f32" || out.dtype === "f16";
  const finish = finisher(how, float, offsets.length);
  for (let o = 0; o < bases.length; o++) {
    data[o] = finish((i) => Number(x.data[bases[o] + offsets[i]]));
  }
  return { ...out, shape: [...out.shape], data };
}

function finisher(
  how: Pick<Reducing, "combine" | "after" | "each">,
  float: boolean,
  count: number,
): (read: (i: number) => number) => number {
  const square = how.each !== undefined && how.combine === "sum" &&
    how.each(s.arg(0, "f32")).kind === "call";
  const scale = how.after ? 1 / count : 1;
  return (read) => {
    let acc = how.combine === "sum"
      ? 0
      : how.combine === "prod"
      ? 1
      : how.combine === "max"
      ? -Infinity
      : Infinity;
    for (let i = 0; i < count; i++) {
      const x = read(i);
      if (how.combine === "sum") acc += square ? (float ? x * x : Math.imul(x, x)) : x;
      else if (how.combine === "prod") acc = float ? acc * x : Math.imul(acc, x);
      else if (how.combine === "max") acc = Math.max(acc, x);
      else acc = Math.min(acc, x);
    }
    if (how.after) return float && count > 0 ? acc / count : acc * scale;
    return float ? acc : acc | 0;
  };
}

/** All sums of coordinates times strides, last axis fastest. */
export function offsetsOf(shape: readonly number[], strides: readonly number[]): Int32Array {
  let out = new Int32Array([0]);
  for (let d = 0; d < shape.length; d++) {
    const next = new Int32Array(out.length * shape[d]);
    for (let i = 0; i < out.length; i++) {
      for (let j = 0; j < shape[d]; j++) next[i * shape[d] + j] = out[i] + j * strides[d];
    }
    out = next;
  }
  return out;
}

/** A reduced tensor seen along the axes that were reduced: extents 1 put back. */
function spread(t: Tensor, x: Tensor, attrs: Attrs): Tensor {
  return reshape(t, { shape: reducedShape(x.shape, attrs.axis, true) });
}

/** Sum of the elements along axes; integers wrap. */
export const sum: Reduction = reduction({
  name: "sum",
  doc: "Sum of the elements along axes; integers wrap",
  combine: "sum",
  vjp: ({ ct, ins: [x], attrs }) => [broadcastTo(spread(ct, x, attrs), { shape: x.shape })],
  cases: [
    { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: 1 } },
    { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: [0, 2], keep: true } },
    { ins: [between(-1, 1, [37])] },
    { ins: [between(0, 255, u8([3, 7]))], attrs: { axis: 0 } },
    { ins: [between(-9, 9, i32([3, 7]))], attrs: { axis: -1 } },
  ],
});

/** Mean of the elements along axes; integers are averaged as f32. */
export const mean: Reduction = reduction({
  name: "mean",
  doc: "Mean of the elements along axes; integers are averaged as f32",
  combine: "sum",
  floats: true,
  after: (acc, count) => s.mul(acc, s.f(1 / count)),
  vjp: ({ ct, ins: [x], out, attrs }) => {
    if (!isFloat(x.dtype)) return [undefined];
    const count = sizeOf(x.shape) / Math.max(1, sizeOf(out.shape));
    return [broadcastTo(spread(div(ct, count), x, attrs), { shape: x.shape })];
  },
  cases: [
    { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: [1, 2] } },
    { ins: [between(-9, 9, i32([3, 7]))], attrs: { axis: -1, keep: true } },
  ],
});

/** Largest element along axes; NaN if any is; of equal ones the first takes the gradient. */
export const max: Reduction = reduction({
  name: "max",
  doc: "Largest element along axes; NaN if any is; of equal ones the first takes the gradient",
  combine: "max",
  vjp: (args) => [firstOf(args)],
  cases: [
    { ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: 1 } },
    { ins: [between(-9, 9, i32([3, 7]))], attrs: { axis: -1, keep: true } },
  ],
});

/** Smallest element along axes; NaN if any is; of equal ones the first takes the gradient. */
export const min: Reduction = reduction({
  name: "min",
  doc: "Smallest element along axes; NaN if any is; of equal ones the first takes the gradient",
  combine: "min",
  vjp: (args) => [firstOf(args)],
  cases: [{ ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: [0, 1] } }],
});

/** The cotangent where the reduction found its element first, zero elsewhere. */
function firstOf({ ct, ins: [x], out, attrs }: VjpArgs): Tensor {
  const axis: readonly number[] = attrs.axis;
  const kept = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const order = [...kept, ...axis];
  const lead = kept.map((a) => x.shape[a]);
  const hit = transpose(as(eq(x, spread(out, x, attrs)), "i32"), { perm: order });
  const rows = reshape(hit, { shape: [...lead, sizeOf(axis.map((a) => x.shape[a]))] });
  const places = iota({ shape: rows.shape, axis: lead.length });
  const here = eq(argmax(rows, { axis: -1, keep: true }), places);
  const shaped = reshape(here, { shape: order.map((a) => x.shape[a]) });
  return where(transpose(shaped, { perm: inverse(order) }), spread(ct, x, attrs), 0);
}

/** Product of the elements along axes. */
export const prod: Reduction = reduction({
  name: "prod",
  doc: "Product of the elements along axes",
  combine: "prod",
  vjp: ({ ct, ins: [x], out, attrs }) => [
    div(mul(spread(ct, x, attrs), spread(out, x, attrs)), x),
  ],
  cases: [{ ins: [between(0.5, 1.5, [3, 4, 5])], attrs: { axis: 1 } }],
});

/** Sum of the squares along axes. */
export const sumSquares: Reduction = reduction({
  name: "sumSquares",
  doc: "Sum of the squares along axes",
  combine: "sum",
  each: (x) => s.mul(x, x),
  vjp: ({ ct, ins: [x], attrs }) => [mul(mul(spread(ct, x, attrs), x), 2)],
  cases: [{ ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: 1 } }],
});
