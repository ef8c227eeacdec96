/**
 * Splitting of long reductions: into two stages, so that no invocation loops past the adapter's
 * cap and enough of them run at once. Sums, products and extremes split; positions are found by a
 * second reduction.
 * @module
 */
import { type Graph, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import type { Limits } from "../core/target.ts";
import { apply, type Tensor } from "../core/tensor.ts";
import { type DType, isFloat, itemBytes, sizeOf } from "../core/type.ts";
import { iota } from "../ops/create.ts";
import { eq } from "../ops/compare.ts";
import { add, div } from "../ops/arithmetic.ts";
import { isNan, logicalOr } from "../ops/logic.ts";
import { max, min, sum } from "../ops/reduce.ts";
import { as, where } from "../ops/select.ts";
import { pad } from "../ops/pad.ts";
import { sliceFn } from "../ops/slice.ts";
import { reshape, transpose } from "../ops/shape.ts";
import { sortedScatter } from "./scatter.ts";

/** Elements that one invocation reduces before a reduction is worth splitting. */
const longest = 4096;
/** Reductions with at least this many results keep the device busy without splitting. */
const plenty = 512;

/** A graph whose reductions and contractions stay within the limits. */
export function split(graph: Graph, limits: Limits): Graph {
  const roots = rootsOf(graph);
  const made = splitRoots(roots, limits);
  return made.every((t, i) => t === roots[i]) ? graph : graphWith(graph, made);
}

/** Parts may be too long themselves, so what splitting made is split again. */
function splitRoots(
  roots: readonly Tensor[],
  limits: Limits,
  done: readonly Tensor[] = [],
): readonly Tensor[] {
  return rebuild(roots, (t) => {
    const parts = splitReduction(t, limits) ?? splitContraction(t, limits) ??
      sortedScatter(t, limits);
    return parts && splitRoots([parts], limits, t.node.ins)[0];
  }, done);
}

const splitting: ReadonlySet<string> = new Set([
  ...["sum", "sumSquares", "mean", "max", "min", "prod", "all", "any"],
]);

/** What may be added without changing a reduction's result. */
function neutral(name: string, dtype: DType): number {
  if (name === "prod" || name === "all") return 1;
  if (name !== "max" && name !== "min") return 0;
  if (isFloat(dtype)) return name === "max" ? -Infinity : Infinity;
  const bits = itemBytes(dtype) * 8;
  const signed = dtype.startsWith("i");
  const lowest = signed ? -(2 ** (bits - 1)) : 0;
  return name === "max" ? lowest : lowest + 2 ** bits - 1;
}

function splitReduction(t: Tensor, limits: Limits): Tensor | undefined {
  const { op, ins: [x], attrs } = t.node;
  if (op.name === "argmax" || op.name === "argmin") return splitPosition(t, limits);
  if (!splitting.has(op.name)) return undefined;
  const axis: readonly number[] = attrs.axis;
  const n = sizeOf(axis.map((a) => x.shape[a]));
  const outer = sizeOf(t.shape);
  if (n <= longest || (outer >= plenty && n < limits.iterations / 2)) return undefined;
  const truth = op.name === "all" || op.name === "any";
  // Parts are combined in the kind in which elements are: truth counts as f32, halves keep no sums.
  const wide = !truth && op.name !== "max" && op.name !== "min" && x.dtype === "f16" ||
    !truth && x.dtype === "bool" || op.name === "mean" && !isFloat(x.dtype);
  if (wide) return as(apply(op, [as(x, "f32")], attrs)[0], t.dtype);
  const kept = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const rows = reshape(transpose(x, { perm: [...kept, ...axis] }), { shape: [outer, n] });
  const length = chunk(n, outer);
  const parts = Math.ceil(n / length);
  const missing = parts * length - n;
  const filled = missing
    ? pad(rows, { before: [0, 0], after: [0, missing], value: neutral(op.name, x.dtype) })
    : rows;
  const blocks = reshape(filled, { shape: [outer, parts, length] });
  const inner = { axis: [2], keep: false };
  const first = op.name === "mean" ? sum(blocks, { axis: 2 }) : apply(op, [blocks], inner)[0];
  const last = { axis: [1], keep: false };
  const second = ["sum", "mean", "sumSquares"].includes(op.name)
    ? sum(first, { axis: 1 })
    : apply(op, [first], last)[0];
  const value = op.name === "mean" ? div(second, n) : second;
  return reshape(value, { shape: t.shape });
}

/** A chunk that divides the length if there is one near its square root, else that root. */
function chunk(n: number, outer: number): number {
  const parts = Math.min(Math.ceil(Math.sqrt(n)), Math.max(2, Math.ceil(16384 / outer)));
  const want = Math.max(1, Math.ceil(n / parts));
  for (let c = want; c <= want * 2 && c <= longest * 4; c++) if (n % c === 0) return c;
  return want;
}

/** The first position of an extreme is the least index at which it stands. */
function splitPosition(t: Tensor, limits: Limits): Tensor | undefined {
  const { op, ins: [x], attrs: { axis, keep } } = t.node;
  const n = x.shape[axis];
  if (n < limits.iterations / 2) return undefined;
  const best = op.name === "argmax" ? max(x, { axis, keep: true }) : min(x, { axis, keep: true });
  const places = iota({ shape: x.shape, axis });
  const standing = isFloat(x.dtype) ? logicalOr(eq(x, best), isNan(x)) : eq(x, best);
  return min(where(standing, places, n - 1), { axis, keep });
}

/** A contraction longer than the cap becomes a sum of shorter ones along a new axis. */
function splitContraction(t: Tensor, limits: Limits): Tensor | undefined {
  const cap = Math.max(1, Math.floor(limits.iterations / 2));
  if (t.node.op.name === "matmul") return splitMatmul(t, cap);
  return t.node.op.name === "convolve" ? splitConvolution(t, cap) : undefined;
}

function splitMatmul(t: Tensor, cap: number): Tensor | undefined {
  const { op, ins: [a, b], attrs } = t.node;
  const k = a.shape[a.shape.length - (attrs.transposeA ? 2 : 1)];
  if (k <= cap) return undefined;
  const parts = divisor(k, cap);
  const length = Math.ceil(k / parts);
  const blocks = (x: Tensor, rows: boolean) => {
    const r = x.shape.length - 2;
    const axis = rows ? r : r + 1;
    const filled = padded(x, axis, parts * length - k);
    const shape = [...x.shape.slice(0, axis), parts, length, ...x.shape.slice(axis + 1)];
    const cut = reshape(filled, { shape });
    if (rows) return cut;
    return transpose(cut, { perm: [...x.shape.slice(0, r).keys(), r + 1, r, r + 2] });
  };
  const left = blocks(a, Boolean(attrs.transposeA));
  const right = blocks(b, !attrs.transposeB);
  return narrowSum(apply(op, [left, right], attrs)[0], -3);
}

function splitConvolution(t: Tensor, cap: number): Tensor | undefined {
  const { op, ins: [a, b], attrs } = t.node;
  const [n, g, c, ...space] = a.shape;
  const [, o, , ...taps] = b.shape;
  if (c * sizeOf(taps) <= cap) return undefined;
  if (sizeOf(taps) > cap) return splitTaps(t, cap);
  const most = Math.max(1, Math.floor(cap / sizeOf(taps)));
  const parts = divisor(c, most);
  const length = Math.ceil(c / parts);
  const missing = parts * length - c;
  const x = reshape(padded(a, 2, missing), { shape: [n, g * parts, length, ...space] });
  const shape = [g, o, parts, length, ...taps];
  const w = transpose(reshape(padded(b, 2, missing), { shape }), { perm: [0, 2, 1, 3, 4, 5] });
  const grouped = reshape(w, { shape: [g * parts, o, length, ...taps] });
  const out = apply(op, [x, grouped], attrs)[0];
  const [, , , oh, ow] = out.shape;
  return narrowSum(reshape(out, { shape: [n, g, parts, o, oh, ow] }), 2);
}

/** A kernel of too many taps is cut along its longer axis; a later part reads further on. */
function splitTaps(t: Tensor, cap: number): Tensor {
  const { op, ins: [a, b], attrs } = t.node;
  const d = b.shape[3] >= b.shape[4] ? 0 : 1;
  const extent = b.shape[3 + d];
  const length = Math.max(1, Math.min(Math.ceil(extent / 2), Math.floor(cap / b.shape[4 - d])));
  let total: Tensor | undefined;
  for (let at = 0; at < extent; at += length) {
    const size = b.shape.with(3 + d, Math.min(length, extent - at));
    const begin = b.shape.map((_, i) => i === 3 + d ? at : 0);
    const w = sliceFn(b, { begin, size, step: b.shape.map(() => 1) });
    const pad = (attrs.pad as readonly number[]).with(d, attrs.pad[d] - at * attrs.dilate[d]);
    const [part] = apply(op, [a, w], { ...attrs, pad });
    total = total ? add(total, part) : part;
  }
  return total!;
}

function padded(x: Tensor, axis: number, missing: number): Tensor {
  if (!missing) return x;
  const none = x.shape.map(() => 0);
  return pad(x, { before: none, after: none.with(axis, missing), value: 0 });
}

/** Parts of halves are summed as f32. */
function narrowSum(parts: Tensor, axis: number): Tensor {
  return as(sum(as(parts, parts.dtype === "f16" ? "f32" : parts.dtype), { axis }), parts.dtype);
}

/** How many parts bring a length under the cap: equal ones if nearly as few do, else the fewest. */
function divisor(length: number, cap: number): number {
  const fewest = Math.ceil(length / cap);
  for (let parts = fewest; parts <= 2 * fewest; parts++) if (length % parts === 0) return parts;
  return fewest;
}
