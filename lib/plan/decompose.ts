/**
 * Decomposition: operations that no form computes are replaced by their compositions, until only
 * scalar operations, views and operations with a form remain.
 * @module
 */
import { type Graph, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { s } from "../core/scalar.ts";
import { kindOf } from "../core/scalar.ts";
import type { Draft } from "../core/op.ts";
import { draftOf } from "../core/draft.ts";

/** What a node computes when its operands are opaque, or `undefined` where it must be decomposed. */
export function draftOfNode(node: Node): Draft | undefined {
  const at = (k: number) => s.arg(k, kindOf(node.ins[k].dtype));
  return draftOf(node.op, at, node.ins, node.attrs, node.outs);
}

/** A graph in which every node has a form, is a view, or is a leaf. */
export function decompose(graph: Graph): Graph {
  const roots = rootsOf(graph);
  const made = decomposeRoots(roots);
  return made.every((t, i) => t === roots[i]) ? graph : graphWith(graph, made);
}

function decomposeRoots(roots: readonly Tensor[]): readonly Tensor[] {
  return rebuild(roots, (t) => {
    const { node } = t;
    if (node.ins.length === 0 && !node.op.compose) return undefined;
    if (node.op.scalar || node.op.view || draftOfNode(node)) return undefined;
    if (!node.op.compose) throw new TypeError(`internal: ${node.op.name} has no form`);
    const outs = node.op.compose(node.ins, node.attrs);
    return decomposeRoots([outs[t.out]])[0];
  });
}
