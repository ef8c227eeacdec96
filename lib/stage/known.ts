/**
 * Arguments that are known before a graph runs: constants take their places.
 * @module
 */
import { constant } from "../core/leaf.ts";
import { type Graph, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import type { Host } from "../core/host.ts";
import type { Node } from "../core/tensor.ts";

/** The graph without the arguments that are known, by their index; each became a constant. */
export function withKnown(graph: Graph, known: ReadonlyMap<number, Host>): Graph {
  if (known.size === 0) return graph;
  const values = new Map<Node, Host>(
    [...known].map(([index, value]) => [graph.args[index].node, value]),
  );
  const roots = rebuild(rootsOf(graph), (_, { node }) => {
    const value = values.get(node);
    return value && constant(value, node.name);
  });
  const args = graph.args.filter((_, index) => !known.has(index));
  return graphWith({ ...graph, args }, roots);
}
