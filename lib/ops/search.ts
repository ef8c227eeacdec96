/**
 * Finding places by bisection, and what follows from it: the elements that a mask chooses, packed
 * together. How many there are is only known when the values are, so the shape states how many
 * there is room for, and the count comes as a tensor.
 * @module
 */
import { DTypeError, OptionError, ShapeError } from "../core/fault.ts";
import { arrayOf, type Host, host, isHost } from "../core/host.ts";
import { axesOf, plusIndex } from "../core/index.ts";
import { constant as leaf } from "../core/leaf.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { f32, i32, printType, sameShape, sizeOf, type Type } from "../core/type.ts";
import { guarded } from "../core/form.ts";
import { constant } from "../core/index.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField, choice } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { lt } from "./compare.ts";
import { iota } from "./create.ts";
import { gather } from "./gather.ts";
import { stack } from "./join.ts";
import { floorDiv } from "./math.ts";
import { eachLine, linesOf } from "./scan.ts";
import { cumsum } from "./scan.ts";
import { as, where } from "./select.ts";
import { mul, sub } from "./arithmetic.ts";
import { reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";

/** How many elements of a sorted line come before each value: where it would be put in. */
export const searchSorted: Fn<
  readonly ["sorted", "values"],
  { axis?: number; side?: "left" | "right" }
> = op({
  name: "searchSorted",
  doc: "How many elements of a sorted line come before each value: where it would be put in",
  ins: ["sorted", "values"],
  attrs: {
    axis: axisField(-1),
    side: choice(["left", "right"], "left", "before or behind what equals the value"),
  },
  infer: ([sorted, values], { axis }) => {
    const alike = sorted.shape.length === values.shape.length &&
      sorted.shape.every((n, i) => i === axis || n === values.shape[i]);
    if (!alike) {
      throw new ShapeError(
        `Cannot search values: ${printType(values)} in sorted: ${printType(sorted)}: their ` +
          `shapes must agree but along axis ${axis}\n  try broadcastTo on one of them`,
      );
    }
    if (sorted.dtype !== values.dtype || sorted.dtype === "bool") {
      throw new DTypeError(
        `Cannot search values: ${printType(values)} in sorted: ${printType(sorted)}: both must ` +
          "have one numeric dtype\n  try cast",
      );
    }
    return i32(values.shape);
  },
  eval: ([sorted, values], { axis, side }, [out]) => {
    const data = arrayOf("i32", sizeOf(out.shape));
    const from = linesOf(sorted, axis);
    const extent = sorted.shape[axis];
    const isRight = side === "right";
    eachLine(values, axis, (at, count, by, line) => {
      for (let i = 0; i < count; i++) {
        const value = Number(values.data[at + i * by]);
        let [low, high] = [0, extent];
        while (low < high) {
          const middle = (low + high) >> 1;
          const one = Number(sorted.data[from[line] + middle * by]);
          const passes = isRight ? !(value < one || isNaN(one) && !isNaN(value)) : one < value ||
            isNaN(value) && !isNaN(one);
          if (passes) low = middle + 1;
          else high = middle;
        }
        data[at + i * by] = low;
      }
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [sorted, values], { axis, side }) => {
    const extent = sorted.shape[axis];
    const coords = axesOf(values.shape);
    const value = at(1, coords);
    let found: Scalar = constant(0);
    for (let step = 2 ** Math.floor(Math.log2(Math.max(1, extent))); step >= 1; step /= 2) {
      const next = plusIndex(found, step);
      const there = s.le(next, extent);
      const one = guarded(at(0, coords.with(axis, plusIndex(next, -1))), there);
      const passes = side === "right" ? s.not(less(value, one)) : less(one, value);
      found = s.select(s.and(there, passes), next, found);
    }
    return { kind: "map", shape: values.shape, body: found };
  },
  vjp: () => [undefined, undefined],
  cases: [
    { ins: [line(1, 2, 2, 5, 7), between(0, 8, [9])] },
    { ins: [line(1, 2, 2, 5, NaN), line(0, 1, 2, 5, 6, NaN)], attrs: { side: "right" } },
    {
      ins: [host(i32([4, 2]), Int32Array.of(0, 5, 3, 6, 3, 7, 9, 8)), between(-1, 10, i32([5, 2]))],
      attrs: { axis: 0 },
    },
  ],
});

/** NaN counts as larger than every number. */
function less(a: Scalar, b: Scalar): Scalar {
  return a.type === "f32" ? s.or(s.lt(a, b), s.and(s.isNan(b), s.not(s.isNan(a)))) : s.lt(a, b);
}

function line(...list: readonly number[]): Host {
  return host(f32([list.length]), Float32Array.from(list));
}

/** What a mask chose, packed together. */
export interface Taken {
  /** The elements; zeros behind the last. */
  readonly values: Tensor;
  /** Index (i32) that each had in the flattened tensor; -1 behind the last. */
  readonly indices: Tensor;
  /** How many the mask chose (i32, shape []), more than there is room for perhaps. */
  readonly count: Tensor;
}

/** How many elements a mask may choose. */
export interface RoomOptions {
  /** Room for so many; by default as many as there are, or what a constant mask chooses. */
  readonly max?: number;
}

/**
 * The elements of x where a mask of its shape holds, in order, and their places. Room is stated:
 * what does not fit is left out, what is left over is filled. Throws ShapeError if the shapes differ.
 */
export function condTake(x: Tensor, mask: Tensor, options: RoomOptions = {}): Taken {
  if (!sameShape(x.shape, mask.shape)) {
    throw located(
      new ShapeError(
        `Cannot take from x: ${printType(x)} by mask: ${printType(mask)}: the shapes differ\n` +
          "  try broadcastTo on the mask, or index() for whole rows",
      ),
      new Error("condTake"),
    );
  }
  const { places, there, count } = chosen("condTake", mask, options);
  const flat = reshape(x, { shape: [sizeOf(x.shape)] });
  const picked = sizeOf(x.shape) ? gather(flat, places, { axis: 0 }) : flat;
  return {
    values: there ? where(there, picked, 0) : picked,
    indices: there ? where(there, places, -1) : places,
    count,
  };
}

/** Coordinates of what is other than zero. */
export interface Coordinates {
  /** Coordinates (i32) [rank, max], a row an axis; -1 behind the last. */
  readonly indices: Tensor;
  /** How many there are (i32, shape []), more than there is room for perhaps. */
  readonly count: Tensor;
}

/** The coordinates of the elements other than zero, in order; room is stated as in `condTake`. */
export function nonzero(x: Tensor, options: RoomOptions = {}): Coordinates {
  const { places, there, count } = chosen("nonzero", as(x, "bool"), options);
  let left = places;
  const rows: Tensor[] = [];
  for (const extent of x.shape.toReversed()) {
    const above = floorDiv(left, Math.max(1, extent));
    const own = rows.length === x.shape.length - 1
      ? left
      : sub(left, mul(above, Math.max(1, extent)));
    rows.unshift(there ? where(there, own, -1) : own);
    left = above;
  }
  if (!rows.length) throw ranked(x);
  return { indices: stack(rows), count };
}

function ranked(x: Type): Error {
  return located(
    new ShapeError(`Cannot take the coordinates in ${printType(x)}: it has no axis`),
    new Error("nonzero"),
  ) as Error;
}

/** The places that a mask chooses. */
export interface Chosen {
  /** Index in the flattened mask; one that is inside where nothing is left. */
  readonly places: Tensor;
  /** True where there is one; absent where there is one everywhere. */
  readonly there?: Tensor;
  /** How many the mask chooses. */
  readonly count: Tensor;
}

/** The places that a mask chooses, in order; a constant mask's are constants. */
export function chosen(name: string, mask: Tensor, { max }: RoomOptions): Chosen {
  if (mask.dtype !== "bool") {
    throw located(
      new DTypeError(
        `Cannot choose by mask: ${printType(mask)}: it must be bool\n  try ne(mask, 0)`,
      ),
      new Error(name),
    );
  }
  if (max !== undefined && !(Number.isInteger(max) && max >= 0)) {
    throw located(
      new OptionError(`Cannot take max: ${max}: it must be an integer from 0`),
      new Error(name),
    );
  }
  const n = sizeOf(mask.shape);
  const { data } = mask.node;
  if (isHost(data)) {
    const all = Array.from(data.data.keys()).filter((i) => data.data[i]);
    const count = leaf(host(i32(), Int32Array.of(all.length)));
    const room = max ?? all.length;
    const list = Int32Array.from({ length: room }, (_, i) => all[i] ?? Math.max(0, n - 1));
    const places = leaf(host(i32([room]), list));
    if (room <= all.length) return { places, count };
    return { places, count, there: lt(iota({ shape: [room] }), all.length) };
  }
  const room = max ?? n;
  const before = cumsum(as(reshape(mask, { shape: [n] }), "i32"));
  const count = n === 0
    ? leaf(host(i32(), Int32Array.of(0)))
    : reshape(sliceFn(before, { begin: [n - 1], size: [1], step: [1] }), { shape: [] });
  const places = searchSorted(before, iota({ shape: [room], start: 1 }));
  return { places, count, there: lt(places, n) };
}
