/**
 * Staging: calling a function with argument leaves gives the graph of what it computes. Loops and
 * branches on host values run now and are gone from the result.
 * @module
 */
import { StageError } from "../core/fault.ts";
import type { Graph } from "../core/graph.ts";
import { arg } from "../core/leaf.ts";
import { printGraph } from "../core/print.ts";
import { type Call, isTensor, located, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, pathText } from "../core/tree.ts";
import { dtypes, type Named, type Type } from "../core/type.ts";

/** True for a type, with or without a name. */
export function isType(value: unknown): value is Type | Named {
  if (typeof value !== "object" || value === null || isTensor(value)) return false;
  const t = value as Type;
  return dtypes.includes(t.dtype) && Array.isArray(t.shape) && !("data" in t) && !("open" in t);
}

/** What staging a function gave: the graph, and the structure of its result. */
export interface Staged {
  readonly graph: Graph;
  /** The function's result with its tensors, to rebuild the structure. */
  readonly result: unknown;
}

/** A graph that ends with some tensors. */
export function graphOf(
  args: readonly Tensor[],
  roots: readonly Tensor[],
  names: readonly string[] = [],
): Graph {
  const graph: Graph = {
    args,
    cuts: [{ kind: "end", roots }],
    names,
    toString: () => printGraph(graph),
  };
  return Object.freeze(graph);
}

/** Refuses a result that is no tensor, list or record of tensors; gives its leaves and names. */
export function resultLeaves(result: unknown): { roots: Tensor[]; names: string[] } {
  if (typeof (result as { then?: unknown } | undefined)?.then === "function") {
    throw located(
      new StageError(
        "Cannot stage a function that returns a promise: models are synchronous\n" +
          "  try trace(), which takes async functions",
        { code: "stage.async" },
      ),
      new Error("stage"),
    );
  }
  const leaves = leavesOf(result, isTensor);
  return {
    roots: leaves.map(({ leaf }) => leaf),
    names: leaves.map(({ path }) => path.every((p) => typeof p === "string") ? pathText(path) : ""),
  };
}

/** Stages a function for argument types; each argument may be a tree of types. */
export function stageTree(
  f: (...args: never[]) => unknown,
  types: readonly unknown[],
  call?: Call,
): Staged {
  const args: Tensor[] = [];
  const given = types.map((tree) =>
    mapTree(tree, isType, (type, path) => {
      const name = "name" in type ? type.name : path.length ? pathText(path) : undefined;
      const leaf = arg(type, name, call);
      args.push(leaf);
      return leaf;
    })
  );
  const result = f(...given as never[]);
  const { roots, names } = resultLeaves(result);
  return { graph: graphOf(args, roots, names), result };
}

/**
 * The graph of a function for argument types: printable, comparable, the input of every pass.
 * Each argument may be a type, or an array or record of types.
 */
export function stage(f: (...args: never[]) => unknown, types: readonly unknown[]): Graph {
  return stageTree(f, types).graph;
}
