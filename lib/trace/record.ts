/**
 * One call of a traced function: its argument leaves, the cuts it reached, and its result. Reading
 * a value inside the call computes what is behind it and goes on with the number.
 * @module
 */
import { type Cut, type Graph, orderOf, rebuild } from "../core/graph.ts";
import type { Host, Resident } from "../core/host.ts";
import { arg, isLiteral } from "../core/leaf.ts";
import { printGraph } from "../core/print.ts";
import { apply, type Call, isTensor, type Node, type Tensor } from "../core/tensor.ts";
import { mapTree, type Path, pathText } from "../core/tree.ts";
import { graphOf, resultLeaves } from "../stage/stage.ts";

/** What a call did. */
export interface Recording {
  /** The program: arguments first, then what excluded regions gave; one cut a read, then the end. */
  readonly graph: Graph;
  readonly result: unknown;
  /** Values that excluded regions gave, in the order of the graph's further arguments. */
  readonly admitted: readonly Host[];
  readonly reads: number;
}

/** Computes one term of a call from the leaves that it has so far. */
export type Compute = (
  t: Tensor,
  leaves: readonly Tensor[],
  admitted: readonly Host[],
) => Promise<Host>;

/** Calls a function with fresh leaves that belong to a call of their own. */
export async function record(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  compute: Compute | undefined,
  sealed: boolean = false,
): Promise<Recording> {
  const leaves: Tensor[] = [];
  const admitted: Host[] = [];
  const cuts: Cut[] = [];
  const call: Call = {
    name: f.name || "traced function",
    live: true,
    sealed,
    ...(compute
      ? {
        read(t: Tensor): Promise<Host> {
          cuts.push({ kind: "read", roots: [t], site: new Error("read") });
          return compute(t, leaves, admitted);
        },
        admit(value: Host): Tensor {
          const leaf = arg(value, undefined, call);
          leaves.push(leaf);
          admitted.push(value);
          return leaf;
        },
      }
      : {}),
  };
  try {
    const given = mapTree(args, isTensor, (t, path) => {
      const leaf = arg(t, nameOf(t, path), call);
      leaves.push(leaf);
      return leaf;
    }) as unknown[];
    const returned = f(...given as never[]);
    const result = returned instanceof Promise ? await returned : returned;
    const { roots, names } = resultLeaves(result);
    const all: Cut[] = [...cuts, { kind: "end", roots }];
    return { graph: closed(leaves, all, names), result, admitted, reads: cuts.length };
  } finally {
    call.live = false;
  }
}

/** The program of a call that has ended: the same nodes on leaves that belong to no call. */
function closed(leaves: readonly Tensor[], cuts: readonly Cut[], names: readonly string[]): Graph {
  const fresh = new Map(leaves.map((t) => [t, leafLike(t)]));
  const roots = rebuild(cuts.flatMap((c) => [...c.roots]), (_, old) => fresh.get(old));
  let at = 0;
  const graph: Graph = {
    args: [...fresh.values()],
    cuts: cuts.map((c) => ({ ...c, roots: roots.slice(at, at += c.roots.length) }) as Cut),
    names,
    toString: () => printGraph(graph),
  };
  return Object.freeze(graph);
}

/** A term of a running call as a graph of its own. */
export function closedGraph(leaves: readonly Tensor[], roots: readonly Tensor[]): Graph {
  return closed(leaves, [{ kind: "end", roots }], []);
}

function leafLike(t: Tensor): Tensor {
  const { op, name, site } = t.node;
  return apply(op, [], {}, { type: { dtype: t.dtype, shape: t.shape }, name, site })[0];
}

/** The author's own name of a tensor, else where it stands in a record argument. */
function nameOf(t: Tensor, path: Path): string | undefined {
  return t.node.name ?? (path.length > 1 ? pathText(path.slice(1)) : undefined);
}

/** Leaves with values, other than numbers written in the program, that a graph holds. */
export function capturedIn(graph: Graph): readonly Tensor[] {
  const nodes = orderOf(graph.cuts.flatMap((c) => [...c.roots]));
  return nodes.filter(isCaptured).map((node) => node.results[0]);
}

/** True for a leaf that holds a value, other than a number written in the program. */
export function isCaptured(node: Node): boolean {
  return node.data !== undefined && !isLiteral(node);
}

/** The graph to its end only, with captured tensors as further arguments. */
export function openGraph(graph: Graph, captured: readonly Tensor[]): Graph {
  const end = graph.cuts[graph.cuts.length - 1];
  if (!captured.length) return graphOf(graph.args, end.roots, graph.names);
  const leaves = new Map(captured.map((t) => [t, arg(t)]));
  const roots = rebuild(end.roots, (_, old) => leaves.get(old));
  return graphOf([...graph.args, ...leaves.values()], roots, graph.names);
}

/** What a plan is given: host values or what a machine holds. */
export type Given = Host | Resident;
