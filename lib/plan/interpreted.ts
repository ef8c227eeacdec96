/**
 * The schedule of the interpreter: operations instead of kernels, arrays instead of arenas. What
 * shares the array of its operand, as a reshape does, takes no memory and is made anew with it.
 * @module
 */
import { type Graph, orderOf, resultsOf } from "../core/graph.ts";
import type { Recomputed } from "../core/plan.ts";
import type { CompileOptions, MemoryReport } from "../core/target.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { bytesOf } from "../core/type.ts";
import { sharesArray } from "../cpu/evaluate.ts";
import { isRescheduled, rescheduled } from "./recompute.ts";
import { costOf, liveBytes, type Order, peakOfLives, type Program } from "./schedule.ts";
import { nodeFlops } from "./work.ts";

/** What the interpreter does for a graph. */
export interface Interpreted {
  /** Every node, operands before users; some again where the options ask for it. */
  readonly order: readonly Node[];
  /** What it needs: operations themselves may take more while they are computed. */
  memory(): MemoryReport;
}

/** True for what is given and not computed. */
export function isGiven({ op, data }: Node): boolean {
  return data !== undefined || op.name === "arg";
}

/** The order of a graph's nodes, with the options. */
export function interpreted(graph: Graph, options: CompileOptions = {}): Interpreted {
  const written = orderOf(resultsOf(graph));
  if (!isRescheduled(options)) {
    const model = () => modelOf(written, resultsOf(graph), () => 0);
    return { order: written, memory: () => reportOf(graph, written, model(), undefined) };
  }
  const model = modelOf(written, resultsOf(graph), nodeFlops);
  const scheduled = rescheduled(model.program, options, peakOfLives);
  const order = nodesOf(written, resultsOf(graph), model, scheduled.order);
  return { order, memory: () => reportOf(graph, order, model, scheduled.recomputed) };
}

/** A graph as works, with the node of each and the array that each tensor lies in. */
interface Model {
  readonly program: Program;
  readonly nodes: readonly Node[];
  readonly aliases: ReadonlySet<Node>;
}

function modelOf(
  order: readonly Node[],
  results: readonly Tensor[],
  flopsOf: (node: Node) => number,
): Model {
  const aliases = new Set(order.filter((node) => !isGiven(node) && sharesArray(node)));
  const nodes = order.filter((node) => !isGiven(node) && !aliases.has(node));
  const made = nodes.flatMap((node) => [...node.results]);
  const ids = new Map(made.map((t, v) => [t, v]));
  const idOf = (t: Tensor) => ids.get(arrayOf(t, aliases));
  const kept = new Set(results.map(idOf));
  const sizes = made.map(bytesOf);
  return {
    nodes,
    aliases,
    program: {
      sizes,
      bytes: sizes.map((bytes, v) => kept.has(v) ? 0 : bytes),
      works: nodes.map((node) => {
        const flops = flopsOf(node);
        const moved = [...new Set(node.ins), ...node.results].reduce((n, t) => n + bytesOf(t), 0);
        return {
          ins: node.ins.flatMap((t) => idOf(t) ?? []),
          outs: node.results.map((t) => ids.get(t)!),
          flops,
          cost: costOf(flops, moved),
        };
      }),
    },
  };
}

/** The tensor whose array another lies in. */
function arrayOf(t: Tensor, aliases: ReadonlySet<Node>): Tensor {
  let found = t;
  while (aliases.has(found.node)) found = found.node.ins[0];
  return found.node.results[found.out];
}

/** Nodes in the order of works; what shares an array comes when it is read, again with each array. */
function nodesOf(
  written: readonly Node[],
  results: readonly Tensor[],
  { nodes, aliases }: Model,
  order: Order,
): readonly Node[] {
  const out = written.filter(isGiven);
  const version = new Map<Node, number>();
  const shown = new Map<Node, number>();
  const show = ({ node }: Tensor): void => {
    if (!aliases.has(node)) return;
    show(node.ins[0]);
    const now = version.get(arrayOf(node.ins[0], aliases).node) ?? 0;
    if (shown.get(node) === now) return;
    shown.set(node, now);
    out.push(node);
  };
  order.forEach((w, i) => {
    nodes[w].ins.forEach(show);
    out.push(nodes[w]);
    version.set(nodes[w], i + 1);
  });
  results.forEach(show);
  return out;
}

function reportOf(
  graph: Graph,
  order: readonly Node[],
  { program, nodes }: Model,
  recomputed: Recomputed | undefined,
): MemoryReport {
  const index = new Map(nodes.map((node, w) => [node, w]));
  const works = order.flatMap((node) => index.get(node) ?? []);
  const live = liveBytes(program, works);
  let at = -1;
  const timeline = order.filter((node) => !isGiven(node)).map((node) => {
    if (index.has(node)) at++;
    return { name: node.op.name, liveBytes: live[at] ?? 0 };
  });
  const total = (list: readonly Tensor[]) => list.reduce((n, t) => n + bytesOf(t), 0);
  const given = order.filter(isGiven).flatMap((node) => [...node.results]);
  const args = new Set(graph.args);
  const argumentBytes = total(given.filter((t) => args.has(t)));
  const constantBytes = total(given.filter((t) => !args.has(t)));
  const resultBytes = total(resultsOf(graph));
  const arenaBytes = live.reduce((a, b) => Math.max(a, b), 0);
  return {
    peakBytes: arenaBytes + constantBytes + argumentBytes + resultBytes,
    ...{ arenaBytes, lowerBound: arenaBytes },
    ...{ constantBytes, argumentBytes, resultBytes, timeline },
    ...(recomputed ? { recomputed } : {}),
  };
}
