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
  // Nodes on the way down, and which of its operands each looks at next.
  const stack: Node[] = [], next: number[] = [];
  for (const { node: root } of roots) {
    if (done.has(root)) continue;
    stack.push(root);
    next.push(0);
    while (stack.length) {
      const top = stack.length - 1;
      const node = stack[top];
      if (next[top] === node.ins.length) {
        if (!done.has(node)) order.push(node);
        done.add(node);
        stack.pop();
        next.pop();
        continue;
      }
      const below = node.ins[next[top]++].node;
      if (done.has(below)) continue;
      stack.push(below);
      next.push(0);
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
    const news = node.ins.every((t) => at(t) === t) ? olds : rebuilt(node, node.ins.map(at));
    made.set(node, news.map((t, i) => change(t, olds[i]) ?? t));
  }
  return roots.map(at);
}

/** Inside a running call the new node belongs to it; a graph of its own belongs to none. */
function rebuilt({ op, attrs, data, name, site }: Node, ins: readonly Tensor[]): readonly Tensor[] {
  const closed = !ins.some((t) => t.node.call?.live);
  return apply(op, ins, attrs, { data, name, site, closed });
}
