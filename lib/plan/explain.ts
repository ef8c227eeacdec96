/**
 * What the way from a graph to kernels does, step by step: the text before and after each pass, and
 * how much was simplified, shared, folded and fused.
 * @module
 */
import { type Graph, orderOf, rootsOf } from "../core/graph.ts";
import type { Limits } from "../core/target.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import type { Law } from "../pass/rewrite.ts";
import { ownLaw } from "../pass/simplify.ts";
import { type Level, passesOf } from "../stage/level.ts";
import { compilePlan, decomposed } from "./compile.ts";

/** How much a graph holds. */
export interface Holds {
  /** Nodes that compute. */
  readonly operations: number;
  /** Nodes that hold a value. */
  readonly constants: number;
}

/** What one pass did. */
export interface PassReport {
  /** Its name, as `fold`. */
  readonly name: string;
  /** What the pass does, in a few words. */
  readonly doc: string;
  /** The graph before and after; one object if nothing changed. */
  readonly graphs: { readonly before: Graph; readonly after: Graph };
  /** How much there was. */
  readonly before: Holds;
  /** How much is left. */
  readonly after: Holds;
  /** How often each law found something; laws of an operation are called `of` it. */
  readonly laws: Readonly<Record<string, number>>;
  /** Operations that are one with an equal one now. */
  readonly shared: number;
  /** Operations whose values became constants. */
  readonly folded: number;
}

/** What became of a graph on its way to kernels. */
export interface Explanation {
  /** The level whose passes ran. */
  readonly level: Level;
  /** What each did, in order. */
  readonly passes: readonly PassReport[];
  /** The plan, where it was asked for. */
  readonly plan?: {
    /** Operations after those without a kernel of their own were taken apart. */
    readonly operations: number;
    /** What each kernel is called: its operations joined by `+`, without those inlined in them. */
    readonly kernels: readonly string[];
    /** Operations that have no kernel of their own because they are in another's. */
    readonly fused: number;
  };
}

/**
 * Runs the passes of a level and says what each did; with a target's limits the planner as well.
 *
 * ```ts
 * import { exp, f32, log, stage, type Tensor } from "@weft/weft";
 * import { explain } from "@weft/weft/report";
 *
 * const { passes } = explain(stage((x: Tensor) => log(exp(x)), [f32([2])]));
 * console.log(passes[1].name, passes[1].laws, passes[1].after.operations); // simplify, { logOfExp: 1 }, 0
 * ```
 */
export function explain(graph: Graph, level: Level = 2, limits?: Limits): Explanation {
  let before = graph;
  const passes = passesOf(level).map(({ name, doc, pass }): PassReport => {
    const laws: Record<string, number> = {};
    const after = pass(before, (law, t) => {
      const word = lawName(law, t);
      laws[word] = (laws[word] ?? 0) + 1;
    });
    const [had, has] = [holds(before), holds(after)];
    const gone = had.operations - has.operations;
    const report: PassReport = {
      ...{ name, doc, graphs: { before, after }, before: had, after: has, laws },
      shared: name === "share" ? gone : 0,
      folded: name === "fold" ? gone : 0,
    };
    before = after;
    return report;
  });
  return { level, passes, ...(limits ? { plan: planned(graph, level, limits) } : {}) };
}

function planned(graph: Graph, level: Level, limits: Limits): Explanation["plan"] {
  const { operations } = holds(decomposed(graph, limits, level));
  const { steps } = compilePlan(graph, limits, { optLevel: level });
  const kernels = steps.flatMap((step) => step.kind === "kernel" ? [step.name] : []);
  return { operations, kernels, fused: Math.max(0, operations - kernels.length) };
}

function lawName(law: Law, t: Tensor): string {
  return law === ownLaw ? `of ${t.node.op.name}` : law.name;
}

/** Operations and constants behind the roots of a graph. */
export function holds(graph: Graph): Holds {
  const nodes = orderOf(rootsOf(graph));
  const isOperation = ({ data, op }: Node) => data === undefined && op.name !== "arg";
  return {
    operations: nodes.filter(isOperation).length,
    constants: nodes.filter(({ data }) => data !== undefined).length,
  };
}
