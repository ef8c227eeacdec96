/**
 * A graph as the operators of a file: made legal, written, and rewritten for inference in between
 * and behind, as far as that is asked for.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { optimize } from "../stage/level.ts";
import { fuseArithmetic } from "./infer/arith.ts";
import { fuseBias, fuseZ, withinReach } from "./infer/conv_bias.ts";
import { fuseGrain } from "./infer/grain.ts";
import { computedInHalf, halved } from "./infer/half.ts";
import { inLayout } from "./infer/layout.ts";
import { foldNorms } from "./infer/norm.ts";
import type { Inference } from "./infer/options.ts";
import { fusePreprocess, prepared } from "./infer/preprocess.ts";
import { type ListRule, rewritten } from "./infer/rewrite.ts";
import { legalised, writeOperators, type Written } from "./legal.ts";
import type { Container } from "./legal/site.ts";

/** How a graph becomes operators. */
export interface Making {
  readonly format: Container;
  /** 0: what was written; 1: algebra, folding, sharing first. */
  readonly level: 0 | 1;
  readonly inference: Inference;
}

/** The operators of a graph; its arguments get the names given. */
export function operatorsOf(
  graph: Graph,
  { format, level, inference }: Making,
  argNames: readonly string[],
): Written {
  const ready = inference.plain ? readied(optimize(graph, level), inference) : graph;
  const written = writeOperators(legalised(ready, format, level), format, argNames);
  const listed = listRules(inference).reduce(rewritten, written);
  const laid = inference.layout ? inLayout(listed, inference.layout) : listed;
  return inference.fuseBias ? rewritten(laid, withinReach) : laid;
}

/** What is done while operations are still the author's. */
function readied(graph: Graph, { preprocess, half }: Inference): Graph {
  const folded = foldNorms(graph);
  const first = preprocess ? prepared(folded) : folded;
  return half ? halved(first) : first;
}

/** What is done to the list, in order. */
function listRules({ plain, grain, preprocess, half, fuseBias: bias, fuseZ: z }: Inference) {
  const rules: readonly (readonly [boolean, ListRule])[] = [
    [plain, fuseArithmetic],
    [grain, fuseGrain],
    [preprocess, fusePreprocess],
    [half === "ioc16", computedInHalf],
    [bias, fuseBias],
    [z, fuseZ],
  ];
  return rules.flatMap(([on, rule]) => on ? [rule] : []);
}
