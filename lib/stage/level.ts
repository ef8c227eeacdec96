/**
 * What the optimisation levels mean for a graph; fusion and kernel choice are the planner's.
 * @module
 */
import type { Graph, Pass } from "../core/graph.ts";
import { fold } from "./specialize.ts";
import { rewrite } from "../pass/rewrite.ts";
import { share } from "../pass/share.ts";
import { identities, simplify } from "../pass/simplify.ts";

/** 0: what was written; 1: algebra, folding, sharing; 2: plus fusion; 3: plus measured kernels. */
export type Level = 0 | 1 | 2 | 3;

/** The passes of a level, by name and in order. */
export function passesOf(level: Level): readonly { readonly name: string; readonly pass: Pass }[] {
  const bare = { name: "identities", pass: (g: Graph) => rewrite(g, identities) };
  if (level === 0) return [bare];
  return [
    bare,
    { name: "simplify", pass: simplify },
    { name: "share", pass: share },
    { name: "fold", pass: fold },
    { name: "tidy", pass: simplify },
  ];
}

/** A graph after the passes of a level. */
export function optimize(graph: Graph, level: Level = 2): Graph {
  return passesOf(level).reduce((g, { pass }) => pass(g), graph);
}
