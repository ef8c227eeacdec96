/**
 * One call of a traced function: its argument leaves, the cuts it reached, and its result. Reading
 * a value inside the call computes what is behind it and goes on with the number.
 * @module
 */
import { type Cut, type Graph, orderOf, rebuild } from "../core/graph.ts";
import type { Host, Resident } from "../core/host.ts";
import { arg, argOp, isLiteral } from "../core/leaf.ts";
import { printGraph } from "../core/print.ts";
import { apply, type Call, isTensor, type Node, type Tensor } from "../core/tensor.ts";
import { mapTree, type Path, pathText } from "../core/tree.ts";
import type { Type } from "../core/type.ts";
import { graphOf, resultLeaves } from "../stage/stage.ts";

/** What a call did. */
export interface Recording {
  /** The program: arguments first, then what excluded regions gave; one cut a read, then the end. */
  readonly graph: Graph;
  readonly result: unknown;
  /** Values that excluded regions gave, in the order of the graph's further arguments. */
  readonly admitted: readonly Host[];
}

/** Computes terms of a call from the leaves that it has so far. */
export type Compute = (
  roots: readonly Tensor[],
  leaves: readonly Tensor[],
  admitted: readonly Host[],
) => Promise<readonly Host[]>;

/** How a call is recorded. */
export interface Recorder {
  /** Absent where nothing runs. */
  readonly compute?: Compute;
  /** The author may not read values. */
  readonly sealed?: boolean;
  /** Where the call was made. */
  readonly site?: Error;
}

/** What an excluded region has given so far. */
interface Gap {
  readonly outs: Tensor[];
  readonly values: Host[];
}

/** Calls a function with fresh leaves that belong to a call of their own. */
export async function record(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  { compute, sealed = false, site }: Recorder = {},
): Promise<Recording> {
  const own: Tensor[] = [];
  const gaps: Gap[] = [];
  const cuts: Cut[] = [];
  // Regions may end in another order than they began, in which they are compared.
  const leaves = () => [...own, ...gaps.flatMap(({ outs }) => outs)];
  const admitted = () => gaps.flatMap(({ values }) => values);
  const leaf = (type: Type, name: string | undefined, site: Error | undefined) =>
    apply(argOp, [], {}, { type: { dtype: type.dtype, shape: type.shape }, name, call, site })[0];
  const call: Call = {
    name: f.name || "traced function",
    live: true,
    sealed,
    ...(compute
      ? {
        async read(t: Tensor): Promise<Host> {
          cuts.push({ kind: "read", roots: [t], site: new Error("read") });
          return (await compute([t], leaves(), admitted()))[0];
        },
      }
      : {}),
    exclude(taken, fn, site) {
      const gap: Gap = { outs: [], values: [] };
      gaps.push(gap);
      cuts.push({ kind: "hole", roots: taken, outs: gap.outs, fn, site });
      return {
        taken: compute?.(taken, leaves(), admitted()),
        admit(given) {
          gap.outs.push(...given.map((type) => leaf(type, undefined, site)));
          if (compute) gap.values.push(...given as readonly Host[]);
          return gap.outs;
        },
      };
    },
  };
  try {
    const given = mapTree(args, isTensor, (t, path) => {
      own.push(leaf(t, nameOf(t, path), site));
      return own[own.length - 1];
    }) as unknown[];
    const returned = f(...given as never[]);
    const result = returned instanceof Promise ? await returned : returned;
    const { roots, names } = resultLeaves(result);
    const all: Cut[] = [...cuts, { kind: "end", roots }];
    return { graph: closed(leaves(), all, names), result, admitted: admitted() };
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
    cuts: cuts.map((c) =>
      ({
        ...c,
        roots: roots.slice(at, at += c.roots.length),
        ...(c.kind === "hole" ? { outs: c.outs.map((t) => fresh.get(t)!) } : {}),
      }) as Cut
    ),
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
