/**
 * Tensors made from nothing: constants, ranges, identity matrices.
 * @module
 */
import { arrayOf } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import { literal } from "../core/leaf.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { denseStrides, type DType, isFloat, sizeOf } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { dtype, integer, number, shape as shapeField } from "../op/field.ts";
import { eq } from "./compare.ts";
import { as } from "./select.ts";
import { broadcastTo } from "./shape.ts";

/** The coordinate along one axis, times a step, plus a start, at every element of a shape. */
export const iota: Fn<
  readonly [],
  { shape: readonly number[]; axis?: number; dtype?: DType; start?: number; step?: number }
> = op({
  name: "iota",
  doc: "The coordinate along one axis, times a step, plus a start, at every element of a shape",
  ins: [],
  attrs: {
    shape: shapeField(),
    axis: integer("axis that is counted", { from: 0, fallback: 0 }),
    dtype: dtype("i32"),
    start: number("value of the first element", 0),
    step: number("distance between elements", 1),
  },
  infer: (_, { shape, dtype }) => ({ dtype, shape }),
  eval: (_, { shape, axis, start, step }, [out]) => {
    const data = arrayOf(out.dtype, sizeOf(shape));
    const stride = denseStrides(shape)[axis] ?? 1;
    const extent = shape[axis] ?? 1;
    for (let i = 0; i < data.length; i++) {
      const c = Math.floor(i / stride) % extent;
      data[i] = isFloat(out.dtype) ? start + Math.fround(c * step) : start + c * step;
    }
    return [{ dtype: out.dtype, shape: [...shape], data }];
  },
  lower: (_, __, { shape, axis, start, step }, [out]) => {
    const c: Scalar = axesOf(shape)[axis] ?? s.i(0);
    const body = isFloat(out.dtype)
      ? s.add(s.mul(s.toF32(c), s.f(step)), s.f(start))
      : s.add(s.mul(c, s.i(step)), s.i(start));
    return { kind: "map", shape, body };
  },
  cases: [
    { ins: [], attrs: { shape: [3, 4], axis: 1 } },
    { ins: [], attrs: { shape: [5], dtype: "f32", start: 1, step: 0.5 } },
  ],
});

/** One value everywhere. */
export function full(shape: readonly number[], value: number, dtype: DType = "f32"): Tensor {
  return broadcastTo(literal(value, dtype), { shape });
}

/** Zeros. */
export function zeros(shape: readonly number[], dtype: DType = "f32"): Tensor {
  return full(shape, 0, dtype);
}

/** Ones. */
export function ones(shape: readonly number[], dtype: DType = "f32"): Tensor {
  return full(shape, 1, dtype);
}

/** Numbers from `start` up to but not including `stop`; i32 unless a dtype is given. */
export function arange(
  start: number,
  stop?: number,
  options: { readonly step?: number; readonly dtype?: DType } = {},
): Tensor {
  const { step = 1, dtype = "i32" } = options;
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const n = Math.max(0, Math.ceil((to - from) / step));
  return iota({ shape: [n], start: from, step, dtype });
}

/** Ones on the k-th diagonal of n rows and m columns (n by default), else zeros; k > 0 is above. */
export function eye(
  n: number,
  m: number = n,
  options: { readonly k?: number; readonly dtype?: DType } = {},
): Tensor {
  const { k = 0, dtype = "f32" } = options;
  const row = iota({ shape: [n, 1], start: k });
  return as(eq(row, iota({ shape: [m] })), dtype);
}

/** `count` numbers (f32) from `start` to `stop`, evenly apart, both included. */
export function linspace(start: number, stop: number, count: number): Tensor {
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  return iota({ shape: [count], start, step, dtype: "f32" });
}
