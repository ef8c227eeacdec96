/**
 * What sorting is made of: ranks inside of short runs, the elements of a run in order, two runs
 * merged. Runs follow one another along an axis; what is kept of each is its first elements, as
 * indices into the axis.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf, type Host, host } from "../core/host.ts";
import { axesOf, constant, divIndex, modIndex, plusIndex, timesIndex } from "../core/index.ts";
import { constant as leaf } from "../core/leaf.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { f32, i32, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField, flag, integer } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { eachLine, linesOf } from "./scan.ts";

const span = integer("elements of a run", { from: 1 });
const keep = integer("elements that are kept of a run", { from: 1 });

/** True where a comes before b, as terms. */
function isFirst(a: Scalar, b: Scalar, descending: boolean): Scalar {
  if (descending) return isFirst(b, a, false);
  if (a.type === "bool") return s.and(b, s.not(a));
  const less = s.lt(a, b);
  return a.type === "f32" ? s.or(less, s.and(s.isNan(b), s.not(s.isNan(a)))) : less;
}

/** True where a comes before b, as numbers. */
function isBefore(a: number, b: number, descending: boolean): boolean {
  return descending ? isBefore(b, a, false) : a < b || (b !== b && a === a);
}

/** How many elements of the same run along an axis come before each one. */
export const rankInRun: Fn<
  readonly ["x"],
  { axis?: number; span: number; descending?: boolean }
> = op({
  name: "rankInRun",
  doc: "How many elements of the same run along an axis come before each one",
  ins: ["x"],
  attrs: { axis: axisField(-1), span, descending: flag("largest first") },
  infer: ([x]) => i32(x.shape),
  eval: ([x], { axis, span, descending }, [out]) => {
    const data = arrayOf("i32", sizeOf(out.shape));
    eachLine(x, axis, (at, extent, by) => {
      for (let start = 0; start < extent; start += span) {
        const list = sorted(x, at, by, start, Math.min(extent, start + span), descending);
        list.forEach((i, rank) => data[at + i * by] = rank);
      }
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [x], { axis, span, descending }) => {
    const extent = x.shape[axis];
    const coords = axesOf(x.shape);
    const over = Math.min(span, extent);
    const [k] = axesOf([over], x.shape.length);
    const other = plusIndex(timesIndex(divIndex(coords[axis], span), span), k);
    const own = at(0, coords);
    const whole = extent % over === 0;
    const there = whole ? s.b(true) : s.lt(other, extent);
    const found = at(0, coords.with(axis, other));
    const value = whole ? found : guarded(found, there);
    const tie = s.and(s.not(isFirst(own, value, descending)), s.lt(other, coords[axis]));
    const first = s.and(there, s.or(isFirst(value, own, descending), tie));
    const body = s.select(first, constant(1), constant(0));
    return { kind: "reduce", shape: x.shape, over: [over], combine: "sum", body };
  },
  cases: [
    { ins: [between(-1, 1, [3, 10])], attrs: { span: 4 } },
    { ins: [odd()], attrs: { span: 8, descending: true } },
    { ins: [between(-2, 2, i32([6, 2]))], attrs: { axis: 0, span: 6 } },
  ],
});

/** Numbers that are hard to put in order. */
function odd(): Host {
  const data = Float32Array.of(NaN, 1, -0, 0, Infinity, NaN, -Infinity, 1, 0, -0);
  return host(f32([10]), data);
}

/** Indices from `start` to `end` of a line in the order of their elements. */
function sorted(
  x: Host,
  at: number,
  by: number,
  start: number,
  end: number,
  descending: boolean,
): number[] {
  const value = (i: number) => Number(x.data[at + i * by]);
  const list = Array.from({ length: end - start }, (_, i) => start + i);
  return list.sort((i, j) =>
    isBefore(value(i), value(j), descending)
      ? -1
      : isBefore(value(j), value(i), descending)
      ? 1
      : i - j
  );
}

function needI32(name: string, what: string, t: Type): void {
  if (t.dtype === "i32") return;
  throw new DTypeError(
    `Cannot apply ${name} to ${what}: ${printType(t)}: it takes i32\n` +
      `  try cast(${what}, { dtype: "i32" })`,
  );
}

/** Elements that are kept of `extent` ones in runs of `span`. */
function keptOf(extent: number, span: number, keep: number): number {
  const runs = Math.max(1, Math.ceil(extent / span));
  const each = Math.min(span, keep);
  return (runs - 1) * each + Math.min(each, extent - (runs - 1) * span);
}

/** Index of the elements whose ranks in their runs are 0, 1, 2 and so on, run after run. */
export const firstOfRuns: Fn<
  readonly ["ranks"],
  { axis?: number; span: number; keep: number }
> = op({
  name: "firstOfRuns",
  doc: "Index of the elements whose ranks in their runs are 0, 1, 2 and so on, run after run",
  ins: ["ranks"],
  attrs: { axis: axisField(-1), span, keep },
  infer: ([ranks], { axis, span, keep }) => {
    needI32("firstOfRuns", "ranks", ranks);
    return i32(ranks.shape.with(axis, keptOf(ranks.shape[axis], span, keep)));
  },
  eval: ([ranks], { axis, span, keep }, [out]) => {
    const data = arrayOf("i32", sizeOf(out.shape));
    const each = Math.min(span, keep);
    const starts = linesOf(out, axis);
    eachLine(ranks, axis, (at, extent, by, line) => {
      const to = starts[line];
      for (let i = 0; i < extent; i++) {
        const rank = Number(ranks.data[at + i * by]);
        if (rank < each) data[to + (Math.floor(i / span) * each + rank) * by] = i;
      }
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [ranks], { axis, span, keep }, [out]) => {
    const extent = ranks.shape[axis];
    const coords = axesOf(out.shape);
    const each = Math.min(span, keep);
    const over = Math.min(span, extent);
    const [k] = axesOf([over], out.shape.length);
    const index = plusIndex(timesIndex(divIndex(coords[axis], each), span), k);
    const whole = extent % over === 0;
    const there = whole ? s.b(true) : s.lt(index, extent);
    const found = at(0, coords.with(axis, index));
    const rank = whole ? found : guarded(found, there);
    const hit = s.and(there, s.eq(rank, modIndex(coords[axis], each)));
    const body = s.select(hit, index, constant(0));
    return { kind: "reduce", shape: out.shape, over: [over], combine: "sum", body };
  },
  cases: [
    { ins: [vector(2, 0, 1, 3, 1, 0)], attrs: { span: 4, keep: 2 } },
    { ins: [vector(2, 0, 1, 3, 1, 0, 2)], attrs: { span: 4, keep: 4 } },
  ],
});

function vector(...list: readonly number[]): Host {
  return host(i32([list.length]), Int32Array.from(list));
}

/** How runs are merged. */
export interface Merging {
  /** Axis that the runs follow one another along. */
  readonly axis?: number;
  /** Elements that all runs together stand for. */
  readonly extent: number;
  /** Elements that each run given stands for. */
  readonly span: number;
  /** Elements that are kept of a run. */
  readonly keep: number;
  /** Largest first. */
  readonly descending?: boolean;
}

/**
 * Where the elements of runs, each in order, come from when the runs are merged two by two. The
 * span comes as a tensor too, so that one kernel serves runs of many lengths.
 */
const merged: Fn<readonly ["keys", "span"], Merging> = op({
  name: "mergedRuns",
  doc: "Where the elements of runs, each in order, come from when the runs are merged two by two",
  ins: ["keys", "span"],
  attrs: {
    axis: axisField(-1),
    extent: integer("elements that all runs together stand for", { from: 1 }),
    ...{ span, keep, descending: flag("largest first") },
  },
  infer: ([keys, number], { axis, extent, span, keep }) => {
    needI32("mergedRuns", "span", number);
    const want = keptOf(extent, span, keep);
    if (keys.shape[axis] !== want) {
      throw new ShapeError(
        `Cannot merge keys: ${printType(keys)}: runs of ${span} elements of ${extent} leave ` +
          `${want} along axis ${axis}`,
      );
    }
    return i32(keys.shape.with(axis, keptOf(extent, 2 * span, keep)));
  },
  eval: ([keys], { axis, extent, span, keep, descending }, [out]) => {
    const data = arrayOf("i32", sizeOf(out.shape));
    const [own, each] = [Math.min(span, keep), Math.min(2 * span, keep)];
    const to = linesOf(out, axis);
    eachLine(keys, axis, (at, _, by, line) => {
      const value = (i: number) => Number(keys.data[at + i * by]);
      for (let q = 0; 2 * q * span < extent; q++) {
        let [a, b] = [2 * q * own, (2 * q + 1) * own];
        const endA = a + Math.min(own, extent - 2 * q * span);
        const endB = b + Math.max(0, Math.min(own, extent - (2 * q + 1) * span));
        for (let p = 0; p < each && (a < endA || b < endB); p++) {
          const left = a < endA && (b >= endB || !isBefore(value(b), value(a), descending));
          data[to[line] + (q * each + p) * by] = left ? a++ : b++;
        }
      }
    });
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, _, { axis, extent, span, keep, descending }, [out]) => {
    const coords = axesOf(out.shape);
    const given = at(1, [constant(0)]);
    const [own, each] = [s.min(given, keep), s.min(s.mul(given, 2), keep)];
    const q = s.div(coords[axis], each);
    const p = s.sub(coords[axis], s.mul(q, each));
    const before = s.mul(s.mul(q, 2), own);
    const starts = [before, s.add(before, own)];
    const left = s.sub(constant(extent), s.mul(s.mul(q, 2), given));
    const sizes = [s.min(left, own), s.max(s.min(s.sub(left, given), own), 0)];
    const value = (run: 0 | 1, i: Scalar, there: Scalar) =>
      guarded(at(0, coords.with(axis, plusIndex(starts[run], i))), there);
    // how many of the first run come before this place: the largest number that is not too many
    let taken: Scalar = s.max(s.sub(p, sizes[1]), 0);
    const most = s.min(p, sizes[0]);
    for (let step = 2 ** (stepsFor(Math.min(span, keep)) - 1); step >= 1; step /= 2) {
      const next = plusIndex(taken, step);
      const there = s.le(next, most);
      const a = value(0, plusIndex(next, -1), there);
      const b = value(1, s.sub(p, next), there);
      taken = s.select(s.and(there, s.not(isFirst(b, a, descending))), next, taken);
    }
    const other = s.sub(p, taken);
    const inA = s.lt(taken, sizes[0]);
    const inB = s.lt(other, sizes[1]);
    const later = isFirst(value(1, other, inB), value(0, taken, inA), descending);
    const first = s.and(inA, s.or(s.not(inB), s.not(later)));
    const body = s.select(first, plusIndex(starts[0], taken), plusIndex(starts[1], other));
    return { kind: "map", shape: out.shape, body };
  },
  cases: [
    { ins: [between(-1, 1, [2, 3]), vector(1)], attrs: merging(1, 9, 3) },
    { ins: [floats(1, 2, 3, 1, 2, 3, 2), vector(3)], attrs: merging(3, 9, 7) },
    { ins: [floats(1, 2, 1, 2, 2), vector(3)], attrs: merging(3, 2, 7) },
    { ins: [floats(3, 2, 1, 3, 2, 1, 2), vector(3)], attrs: { ...merging(3, 5, 7), ...down() } },
  ],
});

/** The record of `mergedRuns`. */
export const mergedRunsFn: Fn<readonly ["keys", "span"], Merging> = merged;

/** Where the elements of runs, each in order, come from when the runs are merged two by two. */
export function mergedRuns(keys: Tensor, options: Merging): Tensor {
  return merged(keys, leaf(vector(options.span)), options);
}

/** Steps of bisection, rounded up so that runs of many lengths share a kernel. */
function stepsFor(own: number): number {
  return Math.ceil((Math.floor(Math.log2(own)) + 1) / 8) * 8;
}

function merging(span: number, keep: number, extent: number): Merging {
  return { span, keep, extent };
}

function down(): { readonly descending: true } {
  return { descending: true };
}

function floats(...list: readonly number[]): Host {
  return host(f32([list.length]), Float32Array.from(list));
}
