/**
 * Rewriting by laws: each operation's own `simplify`, and the laws given, bottom-up, until nothing
 * changes or the budget is spent.
 * @module
 */
import { type Graph, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import type { Tensor } from "../core/tensor.ts";
import { sameType } from "../core/type.ts";

/** A simpler equal tensor, or `undefined`. */
export type Law = (t: Tensor) => Tensor | undefined;

/** Hears of each law that found something, and of the tensor before. */
export type Seen = (law: Law, t: Tensor) => void;

/** Applies laws to everything behind some tensors. */
export function rewriteRoots(
  roots: readonly Tensor[],
  laws: readonly Law[],
  seen: Seen = () => {},
  budget: number = 16,
): readonly Tensor[] {
  const once = (t: Tensor): Tensor | undefined => {
    for (const law of laws) {
      const simpler = law(t);
      if (simpler && simpler !== t && sameType(simpler, t)) {
        seen(law, t);
        return simpler;
      }
    }
    return undefined;
  };
  return rebuild(roots, (t) => {
    let now = t;
    for (let left = budget; left > 0; left--) {
      const next = once(now);
      if (!next) break;
      now = next;
    }
    return now === t ? undefined : now;
  });
}

/** Applies laws to a graph; the same object if nothing changed. */
export function rewrite(graph: Graph, laws: readonly Law[], seen?: Seen): Graph {
  const roots = rootsOf(graph);
  const made = rewriteRoots(roots, laws, seen);
  return made.every((t, i) => t === roots[i]) ? graph : graphWith(graph, made);
}
