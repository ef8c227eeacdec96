/**
 * Reductions along axes. `keep` leaves reduced axes with extent 1; without axes everything is
 * reduced, to shape `[]`.
 * @module
 */
import { stored } from "../core/draft.ts";
import { ShapeError } from "../core/fault.ts";
import type { Combine } from "../core/form.ts";
import { arrayOf, type Host, host } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import type { Attrs, Case, Draft, VjpArgs, Wire } from "../core/op.ts";
import { kindOf, s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  bool,
  denseStrides,
  type DType,
  f32,
  i32,
  isFloat,
  printType,
  sizeOf,
  type Type,
  u8,
} from "../core/type.ts";
import { accumulator } from "../cpu/form.ts";
import { compile, environment } from "../cpu/scalar.ts";
import { type Fn, op } from "../op/declare.ts";
import { axes, flag } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { div, mul } from "./arithmetic.ts";
import { broadcastTo, reshape } from "./shape.ts";
import { firstOf, productOfOthers } from "./reduce_gradient.ts";

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
  /** What is done to each element first; left out, truth becomes a number. */
  readonly each?: (x: Scalar) => Scalar;
  /** What is done to the result, given the number of elements. */
  readonly after?: (acc: Scalar, count: number) => Scalar;
  /** Dtype of the result, given that of the elements; left out, the same, and f32 for truth. */
  readonly gives?: (dtype: DType) => DType;
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

function counted(x: Scalar): Scalar {
  return x.type === "bool" ? s.toF32(x) : x;
}

function reduction(d: Reducing): Reduction {
  const { combine, each = counted, after, gives = kept, ...rest } = d;
  return op({
    ...rest,
    ins: ["x"],
    attrs: { axis: axes(), keep: flag("leave reduced axes with extent 1") },
    infer: ([x], { axis, keep }) => {
      const count = axis.reduce((n: number, a: number) => n * x.shape[a], 1);
      if (count === 0 && (d.name === "max" || d.name === "min")) {
        throw new ShapeError(
          `Cannot take ${d.name} of x: ${printType(x)}: the axes ${axis} hold no element`,
        );
      }
      return { dtype: gives(x.dtype), shape: reducedShape(x.shape, axis, keep) };
    },
    eval: ([x], { axis }, [out]) => [reduceHost(x, axis, out, { combine, each, after })],
    lower: (at, [x], { axis, keep }): Draft => {
      const outer = x.shape.filter((_, i) => !axis.includes(i));
      const over = axis.map((a: number) => x.shape[a]);
      const rest = axesOf(outer);
      const inner = axesOf(over, outer.length);
      let o = 0, i = 0;
      const coords = x.shape.map((_, a) => axis.includes(a) ? inner[i++] : rest[o++]);
      const body = each(at(0, coords));
      o = 0;
      const result = x.shape.flatMap((_, a) =>
        axis.includes(a) ? (keep ? [s.i(0)] : []) : [rest[o++]]
      );
      const acc = s.acc(0, body.type === "f32" ? "f32" : "i32");
      return {
        ...{ kind: "reduce", shape: outer, over, combine, body, coords: result },
        ...(after ? { out: after(acc, sizeOf(over)) } : {}),
      };
    },
  });
}

function kept(dtype: DType): DType {
  return dtype === "bool" ? "f32" : dtype;
}

/** Floats are combined in double precision here, so the reference is the more exact one. */
function reduceHost(
  x: Host,
  axis: readonly number[],
  out: Type,
  how: Required<Pick<Reducing, "combine" | "each">> & Pick<Reducing, "after">,
): Host {
  const strides = denseStrides(x.shape);
  const rest = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const offsets = offsetsOf(axis.map((a) => x.shape[a]), axis.map((a) => strides[a]));
  const bases = offsetsOf(rest.map((a) => x.shape[a]), rest.map((a) => strides[a]));
  const data = arrayOf(out.dtype, sizeOf(out.shape));
  const element = how.each(s.arg(0, kindOf(x.dtype)));
  const kind = element.type === "f32" ? "f32" : "i32";
  const acc = s.acc(0, kind);
  const read = compile(element);
  const finish = compile(stored(how.after ? how.after(acc, offsets.length) : acc, out));
  const env = environment();
  let at = 0;
  for (let o = 0; o < bases.length; o++) {
    const step = accumulator(how.combine, kind, () => {
      env.args[0] = Number(x.data[at]);
      return read(env);
    });
    for (let i = 0; i < offsets.length; i++) {
      at = bases[o] + offsets[i];
      step.next();
    }
    env.accs[0] = step.value();
    data[o] = finish(env);
  }
  return { ...out, shape: [...out.shape], data };
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
export function spread(t: Tensor, x: Tensor, attrs: Attrs): Tensor {
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
  each: s.toF32,
  gives: (dtype) => dtype === "f16" ? "f16" : "f32",
  after: (acc, count) => s.div(acc, s.f(count)),
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

/** Product of the elements along axes. */
export const prod: Reduction = reduction({
  name: "prod",
  doc: "Product of the elements along axes",
  combine: "prod",
  vjp: ({ ct, ins: [x], attrs }) => [mul(spread(ct, x, attrs), productOfOthers(x, attrs.axis))],
  cases: [
    { ins: [between(0.5, 1.5, [3, 4, 5])], attrs: { axis: 1 } },
    { ins: [host(f32([2, 3]), new Float32Array([0, 2, 3, 0, 0, 5]))], attrs: { axis: 1 } },
  ],
});

/** Sum of the squares along axes. */
export const sumSquares: Reduction = reduction({
  name: "sumSquares",
  doc: "Sum of the squares along axes",
  combine: "sum",
  each: (x) => s.mul(counted(x), counted(x)),
  vjp: ({ ct, ins: [x], attrs }) => [mul(mul(spread(ct, x, attrs), x), 2)],
  cases: [{ ins: [between(-1, 1, [3, 4, 5])], attrs: { axis: 1 } }],
});

/** True where all elements along axes are other than zero. */
export const all: Reduction = reduction({
  ...truth("all", "True where all elements along axes are other than zero"),
  combine: "min",
});

/** True where any element along axes is other than zero. */
export const any: Reduction = reduction({
  ...truth("any", "True where any element along axes is other than zero"),
  combine: "max",
});

/** Truth is reduced as 0 and 1, between which min and max are `and` and `or`. */
function truth(name: string, doc: string): Omit<Reducing, "combine"> {
  return {
    ...{ name, doc },
    each: (x) => s.toI32(s.toBool(x)),
    after: (acc) => s.gt(acc, 0),
    gives: () => "bool",
    vjp: () => [undefined],
    cases: [
      { ins: [between(0, 2, bool([3, 4, 5]))], attrs: { axis: 1 } },
      { ins: [between(0, 2, i32([3, 2]))], attrs: { axis: -1, keep: true } },
    ],
  };
}
