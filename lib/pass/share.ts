/**
 * Sharing: equal operations on equal operands become one node.
 * @module
 */
import { type Graph, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import { isHost } from "../core/host.ts";
import { printAttrs } from "../core/print.ts";
import type { Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";

/** A graph in which no two nodes compute the same; the same object if that was so. */
export function share(graph: Graph): Graph {
  const roots = rootsOf(graph);
  const ids = new Map<object, number>();
  const seen = new Map<string, Tensor>();
  const idOf = (node: object) => {
    const known = ids.get(node);
    if (known !== undefined) return known;
    ids.set(node, ids.size);
    return ids.size - 1;
  };
  const made = rebuild(roots, (t) => {
    const key = keyOf(t, idOf);
    if (key === undefined) return undefined;
    const first = seen.get(key);
    if (!first) seen.set(key, t);
    return first;
  });
  return made.every((t, i) => t === roots[i]) ? graph : graphWith(graph, made);
}

/** Arguments are never merged; constants are when they are one array, or the same few numbers. */
function keyOf(t: Tensor, idOf: (it: object) => number): string | undefined {
  const { node } = t;
  if (node.op.name === "arg" || node.name !== undefined) return undefined;
  if (node.data) {
    const { data } = node;
    if (!isHost(data)) return `data ${printType(t)} ${idOf(data)}`;
    if (data.data.length > 16) return `data ${printType(t)} ${idOf(data.data)}`;
    const values = [...data.data].map((x) => Object.is(Number(x), -0) ? "-0" : String(x));
    return `data ${printType(t)} ${values.join(" ")}`;
  }
  const ins = node.ins.map((x) => `${idOf(x.node)}.${x.out}`).join(",");
  return `${idOf(node.op)}(${ins}|${printAttrs(node.attrs)})${t.out}:${printType(t)}`;
}
