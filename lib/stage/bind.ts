/**
 * Binding times: a node is static when nothing behind it is an argument.
 * @module
 */
import { type Graph, orderOf, rootsOf } from "../core/graph.ts";
import type { Node, Tensor } from "../core/tensor.ts";

/** When a node's value is known: while specialising, or only when the graph runs. */
export type Binding = "static" | "dynamic";

/** The binding time of every node behind some tensors. */
export function bind(
  roots: readonly Tensor[],
  isDynamic: (leaf: Node) => boolean = (leaf) => leaf.data === undefined,
): ReadonlyMap<Node, Binding> {
  const times = new Map<Node, Binding>();
  for (const node of orderOf(roots)) {
    const leaf = node.op.name === "arg" || node.op.name === "data";
    const dynamic = leaf ? isDynamic(node) : node.ins.some((t) => times.get(t.node) === "dynamic");
    times.set(node, dynamic ? "dynamic" : "static");
  }
  return times;
}

/**
 * When each value of a graph is known, `static` or `dynamic`, for its printed line.
 *
 * ```ts
 * import { add, bindingOf, exp, f32, printGraph, stage, type Tensor, tensor } from "@weft/weft";
 *
 * const graph = stage((x: Tensor) => add(x, exp(tensor([1, 2]))), [f32([2])]);
 * console.log(printGraph(graph, bindingOf(graph))); // exp is static, add is dynamic
 * ```
 */
export function bindingOf(graph: Graph): (node: Node) => string {
  const times = bind([...graph.args, ...rootsOf(graph)]);
  return (node) => times.get(node) ?? "";
}
