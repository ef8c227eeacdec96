/**
 * A graph as plain data, for pictures and tables: its nodes in the order of the canonical text,
 * what they read, and everything that is known of them as text. Each result of the program, and
 * each place where it stops, is a node too.
 * @module
 */
import { placeOf } from "../core/fault.ts";
import { type Cut, type Graph, orderOf, rootsOf } from "../core/graph.ts";
import { isHost } from "../core/host.ts";
import type { Field, Op } from "../core/op.ts";
import { printElements, printValue, shortest } from "../core/print.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { bytesOf, printType, sizeOf, type Type } from "../core/type.ts";
import { type Family, familyOf } from "./family.ts";
import { scopesOf } from "./scope.ts";

/** What a node is to the program. */
export type Role = "argument" | "constant" | "operation" | "result";

/** What a node reads: an output of another node, or a single number that stands in the program. */
export interface OperandData {
  /** What the operation calls it. */
  readonly name: string;
  /** The node that makes it; absent for a number. */
  readonly from?: number;
  /** Which of that node's outputs. */
  readonly out?: number;
  /** The number as text. */
  readonly value?: string;
}

/** One attribute. */
export interface AttrData {
  readonly name: string;
  readonly value: string;
  /** True if the author's value is not the usual one and the types do not show it. */
  readonly notable: boolean;
}

/** A node. */
export interface NodeData {
  readonly role: Role;
  /** The operation, such as `conv2d`; `result`, `read` and `host` for places where values leave. */
  readonly op: string;
  readonly family: Family;
  /** Name of an argument, a parameter or a result. */
  readonly name?: string;
  /** What the operation does, in a sentence. */
  readonly doc?: string;
  /** Types of the outputs, as in `f32[2,3]`; of a result, what it is. */
  readonly types: readonly string[];
  /** Bytes of the outputs, where known. */
  readonly bytes?: number;
  readonly attrs: readonly AttrData[];
  /** The first elements of a constant. */
  readonly value?: string;
  /** Where the author wrote it, as `file:line:column`. */
  readonly place?: string;
  /** The part of the model that it belongs to, such as `net.fc1`. */
  readonly scope?: string;
  readonly ins: readonly OperandData[];
}

/** A program as data; operands come before their users. */
export interface GraphData {
  readonly nodes: readonly NodeData[];
}

/** How a graph becomes data. */
export interface GraphDataOptions {
  /** Where the author wrote a node; by default its site outside the library. */
  readonly place?: (node: Node) => string | undefined;
}

/** The data of a graph. */
export function graphData(graph: Graph, options: GraphDataOptions = {}): GraphData {
  const { place = ({ site }) => placeOf(site) } = options;
  const order = orderOf([...graph.args, ...rootsOf(graph)]);
  const folded = foldedOf(order, rootsOf(graph));
  const ids = new Map<Node, number>();
  const nodes: NodeData[] = [];
  const operand = (t: Tensor, name: string): OperandData => {
    const value = folded.get(t.node);
    return value === undefined ? { name, from: ids.get(t.node)!, out: t.out } : { name, value };
  };
  for (const node of order) {
    if (folded.has(node)) continue;
    ids.set(node, nodes.length);
    const operands = operandNames(node.op, node.ins.length);
    const at = node.op.name === "arg" ? undefined : place(node);
    nodes.push({
      ...nodeData(node),
      ...(at === undefined ? {} : { place: at }),
      ins: node.ins.map((t, i) => operand(t, operands[i])),
    });
  }
  for (const cut of graph.cuts) nodes.push(...stopData(cut, graph.names, operand));
  return { nodes: scoped(nodes) };
}

/** The nodes with the parts of the model that they belong to. */
export function scoped(nodes: readonly NodeData[]): NodeData[] {
  const scopes = scopesOf(nodes);
  return nodes.map((node, i) => scopes[i] === undefined ? node : { ...node, scope: scopes[i] });
}

/** Nameless single numbers become part of what reads them; as results they stay. */
function foldedOf(
  order: readonly Node[],
  roots: readonly Tensor[],
): ReadonlyMap<Node, string> {
  const results = new Set(roots.map((t) => t.node));
  return new Map(order.flatMap((node) => {
    const { data, name } = node;
    const fits = isHost(data) && name === undefined && sizeOf(data.shape) === 1;
    return fits && !results.has(node) ? [[node, printElements(data)] as const] : [];
  }));
}

function nodeData(node: Node): Omit<NodeData, "ins"> {
  const { op, outs, data, name } = node;
  const role = data ? "constant" : op.name === "arg" ? "argument" : "operation";
  return {
    role,
    op: op.name,
    family: role === "operation" ? familyOf(op.name, op) : role,
    ...(name === undefined ? {} : { name }),
    ...(role === "operation" ? { doc: op.doc } : {}),
    types: outs.map(printType),
    bytes: outs.reduce((n, type) => n + bytesOf(type), 0),
    attrs: role === "operation" ? attrData(node) : [],
    ...(isHost(data) ? { value: printElements(data) } : {}),
  };
}

/** The names of `count` operands: a list counts, optional ones lose their mark. */
function operandNames(op: Op, count: number): string[] {
  return op.ins.flatMap((name) =>
    name.endsWith("...")
      ? Array.from({ length: count - op.ins.length + 1 }, (_, i) => `${name.slice(0, -3)}[${i}]`)
      : [name.replace(/\?$/, "")]
  ).concat(Array.from({ length: count }, (_, i) => `operand ${i}`)).slice(0, count);
}

function attrData({ op, attrs, ins, outs: [out] }: Node): AttrData[] {
  return Object.keys(attrs).sort().filter((name) => attrs[name] !== undefined).map((name) => {
    const value = attrText(attrs[name]);
    const field = op.fields[name];
    const shown = field?.kind === "shape"
      ? printValue(out.shape)
      : field?.kind === "dtype"
      ? out.dtype
      : field && usualOf(field, ins, name);
    return { name, value, notable: value !== shown };
  });
}

/** A number that came through f32 is written as short as f32 allows. */
function attrText(value: unknown): string {
  const single = typeof value === "number" && !Number.isInteger(value) &&
    Math.fround(value) === value;
  return single ? shortest(value) : printValue(value);
}

/** What an attribute is when the author leaves it out, as text. */
function usualOf(field: Field, ins: readonly Type[], name: string): string | undefined {
  if (!field.fallback) return undefined;
  try {
    return attrText(field.check(field.fallback.value, ins, name));
  } catch {
    return undefined; // operands that it does not suit
  }
}

/** The places where values leave: a node for each result, one for what a read or a region takes. */
function stopData(
  cut: Cut,
  names: readonly string[],
  operand: (t: Tensor, name: string) => OperandData,
): NodeData[] {
  const leaving = (op: string, roots: readonly Tensor[], name?: string): NodeData => ({
    role: "result",
    op,
    family: "result",
    ...(name ? { name } : {}),
    types: roots.map(printType),
    bytes: roots.reduce((n, t) => n + bytesOf(t), 0),
    attrs: [],
    ins: roots.map((t, i) => operand(t, roots.length > 1 ? `value ${i}` : "value")),
  });
  switch (cut.kind) {
    case "end":
      return cut.roots.map((t, i) => leaving("result", [t], names[i] || `output${i}`));
    case "read":
      return [leaving("read", cut.roots)];
    case "hole":
      return [leaving("host", cut.roots, cut.fn.name)];
    default:
      return cut satisfies never;
  }
}
