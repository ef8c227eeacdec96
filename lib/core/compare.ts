/**
 * Lock-step comparison of two stagings of one function: node by node in the order they were
 * reached, with the reason and both nodes where they first differ.
 * @module
 */
import { type Cut, type Graph, orderOf, resultsOf, rootsOf } from "./graph.ts";
import { type Data, type Host, isHost } from "./host.ts";
import { isLiteral } from "./leaf.ts";
import { printAttrs } from "./print.ts";
import type { Node, Tensor } from "./tensor.ts";
import { sameType } from "./type.ts";

/** MegEngine's wording of why a call differs from its record. */
export type Reason =
  | "operator mismatch"
  | "tensors not equals"
  | "input id mismatch"
  | "input size mismatch"
  | "expect internal node, got external"
  | "expect external node, got internal"
  | "too many instructions"
  | "mismature end"
  | "value unreadable"
  | "data unreadable"
  | "dtype mismatch"
  | "name mismatch";

/** Where two graphs first differ. */
export interface Difference {
  readonly reason: Reason;
  readonly recorded?: Side;
  readonly found?: Side;
}

/** One of the two graphs where they differ. */
export interface Side {
  readonly node: Node;
  /** What the node is here, where that is not plain: `reads`, `ends with`. */
  readonly role?: string;
  /** Where the author wrote it, for a read; else the node knows. */
  readonly site?: Error;
}

/** How two constants are compared; by default every element must be equal. */
export type Comparator = (a: ArrayLike<number>, b: ArrayLike<number>) => boolean;

function isExternal(node: Node): boolean {
  return node.data !== undefined || node.op.name === "arg";
}

/** True if two arrays hold the same elements; NaN equals NaN. */
export function equalElements(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/**
 * The first difference between a recorded graph and one staged later, or `undefined`. Values of
 * leaves that are `bound` anew at each call may differ, their types may not. `values` has those that
 * are not in memory; without one, two such leaves count as equal.
 */
export function difference(
  recorded: Graph,
  found: Graph,
  comparator: Comparator = equalElements,
  bound: (leaf: Node) => boolean = () => false,
  values: ReadonlyMap<Data, Host> = new Map(),
): Difference | undefined {
  const [before, now] = [readsOf(recorded), readsOf(found)];
  if (now.length !== before.length) {
    const more = now.length > before.length;
    const { roots: [{ node }], site } = (more ? now : before)[Math.min(now.length, before.length)];
    const [reading, ending] = [{ node, role: "reads", site }, endOf(more ? recorded : found)];
    return more
      ? { reason: "value unreadable", ...sides(ending, reading) }
      : { reason: "data unreadable", ...sides(reading, ending) };
  }
  const a = orderOf([...recorded.args, ...rootsOf(recorded)]);
  const b = orderOf([...found.args, ...rootsOf(found)]);
  const places = [new Map(a.map((n, i) => [n, i])), new Map(b.map((n, i) => [n, i]))] as const;
  const id = (which: 0 | 1, t: Tensor) => `${places[which].get(t.node)}.${t.out}`;
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const reason = nodeDifference(a[i], b[i], id, comparator, bound, values);
    if (reason) return { reason, recorded: { node: a[i] }, found: { node: b[i] } };
  }
  if (b.length > a.length) {
    return { reason: "too many instructions", ...sides(endOf(recorded), { node: b[a.length] }) };
  }
  if (b.length < a.length) {
    return { reason: "mismature end", ...sides({ node: a[b.length] }, endOf(found)) };
  }
  const [ra, rb] = [rootsOf(recorded), rootsOf(found)];
  if (ra.length !== rb.length) {
    return { reason: "input size mismatch", ...sides(endOf(recorded), endOf(found)) };
  }
  const at = (role: string, i: number) =>
    sides({ node: ra[i].node, role }, { node: rb[i].node, role });
  const wrong = ra.findIndex((t, i) => id(0, t) !== id(1, rb[i]));
  if (wrong >= 0) return { reason: "input id mismatch", ...at("gives", wrong) };
  const other = recorded.names.findIndex((name, i) => name !== found.names[i]);
  if (other < 0) return undefined;
  const ends = [resultsOf(recorded)[other], resultsOf(found)[other]];
  const [x, y] = [recorded, found].map(({ names }, i) => ({
    node: ends[i].node,
    role: names[other] ? `gives as ${names[other]}` : "gives",
  }));
  return { reason: "name mismatch", ...sides(x, y) };
}

function sides(recorded: Side | undefined, found: Side | undefined): Omit<Difference, "reason"> {
  return { ...(recorded ? { recorded } : {}), ...(found ? { found } : {}) };
}

/** What a graph ends with, if it gives anything. */
function endOf(graph: Graph): Side | undefined {
  const results = resultsOf(graph);
  const many = results.length > 1 ? `${results.length} results, ` : "";
  const last = results[results.length - 1];
  return last && { node: last.node, role: `ends with ${many}the last` };
}

/** What the host reads while the program runs. */
function readsOf(graph: Graph): readonly (Cut & { kind: "read" })[] {
  return graph.cuts.filter((cut) => cut.kind === "read");
}

function nodeDifference(
  a: Node,
  b: Node,
  id: (which: 0 | 1, t: Tensor) => string,
  comparator: Comparator,
  bound: (leaf: Node) => boolean,
  values: ReadonlyMap<Data, Host>,
): Reason | undefined {
  if (a === b) return undefined;
  if (isExternal(a) !== isExternal(b)) {
    return isExternal(b)
      ? "expect internal node, got external"
      : "expect external node, got internal";
  }
  if (a.op !== b.op) return "operator mismatch";
  // an argument is called what its value is called, which the next call's value need not be
  if (a.name !== b.name && a.op.name !== "arg") return "name mismatch";
  if (a.outs[0].dtype !== b.outs[0].dtype) return "dtype mismatch";
  if (isExternal(a)) {
    if (!sameType(a.outs[0], b.outs[0])) return "tensors not equals";
    if (bound(a) && bound(b)) return undefined;
    if (a.data === b.data) return undefined;
    const [p, q] = [a, b].map(({ data }) => isHost(data) ? data : data && values.get(data));
    if (!p || !q || p.data === q.data) return undefined;
    const [x, y] = [p.data, q.data] as unknown as ArrayLike<number>[];
    const equal = isLiteral(a) && isLiteral(b) ? equalElements : comparator;
    return equal(x, y) ? undefined : "tensors not equals";
  }
  if (a.ins.length !== b.ins.length) return "input size mismatch";
  if (printAttrs(a.attrs) !== printAttrs(b.attrs)) return "operator mismatch";
  return a.ins.some((t, i) => id(0, t) !== id(1, b.ins[i])) ? "input id mismatch" : undefined;
}
