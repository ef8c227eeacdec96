/**
 * Folding: each largest static part of a graph becomes a constant, if the result is small enough.
 * Large results are deferred: a source that evaluates its recipe when its bytes are asked for, so
 * folding never loads a model.
 * @module
 */
import { evaluate, evaluateNow } from "../cpu/evaluate.ts";
import { type Graph, orderOf, rebuild, rootsOf, usersOf } from "../core/graph.ts";
import { bytesIn, type Host, isHost, isSource, type Source } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import { isTensor, type Node, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree } from "../core/tree.ts";
import { bytesOf } from "../core/type.ts";
import { bind } from "./bind.ts";
import { graphWith } from "../core/graph_with.ts";

/** A folded result up to this many bytes is kept whatever its inputs were. */
const small = 64 * 1024;
/** Recipes of at most this many bytes of operands are evaluated at once. */
const instant = 16 * 1024;

/** A source that computes its bytes from the terms behind it. */
export function deferred(t: Tensor): Source {
  return {
    dtype: t.dtype,
    shape: t.shape,
    async *open() {
      const [value] = await evaluate([t]);
      const bytes = bytesIn(value.data);
      const step = 1 << 20;
      for (let at = 0; at < bytes.byteLength; at += step) yield bytes.subarray(at, at + step);
    },
  };
}

/** Replaces largest static parts by constants. */
export function foldRoots(roots: readonly Tensor[]): readonly Tensor[] {
  const times = bind(roots);
  const order = orderOf(roots);
  const users = usersOf(order);
  const ends = new Set(roots.map((t) => t.node));
  const folded = new Set<Node>();
  for (const node of order) {
    if (times.get(node) !== "static" || node.data !== undefined) continue;
    const outer = ends.has(node) || users.get(node)!.some((u) => times.get(u) === "dynamic");
    if (outer && isWorthFolding(node)) folded.add(node);
  }
  if (!folded.size) return roots;
  return rebuild(roots, (t, old) => folded.has(old.node) ? foldedConstant(t) : undefined);
}

/** Operations that only spread or count: folding them would store what costs nothing to make. */
const spreading: ReadonlySet<string> = new Set([
  "broadcastTo",
  "reshape",
  "transpose",
  "iota",
  "zero",
]);

/** A folded broadcast must not swell the plan or the file. */
function isWorthFolding(node: Node): boolean {
  // Other extents over the same elements; there are many of them.
  if (node.op.name === "reshape" && node.ins[0].node.data) return true;
  const out = node.outs.reduce((n, t) => n + bytesOf(t), 0);
  const fed = leafBytes(node);
  const made = orderOf(node.results).filter((x) => !x.data);
  if (out > fed && made.every((x) => spreading.has(x.op.name))) return false;
  return out <= small || out <= 2 * fed;
}

function leafBytes(node: Node): number {
  return orderOf(node.results).reduce((n, x) => n + (x.data ? bytesOf(x.outs[0]) : 0), 0);
}

/** A static term as a constant: computed now if that is little work, else deferred. */
export function foldedConstant(t: Tensor, name?: string): Tensor {
  const { op, ins, data } = t.node;
  if (data) return t;
  const held = op.name === "reshape" ? ins[0].node.data : undefined;
  // Other extents over the same elements need no copy.
  if (isHost(held)) return constant({ ...held, shape: t.shape }, name);
  if (isSource(held)) return constant({ ...held, shape: t.shape, open: () => held.open() }, name);
  const now = orderOf([t]).every((x) => !x.data || isHost(x.data)) &&
    leafBytes(t.node) + bytesOf(t) <= instant;
  return constant(now ? evaluateNow([t])[0] as Host : deferred(t), name);
}

/** A graph with its static parts folded. */
export function fold(graph: Graph): Graph {
  const roots = rootsOf(graph);
  const folded = foldRoots(roots);
  return folded.every((t, i) => t === roots[i]) ? graph : graphWith(graph, folded);
}

/**
 * A function of what is not yet known. `f` takes a record and `known` holds some of its fields, or
 * `f` takes positions and `known` lists them, `undefined` for the open ones. In the residual graph
 * everything that depends only on what is known is folded.
 */
export function specialize<A extends object, K extends keyof A, R>(
  f: (a: A) => R,
  known: Pick<A, K>,
): (rest: Omit<A, K>) => R;
/** The same for a function of positions; open ones are `undefined` in the list. */
export function specialize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  known: readonly unknown[],
): (...rest: unknown[]) => R;
export function specialize(
  f: (...args: never[]) => unknown,
  known: Record<string, unknown> | readonly unknown[],
): (...rest: unknown[]) => unknown {
  const apply = (...args: unknown[]) => foldTree(f(...args as never[]));
  if (!Array.isArray(known)) {
    return (rest: unknown) => apply({ ...(rest as object), ...known });
  }
  return (...rest: unknown[]) => {
    const left = [...rest];
    const filled = known.map((k) => k === undefined ? left.shift() : k);
    return apply(...filled, ...left);
  };
}

function foldTree(result: unknown): unknown {
  const roots = leavesOf(result, isTensor).map(({ leaf }) => leaf);
  const folded = foldRoots(roots);
  let at = 0;
  return mapTree(result, isTensor, () => folded[at++]);
}
