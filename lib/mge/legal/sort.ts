/**
 * Sorting and sums along an axis. File operators sort the rows of a matrix.
 * In descending order they put the later of equal elements first, so rows are read backwards there,
 * which keeps the order of ours.
 * @module
 */
import { tensor } from "../../core/leaf.ts";
import { apply, type Tensor } from "../../core/tensor.ts";
import { type DType, isFloat, sizeOf, type Type } from "../../core/type.ts";
import { add, minimum, mul, sub } from "../../ops/arithmetic.ts";
import { eq, gt, lt } from "../../ops/compare.ts";
import { gather, takeAlongAxis } from "../../ops/gather.ts";
import { isNan, logicalAnd, logicalNot, logicalOr } from "../../ops/logic.ts";
import { pad } from "../../ops/pad.ts";
import { firstOfRuns, rankInRun } from "../../ops/runs.ts";
import { sum } from "../../ops/reduce.ts";
import { as, where } from "../../ops/select.ts";
import { broadcastTo, expandDims, inverse, reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import type { Emitter, Var } from "../emitter.ts";
import { outputOf } from "../emitter.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

/** Narrow elements go through wide ones, which hold them exactly. */
function through(floats: DType, integers: DType): Lowering {
  return (t) => {
    const { op, ins: [x, ...rest], attrs } = t.node;
    const wide = isFloat(x.dtype) ? floats : integers;
    if (x.dtype === wide) return undefined;
    const found = apply(op, [as(x, wide), ...rest], attrs)[t.out];
    return t.out === 0 ? as(found, t.dtype) : found;
  };
}

/** True where a comes before b. */
function before(a: Tensor, b: Tensor, descending: boolean): Tensor {
  if (descending) return before(b, a, false);
  if (a.dtype === "bool") return before(as(a, "i32"), as(b, "i32"), false);
  const less = lt(a, b);
  if (!isFloat(a.dtype)) return less;
  return logicalOr(less, logicalAnd(isNan(b), logicalNot(isNan(a))));
}

/** A table of integers, [rows, columns], made by a function of both. */
function table(rows: number, columns: number, at: (i: number, k: number) => number): Tensor {
  const data = Int32Array.from(
    { length: rows * columns },
    (_, j) => at(Math.floor(j / columns), j % columns),
  );
  return tensor(data, [rows, columns]);
}

/** A table over an axis and the one behind it, brought to a rank. */
function along(t: Tensor, axis: number, rank: number): Tensor {
  const shape = Array.from(
    { length: rank + 1 },
    (_, i) => i === axis ? t.shape[0] : i === axis + 1 ? t.shape[1] : 1,
  );
  return reshape(t, { shape });
}

/** Each element beside all of its run. */
const ranks: Lowering = ({ node: { ins: [x], attrs: { axis, span, descending } } }) => {
  const extent = x.shape[axis];
  const over = Math.min(span, extent);
  const rank = x.shape.length;
  const other = (i: number, k: number) => Math.floor(i / span) * span + k;
  const there = along(table(extent, over, (i, k) => Number(other(i, k) < extent)), axis, rank);
  const earlier = along(table(extent, over, (i, k) => Number(other(i, k) < i)), axis, rank);
  const places = table(extent, over, (i, k) => Math.min(extent - 1, other(i, k)));
  const value = gather(x, places, { axis });
  const own = broadcastTo(expandDims(x, { axis: axis + 1 }), { shape: value.shape });
  const tie = logicalAnd(logicalNot(before(own, value, descending)), as(earlier, "bool"));
  const first = logicalAnd(as(there, "bool"), logicalOr(before(value, own, descending), tie));
  return sum(as(first, "i32"), { axis: axis + 1 });
};

const firsts: Lowering = ({ node: { ins: [ranks], attrs: { axis, span, keep } }, shape }) => {
  const extent = ranks.shape[axis];
  const each = Math.min(span, keep);
  const over = Math.min(span, extent);
  const index = (i: number, k: number) => Math.floor(i / each) * span + k;
  const clamped = table(shape[axis], over, (i, k) => Math.min(extent - 1, index(i, k)));
  // what stands behind the end has no rank
  const wanted = table(shape[axis], over, (i, k) => index(i, k) < extent ? i % each : -1);
  const rank = ranks.shape.length;
  const hit = eq(gather(ranks, clamped, { axis }), along(wanted, axis, rank));
  return sum(where(hit, along(clamped, axis, rank), 0), { axis: axis + 1 });
};

/** Two runs that follow one another, each in order, are one run to be sorted. */
const merged: Lowering = ({ node: { ins: [keys, given], attrs } }) => {
  const { axis, descending } = attrs;
  const [span, keep] = [2 * Math.min(attrs.span, attrs.keep), Math.min(2 * attrs.span, attrs.keep)];
  const found = rankInRun(keys, { axis, span, descending });
  // the operand is the attribute
  return add(firstOfRuns(found, { axis, span, keep }), sub(given, attrs.span));
};

/** Shifted copies, added up; where there are keys, of what has the same one. */
const summed: Lowering = ({ node: { ins: [x, keys], attrs }, dtype }) => {
  const { axis, count, step, shift, reverse } = attrs;
  const wide = as(x, isFloat(dtype) ? "f32" : "i32");
  const extent = x.shape[axis];
  const none = x.shape.map(() => 0);
  const far = none.with(axis, Math.min(extent, shift + (count - 1) * step));
  const room = reverse ? { before: none, after: far } : { before: far, after: none };
  const moved = (t: Tensor, by: number) =>
    sliceFn(pad(t, room), {
      begin: none.with(axis, reverse ? by : far[axis] - by),
      size: t.shape,
      step: none.map(() => 1),
    });
  let total: Tensor | undefined;
  for (let k = 0; k < count && shift + k * step < extent; k++) {
    const by = shift + k * step;
    const one = moved(wide, by);
    const same = keys && broadcastTo(eq(moved(keys, by), keys), { shape: x.shape });
    const own = same ? where(same, one, 0) : one;
    total = total ? add(total, own) : own;
  }
  return as(total ?? mul(wide, 0), dtype);
};

/** Few elements are counted, many bisected. */
const searched: Lowering = ({ node: { ins: [sorted, values], attrs: { axis, side } }, shape }) => {
  const extent = sorted.shape[axis];
  const passes = (one: Tensor, value: Tensor) =>
    side === "right" ? logicalNot(before(value, one, false)) : before(one, value, false);
  if (extent * sizeOf(shape) <= 1 << 20) {
    const rest = sorted.shape.toSpliced(axis, 1, 1, extent);
    const pairs = values.shape.toSpliced(axis + 1, 0, extent);
    const one = broadcastTo(reshape(sorted, { shape: rest }), { shape: pairs });
    const value = broadcastTo(expandDims(values, { axis: axis + 1 }), { shape: pairs });
    return sum(as(passes(one, value), "i32"), { axis: axis + 1 });
  }
  let found = mul(as(gt(values, values), "i32"), 0);
  for (let by = 2 ** Math.floor(Math.log2(extent)); by >= 1; by /= 2) {
    const next = add(found, by);
    const one = takeAlongAxis(sorted, minimum(sub(next, 1), extent - 1), { axis });
    const inside = logicalAnd(lt(next, extent + 1), passes(one, values));
    found = where(inside, next, found);
  }
  return found;
};

/** What sorting is made of, and elements that files do not sort. */
export const sortLowerings: Lowerings = {
  sort: through("f32", "i32"),
  topk: through("f32", "i32"),
  cumsum: through("f32", "i32"),
  rankInRun: ranks,
  firstOfRuns: firsts,
  mergedRuns: merged,
  sumBehind: summed,
  sumWithin: summed,
  searchSorted: searched,
};

/** The lines along an axis as rows of a matrix, and rows as lines again. */
function rows(e: Emitter, x: Var, axis: number) {
  const others = x.shape.map((_, i) => i).filter((i) => i !== axis);
  const perm = [...others, axis];
  const lead = others.map((i) => x.shape[i]);
  const turned = step.transpose(e, x, perm);
  return {
    matrix: step.reshape(e, turned, [sizeOf(lead), x.shape[axis]]),
    back: (t: Var, extent: number) =>
      step.transpose(e, step.reshape(e, t, [...lead, extent]), inverse(perm)),
  };
}

function backwards(e: Emitter, x: Var): Var {
  const [, n] = x.shape;
  return n < 2 ? x : step.part(e, x, { begin: [0, n - 1], size: x.shape, step: [1, -1] });
}

/** Values and indices of an operator on a matrix whose rows stand backwards if descending. */
function ordered(
  { e, ins: [x], attrs: { axis, descending } }: Writing,
  make: (matrix: Var, outs: (shape: readonly number[]) => readonly Type[]) => Var,
): readonly Var[] {
  const { matrix, back } = rows(e, x, axis);
  const extent = matrix.shape[1];
  const made = make(descending ? backwards(e, matrix) : matrix, (shape) => [
    { dtype: x.dtype, shape },
    { dtype: "i32", shape },
  ]);
  const found = outputOf(made.from, 1);
  const indices = descending
    ? step.elemwise(e, "SUB", step.scalar(e, extent - 1, "i32"), found)
    : found;
  return [made, indices].map((t) => back(t, t.shape[1]));
}

/** Sorting as operators. */
export const sortWriting: WritingRules = {
  sort: {
    write: (site) =>
      ordered(site, (matrix, outs) => {
        const order = step.member(
          "ArgsortOrder",
          site.attrs.descending ? "DESCENDING" : "ASCENDING",
        );
        const param = step.table("Argsort", { order });
        return site.e.opr("Argsort", [param], [matrix], matrix, { outs: outs(matrix.shape) });
      }),
  },
  topk: {
    write: (site) =>
      ordered(site, (matrix, outs) => {
        const { e, attrs: { k, descending } } = site;
        const param = step.table("TopK", { mode: step.member("TopKMode", "VALUE_IDX_SORTED") });
        const shape = [matrix.shape[0], k];
        const ins = [matrix, step.integers(e, [descending ? -k : k])];
        return e.opr("TopK", [param], ins, { dtype: matrix.dtype, shape }, { outs: outs(shape) });
      }),
  },
  cumsum: {
    write: ({ e, ins: [x], attrs: { axis, exclusive, reverse }, out }) =>
      e.opr("CumsumV1", [step.table("Cumsum", { axis, exclusive, reverse })], [x], out),
  },
};
