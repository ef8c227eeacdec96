/**
 * The canonical text of terms, graphs and attributes: one line a node, values numbered in order.
 * Tests read it, errors quote it, people debug with it.
 * @module
 */
import { type Host, isHost, isResident, isSource } from "./host.ts";
import type { Attrs } from "./op.ts";
import type { Node, Tensor } from "./tensor.ts";
import { type Graph, orderOf, resultsOf, rootsOf } from "./graph.ts";
import { printNumber } from "./scalar.ts";
import { isFloat, printType, sizeOf } from "./type.ts";

/** Attributes as `key=value`, sorted by key; numbers keep -0, NaN and infinities. */
export function printAttrs(attrs: Attrs): string {
  return Object.keys(attrs).sort().filter((key) => attrs[key] !== undefined)
    .map((key) => `${key}=${printValue(attrs[key])}`).join(", ");
}

/** Plain data as text: numbers keep -0, NaN and infinities. */
export function printValue(value: unknown): string {
  if (typeof value === "number") return printNumber(value);
  if (Array.isArray(value)) return `[${value.map(printValue).join(",")}]`;
  if (value && typeof value === "object") {
    return `{${Object.entries(value).map(([k, v]) => `${k}:${printValue(v)}`).join(",")}}`;
  }
  return String(value);
}

/** Elements of a constant that its line shows. */
const shown = 6;

/** The shortest text that reads back as the same f32. */
export function shortest(x: number): string {
  for (let digits = 6; digits <= 9; digits++) {
    const near = Number(x.toPrecision(digits));
    if (Math.fround(near) === Math.fround(x)) return printNumber(near);
  }
  return printNumber(x);
}

/** The first elements of a value. */
export function printElements(data: Host): string {
  const short = isFloat(data.dtype) ? shortest : printNumber;
  const some = [...data.data.subarray(0, shown)].map((x) => short(Number(x))).join(" ");
  return `${some}${sizeOf(data.shape) > shown ? " …" : ""}`;
}

function printLeaf(node: Node): string {
  const { data } = node;
  const type = printType(node.outs[0]);
  const label = node.name === undefined ? "" : ` "${node.name}"`;
  if (isHost(data)) return `data${label} ${printElements(data)}`;
  if (isSource(data)) return `source${label} ${type}`;
  if (isResident(data)) return `resident${label} ${type}`;
  return `${node.op.name}${label}`;
}

/** The lines of everything behind some roots, and the name that each tensor got. */
export function printNodes(
  roots: readonly Tensor[],
  note: (node: Node) => string = () => "",
): { lines: string[]; nameOf: (t: Tensor) => string } {
  const order = orderOf(roots);
  const ids = new Map(order.map((node, i) => [node, i]));
  const nameOf = (t: Tensor) => `%${ids.get(t.node)}${t.node.outs.length > 1 ? `.${t.out}` : ""}`;
  const lines = order.map((node) => {
    const types = node.outs.map(printType).join(", ");
    const body = node.ins.length || !isLeaf(node)
      ? `${node.op.name}(${
        [...node.ins.map(nameOf), ...[printAttrs(node.attrs)].filter(Boolean)].join(", ")
      })`
      : printLeaf(node);
    const extra = note(node);
    return `  %${ids.get(node)}: ${types} = ${body}${extra ? `  // ${extra}` : ""}`;
  });
  return { lines, nameOf };
}

function isLeaf(node: Node): boolean {
  return node.data !== undefined || node.name !== undefined || node.op.name === "arg";
}

/** The text of the graph behind one tensor. */
export function printTerm(t: Tensor): string {
  const { lines, nameOf } = printNodes([t]);
  return ["graph {", ...lines, `  return ${nameOf(t)}`, "}"].join("\n");
}

/** The text of a graph; `note` may add a remark to a node's line. */
export function printGraph(graph: Graph, note?: (node: Node) => string): string {
  const { lines, nameOf } = printNodes([...graph.args, ...rootsOf(graph)], note);
  const stops = graph.cuts.filter((cut) => cut.kind !== "end")
    .map((cut) => `  ${cut.kind} ${cut.roots.map(nameOf).join(", ")}`);
  const results = resultsOf(graph)
    .map((t, i) => graph.names[i] ? `${graph.names[i]}: ${nameOf(t)}` : nameOf(t));
  return ["graph {", ...lines, ...stops, `  return ${results.join(", ")}`, "}"].join("\n");
}
