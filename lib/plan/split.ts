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
import { div } from "../ops/arithmetic.ts";
import { max, min, sum } from "../ops/reduce.ts";
import { where } from "../ops/select.ts";
import { pad } from "../ops/pad.ts";
import { reshape, transpose } from "../ops/shape.ts";

/** Elements that one invocation reduces before a reduction is worth splitting. */
const longest = 4096;
/** Reductions with at least this many results keep the device busy without splitting. */
const plenty = 512;

/** A graph whose reductions and contractions stay within the limits. */
export function split(graph: Graph, limits: Limits): Graph {
  const roots = rootsOf(graph);
  const made = rebuild(roots, (t) => splitReduction(t, limits) ?? splitContraction(t, limits));
  return made.every((t, i) => t === roots[i]) ? graph : graphWith(graph, made);
}

/** What may be added without changing a reduction's result. */
function neutral(name: string, dtype: DType): number {
  if (name === "prod") return 1;
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
  if (!["sum", "sumSquares", "mean", "max", "min", "prod"].includes(op.name)) return undefined;
  const axis: readonly number[] = attrs.axis;
  const n = sizeOf(axis.map((a) => x.shape[a]));
  const outer = sizeOf(t.shape);
  if (n <= longest || (outer >= plenty && n < limits.iterations / 2)) return undefined;
  if (x.dtype === "bool" || (op.name === "mean" && !isFloat(x.dtype))) return undefined;
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
  const second = op.name === "max" || op.name === "min" || op.name === "prod"
    ? apply(op, [first], last)[0]
    : sum(first, { axis: 1 });
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
  return min(where(eq(x, best), places, n - 1), { axis, keep });
}

/** A contraction longer than the cap becomes a sum of shorter ones along a new axis. */
function splitContraction(t: Tensor, limits: Limits): Tensor | undefined {
  const { op, ins: [a, b], attrs } = t.node;
  const cap = limits.iterations / 2;
  if (op.name === "matmul") {
    const k = a.shape[a.shape.length - (attrs.transposeA ? 2 : 1)];
    const parts = divisor(k, cap);
    if (parts === 1) return undefined;
    const blocks = (x: Tensor, rows: boolean) => {
      const [p, q] = x.shape.slice(-2);
      const lead = x.shape.slice(0, -2);
      const shape = rows ? [...lead, parts, p / parts, q] : [...lead, p, parts, q / parts];
      const cut = reshape(x, { shape });
      if (rows) return cut;
      const r = lead.length;
      const perm = [...lead.map((_, i) => i), r + 1, r, r + 2];
      return transpose(cut, { perm });
    };
    const left = blocks(a, Boolean(attrs.transposeA));
    const right = blocks(b, !attrs.transposeB);
    return sum(apply(op, [left, right], attrs)[0], { axis: -3 });
  }
  if (op.name === "convolve") {
    const [n, g, c, ...space] = a.shape;
    const [, o, , ...taps] = b.shape;
    const parts = divisor(c, cap / sizeOf(taps));
    if (parts === 1) return undefined;
    const x = reshape(a, { shape: [n, g * parts, c / parts, ...space] });
    const w = transpose(reshape(b, { shape: [g, o, parts, c / parts, ...taps] }), {
      perm: [0, 2, 1, 3, 4, 5],
    });
    const grouped = reshape(w, { shape: [g * parts, o, c / parts, ...taps] });
    const out = apply(op, [x, grouped], { ...attrs, g: g * parts, c: c / parts })[0];
    const [, , , oh, ow] = out.shape;
    return sum(reshape(out, { shape: [n, g, parts, o, oh, ow] }), { axis: 2 });
  }
  return undefined;
}

/** The least number of equal parts that brings a length under the cap. */
function divisor(length: number, cap: number): number {
  for (let parts = 1; parts < length; parts++) {
    if (length % parts === 0 && length / parts <= cap) return parts;
  }
  return cap >= 1 ? Math.max(1, length <= cap ? 1 : length) : length;
}
