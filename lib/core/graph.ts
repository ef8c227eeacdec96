/**
 * A closed program: its arguments, its cuts in the order they were reached, and its names. A plain
 * graph has one cut, the end.
 * @module
 */
import { apply, type HoleFn, type Node, type Tensor } from "./tensor.ts";

/** Where the program stops: to give a value out, to run a host function, or because it ends. */
export type Cut =
  | { readonly kind: "read"; readonly roots: readonly [Tensor]; readonly site?: Error }
  | {
    readonly kind: "hole";
    readonly roots: readonly Tensor[];
    /** Arguments of the graph that hold what the function gives. */
    readonly outs: readonly Tensor[];
    readonly fn: HoleFn;
    readonly site?: Error;
  }
  | { readonly kind: "end"; readonly roots: readonly Tensor[] };

/** A program staged from a function. */
export interface Graph {
  /** Argument leaves, in order. */
  readonly args: readonly Tensor[];
  /** Where the program stops; the last cut is the end. */
  readonly cuts: readonly Cut[];
  /** Names of the results. */
  readonly names: readonly string[];
  /** The canonical text. */
  toString(): string;
}

/** A rewriting of graphs; the same object if nothing changed. */
export type Pass = (graph: Graph) => Graph;

/** Everything that any cut of the graph needs, in the order of the cuts. */
export function rootsOf(graph: Graph): readonly Tensor[] {
  return graph.cuts.flatMap((cut) => [...cut.roots]);
}

/** The results: the roots of the last cut. */
export function resultsOf(graph: Graph): readonly Tensor[] {
  return graph.cuts[graph.cuts.length - 1].roots;
}

/**
 * The nodes behind some tensors, operands before users, in a stable depth-first order; without those
 * in `known` and what is only behind them.
 */
export function orderOf(
  roots: readonly Tensor[],
  known: Iterable<Node> = [],
): readonly Node[] {
  const order: Node[] = [];
  const done = new Set<Node>(known);
  for (const root of roots) {
    const stack: { node: Node; next: number }[] = [{ node: root.node, next: 0 }];
    while (stack.length) {
      const top = stack[stack.length - 1];
      if (done.has(top.node)) {
        stack.pop();
      } else if (top.next < top.node.ins.length) {
        const below = top.node.ins[top.next++].node;
        if (!done.has(below)) stack.push({ node: below, next: 0 });
      } else {
        done.add(top.node);
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

/** The nodes that use each node, among those behind the roots. */
export function usersOf(order: readonly Node[]): ReadonlyMap<Node, readonly Node[]> {
  const users = new Map<Node, Node[]>(order.map((node) => [node, []]));
  for (const node of order) {
    for (const below of new Set(node.ins.map((t) => t.node))) users.get(below)!.push(node);
  }
  return users;
}

/**
 * Rebuilds what is behind some tensors, operands first. `change` gets each tensor rebuilt on new
 * operands and may give another of the same type; untouched parts stay the same objects, and so does
 * what makes the tensors in `kept`.
 */
export function rebuild(
  roots: readonly Tensor[],
  change: (tensor: Tensor, old: Tensor) => Tensor | undefined,
  kept: readonly Tensor[] = [],
): readonly Tensor[] {
  const made = new Map<Node, readonly Tensor[]>(kept.map(({ node }) => [node, node.results]));
  const at = (t: Tensor) => made.get(t.node)![t.out];
  for (const node of orderOf(roots, made.keys())) {
    const olds = node.results;
    const ins = node.ins.map(at);
    const same = ins.every((t, i) => t === node.ins[i]);
    const { data, name, site } = node;
    // Inside a running call the new nodes belong to it; a graph of its own belongs to none.
    const closed = !ins.some((t) => t.node.call?.live);
    const news = same ? olds : apply(node.op, ins, node.attrs, { data, name, site, closed });
    made.set(node, news.map((t, i) => change(t, olds[i]) ?? t));
  }
  return roots.map(at);
}
