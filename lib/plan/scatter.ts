/**
 * Scatters are reductions in which every place looks at every index. Where that is too much, the
 * indices are sorted instead: what goes to one place then stands together, is added up in a few
 * steps, and each place finds by bisection where its sum ends. So the work grows with n log n.
 * @module
 */
import type { Limits } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import { isFloat, sizeOf } from "../core/type.ts";
import { add, maximum, minimum, sub } from "../ops/arithmetic.ts";
import { eq, ge, lt } from "../ops/compare.ts";
import { iota } from "../ops/create.ts";
import { gather, takeAlongAxis } from "../ops/gather.ts";
import { logicalAnd } from "../ops/logic.ts";
import { stepsFor, sumWithin } from "../ops/scan.ts";
import { searchSorted } from "../ops/search.ts";
import { as, where } from "../ops/select.ts";
import { broadcastTo, reshape } from "../ops/shape.ts";
import { sort } from "../ops/sort.ts";

/** Comparisons of place and index up to which looking at all is as fast. */
const plenty = 1 << 25;
/** Indices, or places, so few that looking at all is fast. */
const few = 64;

/** A long scatter by sorting; `undefined` where it is short, or none. */
export function sortedScatter(t: Tensor, limits: Limits): Tensor | undefined {
  const { op, ins, attrs } = t.node;
  switch (op.name) {
    case "scatterAdd":
      return isLong(t, sizeOf(ins[1].shape), attrs.size, limits) ? added(t) : undefined;
    case "putAlongAxis":
      return isLong(t, ins[1].shape[attrs.axis], attrs.size, limits) ? put(t) : undefined;
    case "lastHit":
      return isLong(t, ins[0].shape[0], attrs.size, limits) ? last(t) : undefined;
    default:
      return undefined;
  }
}

function isLong(t: Tensor, n: number, size: number, limits: Limits): boolean {
  if (n > limits.iterations / 2) return true;
  return n > few && size > few && n * sizeOf(t.shape) > plenty;
}

/** Indices as places from 0 on, as a scatter means them. */
function places(indices: Tensor, size: number): Tensor {
  const i = as(indices, "i32");
  return minimum(maximum(where(lt(i, 0), add(i, size), i), 0), size - 1);
}

/** Sums of what stands together; the last element of each key has the sum of all. */
function runningSums(x: Tensor, keys: Tensor, axis: number): Tensor {
  const { levels, count } = stepsFor(x.shape[axis]);
  let now = x;
  for (let i = 0; i < levels; i++) now = sumWithin(now, keys, { axis, count, step: count ** i });
  return now;
}

/** Where the last element of each place stands among sorted ones, and whether there is one. */
function ends(sorted: Tensor, axis: number, size: number) {
  const shape = sorted.shape.with(axis, size);
  const lead = shape.map((n, i) => i === axis ? n : 1);
  const own = broadcastTo(iota({ shape: lead, axis }), { shape });
  const end = sub(searchSorted(sorted, own, { axis, side: "right" }), 1);
  const at = maximum(end, 0);
  return { at, hit: logicalAnd(ge(end, 0), eq(takeAlongAxis(sorted, at, { axis }), own)) };
}

function wider(x: Tensor): Tensor {
  return x.dtype === "f16" ? as(x, "f32") : isFloat(x.dtype) ? x : as(x, "i32");
}

function added(t: Tensor): Tensor {
  const { ins: [updates, indices], attrs: { axis, size } } = t.node;
  const n = sizeOf(indices.shape);
  const behind = axis + indices.shape.length;
  const shape = [...updates.shape.slice(0, axis), n, ...updates.shape.slice(behind)];
  const { values: keys, indices: order } = sort(reshape(places(indices, size), { shape: [n] }));
  const moved = gather(reshape(wider(updates), { shape }), order, { axis });
  const line = reshape(keys, { shape: shape.map((e, i) => i === axis ? e : 1) });
  const sums = runningSums(moved, line, axis);
  const { at, hit } = ends(keys, 0, size);
  const lead = t.shape.map((e, i) => i === axis ? e : 1);
  return as(where(reshape(hit, { shape: lead }), gather(sums, at, { axis }), 0), t.dtype);
}

function put(t: Tensor): Tensor {
  const { ins: [updates, indices], attrs: { axis, size } } = t.node;
  const { values: keys, indices: order } = sort(places(indices, size), { axis });
  const sums = runningSums(takeAlongAxis(wider(updates), order, { axis }), keys, axis);
  const { at, hit } = ends(keys, axis, size);
  return as(where(hit, takeAlongAxis(sums, at, { axis }), 0), t.dtype);
}

/** Sorting keeps the order of equal indices, so the last of them is the latest. */
function last(t: Tensor): Tensor {
  const { ins: [indices], attrs: { size } } = t.node;
  const { values: keys, indices: order } = sort(as(indices, "i32"));
  const { at, hit } = ends(keys, 0, size);
  return where(hit, gather(order, at), -1);
}
