/**
 * What the optimisation levels mean for a graph; fusion and kernel choice are the planner's.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { fold } from "./specialize.ts";
import { rewrite, type Seen } from "../pass/rewrite.ts";
import { share } from "../pass/share.ts";
import { identities, simplify } from "../pass/simplify.ts";

/** 0: what was written; 1: algebra, folding, sharing; 2: plus fusion; 3: plus measured kernels. */
export type Level = 0 | 1 | 2 | 3;

/** A pass with what it is called. */
export interface NamedPass {
  readonly name: string;
  /** What it does, in a few words. */
  readonly doc: string;
  /** Gives the same graph if it changes nothing; `seen` hears of laws that found something. */
  pass(graph: Graph, seen?: Seen): Graph;
}

/** The passes of a level, by name and in order. */
export function passesOf(level: Level): readonly NamedPass[] {
  const bare: NamedPass = {
    name: "identities",
    doc: "drops what only staging looks for",
    pass: (graph, seen) => rewrite(graph, identities, seen),
  };
  if (level === 0) return [bare];
  return [
    bare,
    { name: "simplify", doc: "applies the laws of algebra", pass: simplify },
    { name: "share", doc: "makes equal terms one", pass: (graph) => share(graph) },
    { name: "fold", doc: "makes static terms constants", pass: (graph) => fold(graph) },
    { name: "tidy", doc: "applies the laws to what is left", pass: simplify },
  ];
}

/** A graph after the passes of a level. */
export function optimize(graph: Graph, level: Level = 2): Graph {
  return passesOf(level).reduce((g, { pass }) => pass(g), graph);
}
