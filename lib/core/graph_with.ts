/**
 * A graph with its roots replaced, cut by cut.
 * @module
 */
import type { Cut, Graph } from "./graph.ts";
import { printGraph } from "./print.ts";
import type { Tensor } from "./tensor.ts";

/** The graph whose cuts have these roots, in the order of `rootsOf`. */
export function graphWith(graph: Graph, roots: readonly Tensor[]): Graph {
  let at = 0;
  const cuts = graph.cuts.map((cut): Cut => {
    const own = roots.slice(at, at += cut.roots.length);
    return { ...cut, roots: own } as Cut;
  });
  const made: Graph = { ...graph, cuts, toString: () => printGraph(made) };
  return Object.freeze(made);
}
