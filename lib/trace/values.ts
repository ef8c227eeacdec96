/**
 * Every value of a program: what each operation gives, not only the results, computed as it is
 * written, a batch of values at a time so that memory stays bounded.
 * @module
 */
import { placeOf } from "../core/fault.ts";
import { type Graph, orderOf, resultsOf, rootsOf } from "../core/graph.ts";
import { type Host, isHost, isSource } from "../core/host.ts";
import type { Machine } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import { bytesOf } from "../core/type.ts";
import { graphOf } from "../stage/stage.ts";

/** One value of a program. */
export interface ProgramValue {
  /** Its place in the order of computation. */
  readonly index: number;
  /** Its name: a file's own, else operation and number, as in `relu#7`. */
  readonly name: string;
  /** The operation that gave it. */
  readonly operation: string;
  /** Where the author wrote it, if known. */
  readonly place?: string;
  /** The value. */
  readonly value: Host;
}

/** Bytes of values that one plan computes for reading. */
const batchBytes = 256 * 2 ** 20;

/** A graph with everything that it computes as its results, in order; constants are left out. */
export function everyValue(graph: Graph): Graph {
  const order = orderOf([...graph.args, ...rootsOf(graph)]);
  const found = order.flatMap((node, i) => {
    if (isHost(node.data) || isSource(node.data)) return [];
    const label = node.name ?? `${node.op.name}#${i}`;
    return node.results.map((t) => ({
      t,
      name: node.results.length > 1 ? `${label}:${t.out}` : label,
    }));
  });
  return graphOf(graph.args, found.map(({ t }) => t), found.map(({ name }) => name));
}

/**
 * The values of a graph's results one by one, each by itself as it was written: nothing is
 * simplified and nothing fused away. Arguments are in the graph's order.
 */
export async function* computedValues(
  graph: Graph,
  args: readonly Host[],
  machine: Machine,
): AsyncGenerator<ProgramValue> {
  const results = resultsOf(graph);
  for (let from = 0; from < results.length;) {
    let to = from;
    for (let bytes = 0; to < results.length; to++) {
      bytes += bytesOf(results[to]);
      if (to > from && bytes > batchBytes) break;
    }
    yield* batch(graph, results.slice(from, to), from, args, machine);
    from = to;
  }
}

async function* batch(
  graph: Graph,
  roots: readonly Tensor[],
  first: number,
  args: readonly Host[],
  machine: Machine,
): AsyncGenerator<ProgramValue> {
  const loaded = await machine.compile(graphOf(graph.args, roots), { optLevel: 0 });
  try {
    const outs = await loaded.run(args);
    try {
      const values = await machine.read(outs);
      for (const [i, value] of values.entries()) {
        const { op, site } = roots[i].node;
        const place = placeOf(site);
        yield {
          index: first + i,
          name: graph.names[first + i] || `${op.name}#${first + i}`,
          operation: op.name,
          ...(place ? { place } : {}),
          value,
        };
      }
    } finally {
      outs.forEach((out) => out.dispose());
    }
  } finally {
    loaded.dispose();
  }
}
