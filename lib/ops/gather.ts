/**
 * Elements picked by index. An index below zero counts from the end; one that is still outside is
 * moved to the nearest end, here as on every device. The gradients sum what was picked more than
 * once in a fixed order, so they are the same in every run.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { arrayOf, type Host, host } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import { lit, s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  type DType,
  i32,
  isInteger,
  printType,
  sameShape,
  sizeOf,
  type Type,
} from "../core/type.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis, integer } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";
import { add, maximum, minimum } from "./arithmetic.ts";
import { eq, lt } from "./compare.ts";
import { iota } from "./create.ts";
import { as, where } from "./select.ts";
import { expandDims } from "./shape.ts";

/** An index along an axis of some extent, made to lie inside. */
function inside(index: Scalar, extent: number): Scalar {
  const i = s.toI32(index);
  return s.min(s.max(s.select(s.lt(i, 0), s.add(i, extent), i), 0), extent - 1);
}

function insideNow(index: number, extent: number): number {
  return Math.min(extent - 1, Math.max(0, index < 0 ? index + extent : index));
}

function check(name: string, x: Type, indices: Type, extent: number): void {
  if (!isInteger(indices.dtype)) {
    throw new DTypeError(
      `Cannot ${name} by indices: ${printType(indices)}: they must be integers\n` +
        `  try cast(indices, { dtype: "i32" })`,
    );
  }
  if (extent === 0 && sizeOf(indices.shape) > 0) {
    throw new ShapeError(`Cannot ${name} from x: ${printType(x)}: the axis holds no element`);
  }
}

/** Extents before, along and behind an axis, as three numbers. */
function around(shape: readonly number[], axis: number): [number, number, number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
}

/** Elements of x at `indices` along one axis, which the axes of `indices` replace. */
export const gather: Fn<readonly ["x", "indices"], { axis?: number }> = op({
  name: "gather",
  doc: "Elements of x at `indices` along one axis, which the axes of `indices` replace",
  ins: ["x", "indices"],
  attrs: { axis: axis(0) },
  infer: ([x, indices], { axis }) => {
    check("gather", x, indices, x.shape[axis]);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return { dtype: x.dtype, shape };
  },
  eval: ([x, indices], { axis }, [out]) => {
    const [before, extent, behind] = around(x.shape, axis);
    const n = indices.data.length;
    const data = arrayOf(out.dtype, sizeOf(out.shape));
    for (let b = 0; b < before; b++) {
      for (let k = 0; k < n; k++) {
        const from = (b * extent + insideNow(indices.data[k], extent)) * behind;
        data.set(x.data.subarray(from, from + behind), (b * n + k) * behind);
      }
    }
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [x, indices], { axis }, [out]) => {
    const coords = axesOf(out.shape);
    const behind = axis + indices.shape.length;
    const index = inside(at(1, coords.slice(axis, behind)), x.shape[axis]);
    const body = at(0, [...coords.slice(0, axis), index, ...coords.slice(behind)]);
    return { kind: "map", shape: out.shape, body };
  },
  vjp: ({ ct, ins: [x, indices], attrs: { axis } }) => [
    scatterAdd(ct, indices, { axis, size: x.shape[axis] }),
    undefined,
  ],
  cases: [
    { ins: [between(-1, 1, [5, 3]), between(-5, 4, i32([2, 3]))] },
    { ins: [between(-1, 1, [2, 4, 3]), between(0, 3, i32([6]))], attrs: { axis: 1 } },
    { ins: [between(-1, 1, [2, 4]), host(i32(), new Int32Array([-9]))], attrs: { axis: -1 } },
  ],
});

/** Zeros with `updates` added at `indices` along one axis of extent `size`; undoes a gather. */
export const scatterAdd: Fn<
  readonly ["updates", "indices"],
  { axis: number; size: number }
> = op({
  name: "scatterAdd",
  doc: "Zeros with `updates` added at `indices` along one axis of extent `size`; undoes a gather",
  ins: ["updates", "indices"],
  attrs: {
    axis: integer("first of the axes that `indices` has in updates", { from: 0 }),
    size: integer("extent of the axis", { from: 0 }),
  },
  infer: ([u, indices], { axis, size }) => {
    needNumbers("scatterAdd", [u]);
    const behind = axis + indices.shape.length;
    if (!sameShape(u.shape.slice(axis, behind), indices.shape)) {
      throw new ShapeError(
        `Cannot add updates: ${printType(u)} at indices: ${printType(indices)}: the axes of ` +
          `updates from ${axis} on must be [${indices.shape}]`,
      );
    }
    const shape = [...u.shape.slice(0, axis), size, ...u.shape.slice(behind)];
    check("scatterAdd", { dtype: u.dtype, shape }, indices, size);
    return { dtype: u.dtype, shape };
  },
  eval: ([u, indices], { axis, size }, [out]) => {
    const [before, , behind] = around(out.shape, axis);
    const n = indices.data.length;
    return summed(out, (sums) => {
      for (let b = 0; b < before; b++) {
        for (let k = 0; k < n; k++) {
          const to = (b * size + insideNow(indices.data[k], size)) * behind;
          for (let c = 0; c < behind; c++) sums[to + c] += u.data[(b * n + k) * behind + c];
        }
      }
    });
  },
  lower: (at, [, indices], { axis, size }, [out]) => {
    const coords = axesOf(out.shape);
    const over = axesOf(indices.shape, out.shape.length);
    const hit = s.eq(inside(at(1, over), size), coords[axis]);
    const value = at(0, [...coords.slice(0, axis), ...over, ...coords.slice(axis + 1)]);
    const body = s.select(hit, value, lit(value.type, 0));
    return { kind: "reduce", shape: out.shape, over: indices.shape, combine: "sum", body };
  },
  vjp: ({ ct, ins: [, indices], attrs: { axis } }) => [gather(ct, indices, { axis }), undefined],
  cases: [
    { ins: [between(-1, 1, [2, 3, 4]), between(0, 4, i32([2, 3]))], attrs: { axis: 0, size: 5 } },
    { ins: [between(-1, 1, [2, 6]), between(-3, 2, i32([6]))], attrs: { axis: 1, size: 3 } },
  ],
});

function alike(name: string, x: Type, indices: Type, axis: number): void {
  const fits = x.shape.length === indices.shape.length &&
    x.shape.every((e, i) => i === axis || e === indices.shape[i]);
  if (!fits) {
    throw new ShapeError(
      `Cannot ${name} x: ${printType(x)} by indices: ${printType(indices)}: their shapes must ` +
        `agree but along axis ${axis}\n  try gather, or expandDims on the indices`,
    );
  }
}

/** Elements of x along one axis, at the index that each place of the result holds. */
export const takeAlongAxis: Fn<readonly ["x", "indices"], { axis?: number }> = op({
  name: "takeAlongAxis",
  doc: "Elements of x along one axis, at the index that each place of the result holds",
  ins: ["x", "indices"],
  attrs: { axis: axis(-1) },
  infer: ([x, indices], { axis }) => {
    alike("takeAlongAxis", x, indices, axis);
    check("takeAlongAxis", x, indices, x.shape[axis]);
    return { dtype: x.dtype, shape: indices.shape };
  },
  eval: ([x, indices], { axis }, [out]) => {
    const data = arrayOf(out.dtype, sizeOf(out.shape));
    eachAlong(x.shape, indices, axis, (from, k) => data[k] = x.data[from]);
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [x], { axis }, [out]) => {
    const coords = axesOf(out.shape);
    const index = inside(at(1, coords), x.shape[axis]);
    return { kind: "map", shape: out.shape, body: at(0, coords.with(axis, index)) };
  },
  vjp: ({ ct, ins: [x, indices], attrs: { axis } }) => [
    putAlongAxis(ct, indices, { axis, size: x.shape[axis] }),
    undefined,
  ],
  cases: [
    { ins: [between(-1, 1, [3, 4]), between(-4, 3, i32([3, 2]))] },
    { ins: [between(-1, 1, [3, 4, 2]), between(0, 2, i32([1, 4, 2]))], attrs: { axis: 0 } },
  ],
});

/** Zeros with each update added at the index that its place holds; undoes takeAlongAxis. */
export const putAlongAxis: Fn<
  readonly ["updates", "indices"],
  { axis?: number; size: number }
> = op({
  name: "putAlongAxis",
  doc: "Zeros with each update added at the index that its place holds; undoes takeAlongAxis",
  ins: ["updates", "indices"],
  attrs: { axis: axis(-1), size: integer("extent of the axis", { from: 0 }) },
  infer: ([u, indices], { axis, size }) => {
    needNumbers("putAlongAxis", [u]);
    alike("putAlongAxis", u, indices, -1);
    const shape = u.shape.with(axis, size);
    check("putAlongAxis", { dtype: u.dtype, shape }, indices, size);
    return { dtype: u.dtype, shape };
  },
  eval: ([u, indices], { axis }, [out]) =>
    summed(out, (sums) => {
      eachAlong(out.shape, indices, axis, (to, k) => sums[to] += u.data[k]);
    }),
  lower: (at, [u], { axis, size }, [out]) => {
    const coords = axesOf(out.shape);
    const [k] = axesOf([u.shape[axis]], out.shape.length);
    const own = coords.with(axis, k);
    const value = at(0, own);
    const hit = s.eq(inside(at(1, own), size), coords[axis]);
    const body = s.select(hit, value, lit(value.type, 0));
    return { kind: "reduce", shape: out.shape, over: [u.shape[axis]], combine: "sum", body };
  },
  vjp: ({ ct, ins: [, indices], attrs: { axis } }) => [
    takeAlongAxis(ct, indices, { axis }),
    undefined,
  ],
  cases: [
    { ins: [between(-1, 1, [3, 2]), between(-4, 3, i32([3, 2]))], attrs: { size: 4 } },
  ],
});

/** Calls `visit` with the address that each index means in a tensor of `shape`, and its own. */
function eachAlong(
  shape: readonly number[],
  indices: Host,
  axis: number,
  visit: (address: number, own: number) => void,
): void {
  const [before, count, behind] = around(indices.shape, axis);
  const extent = shape[axis];
  for (let b = 0, k = 0; b < before; b++) {
    for (let j = 0; j < count; j++) {
      for (let c = 0; c < behind; c++, k++) {
        visit((b * extent + insideNow(indices.data[k], extent)) * behind + c, k);
      }
    }
  }
}

/**
 * x with `value` where the coordinate along one axis equals the index; both have extent 1 there.
 */
export const setOneHot: Fn<readonly ["x", "indices", "value"], { axis?: number }> = op({
  name: "setOneHot",
  doc:
    "x with `value` where the coordinate along one axis equals the index; both have extent 1 there",
  ins: ["x", "indices", "value"],
  attrs: { axis: axis(-1) },
  infer: ([x, indices, value], { axis }) => {
    alike("setOneHot", x, indices, axis);
    check("setOneHot", x, indices, x.shape[axis]);
    if (!sameShape(value.shape, indices.shape) || indices.shape[axis] !== 1) {
      throw new ShapeError(
        `Cannot set value: ${printType(value)} in x: ${printType(x)} at indices: ` +
          `${printType(indices)}: value and indices need extent 1 along axis ${axis}`,
      );
    }
    return x;
  },
  compose: ([x, indices, value], { axis }) => {
    const extent = x.shape[axis];
    const i = as(indices, "i32");
    const place = minimum(maximum(where(lt(i, 0), add(i, extent), i), 0), extent - 1);
    return where(eq(iota({ shape: x.shape, axis }), place), value, x);
  },
  cases: [
    {
      ins: [between(-1, 1, [3, 4]), between(-4, 3, i32([3, 1])), between(-1, 1, [3, 1])],
    },
  ],
});

/** One where the coordinate along a new last axis of extent `depth` equals the index, else zero. */
export function oneHot(
  indices: Tensor,
  depth: number,
  options: { readonly dtype?: DType } = {},
): Tensor {
  const places = iota({ shape: [depth], dtype: indices.dtype });
  return as(eq(expandDims(indices, { axis: -1 }), places), options.dtype ?? "i32");
}

/** Rows of a table [n, …] at integer indices: their shape, then that of a row. */
export function embedding(table: Tensor, indices: Tensor): Tensor {
  return gather(table, indices, { axis: 0 });
}
