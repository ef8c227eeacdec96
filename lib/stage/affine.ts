/**
 * Chains of sums and products with constants behind one term: together they are one scale and one
 * shift, which the term may take in. So a norm in inference vanishes into its convolution.
 * @module
 */
import { type Graph, orderOf, rebuild, rootsOf, usersOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import { literal } from "../core/leaf.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { broadcastShapes, sameShape } from "../core/type.ts";
import { add, div, mul, neg, sub } from "../ops/arithmetic.ts";
import { bind } from "./bind.ts";

/** A term, and what a chain does to it: base · scale + shift. */
export interface Affine {
  readonly base: Tensor;
  /** Absent: 1. */
  readonly scale?: Tensor;
  /** Absent: 0. */
  readonly shift?: Tensor;
}

/** What chains may begin at, and which constants may be in them. */
export interface Chain {
  isBase(t: Tensor): boolean;
  /** True if the base can take in a constant of this shape. */
  fits(shape: readonly number[], base: Tensor): boolean;
  /** The whole chain in another form; `undefined` to leave it. */
  taken(chain: Affine, length: number): Tensor | undefined;
}

/** The operations that chains are made of. */
export const arithmetic: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "neg"]);

/** Rewrites the longest chains of a graph. */
export function withChains(graph: Graph, chain: Chain): Graph {
  const roots = rootsOf(graph);
  const order = orderOf(roots);
  const times = bind(roots);
  const users = usersOf(order);
  const ends = new Set(roots.map((t) => t.node));
  const isStatic = (t: Tensor) => times.get(t.node) === "static";
  const bases = new Map<Node, Tensor>();
  const passed = new Set<Node>();
  for (const node of order) {
    const [own] = node.results;
    if (chain.isBase(own)) bases.set(node, own);
    if (!arithmetic.has(node.op.name) || own.dtype !== "f32") continue;
    const open = node.ins.find((t) => !isStatic(t));
    const base = open && bases.get(open.node);
    const others = node.ins.filter((t) => t !== open);
    const goesOn = base && others.length === node.ins.length - 1 &&
      users.get(open.node)!.length === 1 && !ends.has(open.node) &&
      sameShape(own.shape, base.shape) &&
      others.every((t) => isStatic(t) && chain.fits(t.shape, base));
    if (!goesOn) continue;
    bases.set(node, base);
    passed.add(open.node);
  }
  const tops = new Map<Node, number>();
  for (const [node, base] of bases) {
    if (!passed.has(node) && node !== base.node) {
      tops.set(node, lengthOf(node, base.node, isStatic));
    }
  }
  if (!tops.size) return graph;
  const changed = rebuild(roots, (t, old) => {
    const length = tops.get(old.node);
    return length === undefined ? undefined : chain.taken(affineOf(t, length, isStatic), length);
  });
  return graphWith(graph, changed);
}

function lengthOf(from: Node, base: Node, isStatic: (t: Tensor) => boolean): number {
  let length = 0;
  for (let at = from; at !== base; length++) at = at.ins.find((t) => !isStatic(t))!.node;
  return length;
}

/** The scale and the shift of a chain of so many operations. */
function affineOf(t: Tensor, length: number, isStatic: (t: Tensor) => boolean): Affine {
  if (length === 0) return { base: t };
  const { op, ins } = t.node;
  const at = ins.findIndex((x) => !isStatic(x));
  const { base, scale, shift } = affineOf(ins[at], length - 1, isStatic);
  const other = ins[1 - at];
  switch (op.name) {
    case "add":
      return { base, scale, shift: shift ? add(shift, other) : other };
    case "sub":
      return at === 0
        ? { base, scale, shift: shift ? sub(shift, other) : neg(other) }
        : { base, scale: negated(scale), shift: shift ? sub(other, shift) : other };
    case "mul":
      return { base, scale: scale ? mul(scale, other) : other, shift: shift && mul(shift, other) };
    case "div":
      return { base, scale: div(scale ?? 1, other), shift: shift && div(shift, other) };
    default:
      return { base, scale: negated(scale), shift: shift && neg(shift) };
  }
}

function negated(scale: Tensor | undefined): Tensor {
  return scale ? neg(scale) : literal(-1, "f32");
}

/** True if a shape spreads to [1,c,1,1] at most. */
export function isPerChannel(shape: readonly number[], channels: number): boolean {
  const spread = broadcastShapes(shape, [1, channels, 1, 1]);
  return spread !== undefined && sameShape(spread, [1, channels, 1, 1]);
}
