/**
 * Values put into a tensor: at a slice of it, or at indices along an axis. Of several values for
 * one place the last one stays, so results are the same in every run.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf, type Host, host } from "../core/host.ts";
import { axesOf, constant, plusIndex } from "../core/index.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  denseStrides,
  i32,
  isInteger,
  printType,
  sameShape,
  sizeOf,
  type Type,
} from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField, integer, integers } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { maximum } from "./arithmetic.ts";
import { eq, ge } from "./compare.ts";
import { iota, zeros } from "./create.ts";
import { gather } from "./gather.ts";
import { as, where } from "./select.ts";
import { reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";

/** x with `value` in every step-th element from a begin along each axis. */
export const setSlice: Fn<
  readonly ["x", "value"],
  { begin: readonly number[]; step: readonly number[] }
> = op({
  name: "setSlice",
  doc: "x with `value` in every step-th element from a begin along each axis",
  ins: ["x", "value"],
  attrs: {
    begin: integers("first index of each axis", { from: 0 }),
    step: integers("distance between elements", { from: 1 }),
  },
  infer: ([x, value], { begin, step }) => {
    const fits = value.shape.length === x.shape.length && begin.length === x.shape.length &&
      value.shape.every((n, i) => n === 0 || begin[i] + (n - 1) * step[i] < x.shape[i]);
    if (!fits) {
      throw new ShapeError(
        `Cannot set value: ${printType(value)} in x: ${printType(x)} from [${begin}] in steps of ` +
          `[${step}]: it does not fit`,
      );
    }
    sameDtype("setSlice", x, value);
    return x;
  },
  eval: ([x, value], { begin, step }, [out]) => {
    const data = x.data.slice();
    const strides = denseStrides(x.shape);
    const from = denseStrides(value.shape);
    for (let i = 0; i < value.data.length; i++) {
      let to = 0;
      for (let d = 0; d < begin.length; d++) {
        const c = Math.floor(i / from[d]) % value.shape[d];
        to += (begin[d] + c * step[d]) * strides[d];
      }
      data[to] = value.data[i];
    }
    return [{ dtype: out.dtype, shape: [...out.shape], data }];
  },
  lower: (at, [x, value], { begin, step }) => {
    const coords = axesOf(x.shape);
    let inside: Scalar = s.b(true);
    const from = coords.map((c, i) => {
      const n = value.shape[i];
      if (n === x.shape[i]) return c;
      const raw = plusIndex(c, -begin[i]);
      const own = step[i] === 1 ? raw : s.div(raw, step[i]);
      inside = s.and(inside, s.and(s.ge(raw, 0), s.lt(own, n)));
      if (step[i] !== 1) inside = s.and(inside, s.eq(s.rem(raw, step[i]), 0));
      return own;
    });
    if (sizeOf(value.shape) === 0) return { kind: "map", shape: x.shape, body: at(0, coords) };
    const body = s.select(inside, guarded(at(1, from), inside), at(0, coords));
    return { kind: "map", shape: x.shape, body };
  },
  vjp: ({ ct, ins: [, value], attrs: { begin, step } }) => [
    setSlice(ct, zeros(value.shape, ct.dtype), { begin, step }),
    sliceFn(ct, { begin, size: value.shape, step }),
  ],
  simplify: (out) => {
    const [x, value] = out.node.ins;
    return sizeOf(value.shape) === 0 ? x : sameShape(value.shape, x.shape) ? value : undefined;
  },
  cases: [
    {
      ins: [between(-1, 1, [5, 4]), between(-1, 1, [2, 3])],
      attrs: { begin: [1, 0], step: [2, 1] },
    },
    { ins: [between(-9, 9, i32([6])), between(-9, 9, i32([2]))], attrs: { begin: [1], step: [3] } },
  ],
});

function sameDtype(name: string, x: Type, value: Type): void {
  if (x.dtype === value.dtype) return;
  throw new DTypeError(
    `Cannot apply ${name} to x: ${printType(x)} and value: ${
      printType(value)
    }: the dtypes differ\n` +
      "  try cast on one of them",
  );
}

/** Number of the last index that names each place from 0 to `size`; -1 where none does. */
export const lastHit: Fn<readonly ["indices"], { size: number }> = op({
  name: "lastHit",
  doc: "Number of the last index that names each place from 0 to `size`; -1 where none does",
  ins: ["indices"],
  attrs: { size: integer("places", { from: 0 }) },
  infer: ([indices], { size }) => {
    if (indices.shape.length !== 1 || !isInteger(indices.dtype)) {
      throw new ShapeError(
        `Cannot look for places in indices: ${
          printType(indices)
        }: they must be a vector of integers`,
      );
    }
    return i32([size]);
  },
  eval: ([indices], { size }, [out]) => {
    const data = arrayOf("i32", size).fill(-1 as never) as Int32Array;
    indices.data.forEach((place, k) => {
      if (place >= 0 && place < size) data[Number(place)] = k;
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [indices], { size }) => {
    const [place] = axesOf([size]);
    const [k] = axesOf(indices.shape, 1);
    const body = s.select(s.eq(s.toI32(at(0, [k])), place), k, constant(-1));
    if (sizeOf(indices.shape) === 0) return { kind: "map", shape: [size], body: constant(-1) };
    return { kind: "reduce", shape: [size], over: indices.shape, combine: "max", body };
  },
  vjp: () => [undefined],
  cases: [
    { ins: [vector(2, 0, 2, -1, 7, 1)], attrs: { size: 4 } },
    { ins: [between(0, 9, i32([30]))], attrs: { size: 9 } },
  ],
});

function vector(...list: readonly number[]): Host {
  return host(i32([list.length]), Int32Array.from(list));
}

/**
 * x with `updates` at `indices` along one axis. An index outside names no place; of several
 * updates for one place the last one stays.
 */
export const scatterSet: Fn<
  readonly ["x", "updates", "indices"],
  { axis?: number }
> = op({
  name: "scatterSet",
  doc: "x with `updates` at `indices` along one axis",
  ins: ["x", "updates", "indices"],
  attrs: { axis: axisField(0) },
  infer: ([x, updates, indices], { axis }) => {
    const want = x.shape.with(axis, sizeOf(indices.shape));
    if (indices.shape.length !== 1 || !sameShape(updates.shape, want)) {
      throw new ShapeError(
        `Cannot set updates: ${printType(updates)} in x: ${printType(x)} at indices: ` +
          `${printType(indices)}: the indices must be a vector and the updates [${want}]`,
      );
    }
    if (!isInteger(indices.dtype)) {
      throw new DTypeError(
        `Cannot set by indices: ${printType(indices)}: they must be integers\n` +
          `  try cast(indices, { dtype: "i32" })`,
      );
    }
    sameDtype("scatterSet", x, updates);
    return x;
  },
  compose: ([x, updates, indices], { axis }) => {
    if (sizeOf(updates.shape) === 0) return x;
    const latest = lastHit(indices, { size: x.shape[axis] });
    const values = gather(updates, maximum(latest, 0), { axis });
    return where(along(ge(latest, 0), axis, x), values, x);
  },
  vjp: ({ ct, ins: [x, updates, indices], attrs: { axis } }) => {
    if (sizeOf(updates.shape) === 0) return [ct, undefined, undefined];
    const size = x.shape[axis];
    const latest = lastHit(indices, { size });
    const own = iota({ shape: [updates.shape[axis]] });
    const places = as(indices, "i32");
    const stays = eq(gather(latest, places), own);
    return [
      where(along(ge(latest, 0), axis, x), 0, ct),
      where(along(stays, axis, updates), gather(ct, places, { axis }), 0),
      undefined,
    ];
  },
  cases: [
    {
      ins: [between(-1, 1, [4, 3]), between(-1, 1, [5, 3]), vector(2, 0, 2, 3, 0)],
    },
    {
      ins: [between(-9, 9, i32([2, 4])), between(-9, 9, i32([2, 3])), vector(1, -1, 4)],
      attrs: { axis: 1 },
    },
  ],
});

/** A vector along an axis of another tensor. */
function along(t: Tensor, axis: number, like: Type): Tensor {
  return reshape(t, { shape: like.shape.map((_, i) => i === axis ? t.shape[0] : 1) });
}
