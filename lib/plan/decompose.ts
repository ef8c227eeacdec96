/**
 * Decomposition: operations that no form computes are replaced by their compositions, until only
 * scalar operations, views and operations with a form remain.
 * @module
 */
import { type Graph, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { kindOf, s } from "../core/scalar.ts";
import type { Draft } from "../core/op.ts";
import { draftOf } from "../core/draft.ts";
import type { Limits } from "../core/target.ts";
import { sizeOf } from "../core/type.ts";

/** What a node computes when its operands are opaque, or `undefined` where it must be decomposed. */
export function draftOfNode(node: Node): Draft | undefined {
  if (drafts.has(node)) return drafts.get(node);
  const made = madeDraft(node);
  drafts.set(node, made);
  return made;
}

/** Drafts of nodes, which never change: every pass asks for them. */
const drafts = new WeakMap<Node, Draft | undefined>();

function madeDraft(node: Node): Draft | undefined {
  const at = (k: number) => s.arg(k, kindOf(node.ins[k].dtype));
  return draftOf(node.op, at, node.ins, node.attrs, node.outs);
}

/** Elements of a row that one invocation should walk when there are few rows. */
const longestRow = 4096;

/** Few long rows keep few invocations busy and pass loop caps; their composition splits. */
function isLongRow(draft: Draft, limits: Limits): boolean {
  if (draft.kind !== "rows") return false;
  const rows = sizeOf(draft.shape);
  const passes = (draft.stages.length + 1) * sizeOf(draft.over);
  return passes > limits.iterations / 2 || (rows < 256 && sizeOf(draft.over) > longestRow);
}

/** A graph in which every node has a form, is a view, or is a leaf. */
export function decompose(graph: Graph, limits: Limits): Graph {
  const roots = rootsOf(graph);
  const made = decomposeRoots(roots, limits);
  return made.every((t, i) => t === roots[i]) ? graph : graphWith(graph, made);
}

function decomposeRoots(
  roots: readonly Tensor[],
  limits: Limits,
  done: readonly Tensor[] = [],
): readonly Tensor[] {
  const made = new Map<Node, readonly Tensor[] | undefined>();
  return rebuild(roots, (t) => {
    const { node } = t;
    if (node.ins.length === 0 && !node.op.compose) return undefined;
    if (node.op.scalar || node.op.view) return undefined;
    // several results of one node come from one composition
    if (!made.has(node)) made.set(node, composition(node, limits));
    return made.get(node)?.[t.out];
  }, done);
}

/** What a node is made of, itself decomposed; `undefined` where a form computes it. */
function composition(node: Node, limits: Limits): readonly Tensor[] | undefined {
  const draft = draftOfNode(node);
  if (draft && !(node.op.compose && isLongRow(draft, limits))) return undefined;
  if (!node.op.compose) throw new TypeError(`internal: ${node.op.name} has no form`);
  return decomposeRoots(node.op.compose(node.ins, node.attrs), limits, node.ins);
}
