/**
 * The CPU reference: a graph and host values in, host values out, one operation after another.
 * It is the oracle for every other way to compute, the folder of constants, and the embedded
 * default where there is no adapter.
 * @module
 */
import { broadcastCoords, ownForm } from "../core/draft.ts";
import { orderOf } from "../core/graph.ts";
import { arrayOf, collect, type Host, isHost, isResident, isSource } from "../core/host.ts";
import { addressOf, axesOf } from "../core/index.ts";
import { constant } from "../core/leaf.ts";
import type { Op } from "../core/op.ts";
import { kindOf, s } from "../core/scalar.ts";
import { stored } from "../core/draft.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { sizeOf, type Type } from "../core/type.ts";
import { evaluateForm } from "./form.ts";
import { elementLoop } from "./loops.ts";
import { compile, environment } from "./scalar.ts";

/**
 * Hears of each operation when it was computed; times are `performance.now()`'s, `held` is all that
 * is in memory then.
 */
export type Observer = (node: Node, start: number, end: number, held: Iterable<Host>) => void;

/**
 * The values of some tensors, given those of the arguments behind them; `order` has every node that
 * is needed, operands before users, and may have some again.
 */
export async function evaluate(
  roots: readonly Tensor[],
  given: ReadonlyMap<Node, Host> = new Map(),
  observer?: Observer,
  order: readonly Node[] = orderOf(roots),
): Promise<readonly Host[]> {
  const leaves = new Map(given);
  for (const node of order) {
    if (!leaves.has(node)) {
      const value = await leafValue(node);
      if (value) leaves.set(node, value);
    }
  }
  let since = performance.now();
  const steps = evaluation(roots, leaves, observer, order);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since > pause) {
      // Signals, timers and other calls get their turn during a long run.
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
  }
}

/** Milliseconds of work after which a run lets the event loop turn. */
const pause = 50;

async function leafValue(node: Node): Promise<Host | undefined> {
  const { data } = node;
  if (isHost(data)) return data;
  if (isSource(data)) return await collect(data);
  if (isResident(data)) return await data.read();
  return undefined;
}

/** The same, where every leaf is a host value or given. */
export function evaluateNow(
  roots: readonly Tensor[],
  given: ReadonlyMap<Node, Host> = new Map(),
): readonly Host[] {
  const steps = evaluation(roots, given);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Node by node; the values of the roots in the end. */
function* evaluation(
  roots: readonly Tensor[],
  given: ReadonlyMap<Node, Host>,
  observer?: Observer,
  order: readonly Node[] = orderOf(roots),
): Generator<void, readonly Host[]> {
  const values = new Map<Tensor, Host>();
  const over = lastReads(order, roots);
  for (const [i, node] of order.entries()) {
    const leaf = given.get(node) ?? (isHost(node.data) ? node.data : undefined);
    if (leaf) {
      values.set(node.results[0], leaf);
      continue;
    }
    if (node.ins.length === 0 && isUnbound(node)) {
      throw new TypeError(`internal: ${node.op.name} "${node.name ?? ""}" has no value`);
    }
    const ins = node.ins.map((t) => values.get(resultOf(t))!);
    const start = observer && performance.now();
    const outs = evaluateOp(node.op, ins, node.attrs, node.outs);
    node.results.forEach((t, k) => values.set(t, outs[k]));
    observer?.(node, start!, performance.now(), values.values());
    for (const t of over[i]) values.delete(t);
    yield;
  }
  return roots.map((t) => values.get(resultOf(t))!);
}

/** The one tensor that stands for an output of a node. */
function resultOf(t: Tensor): Tensor {
  return t.node.results[t.out];
}

/** What nobody reads any more after each node of an order, until it is made again. */
function lastReads(order: readonly Node[], roots: readonly Tensor[]): readonly Tensor[][] {
  const over = order.map((): Tensor[] => []);
  const read = new Set(roots.map(resultOf));
  for (let i = order.length - 1; i >= 0; i--) {
    for (const t of order[i].results) if (!read.delete(t)) over[i].push(t);
    for (const t of new Set(order[i].ins.map(resultOf))) {
      if (read.has(t)) continue;
      read.add(t);
      over[i].push(t);
    }
  }
  return over;
}

function isUnbound(node: Node): boolean {
  return node.op.name === "arg" || node.op.name === "data";
}

/** What an operation gives for host operands: its meaning, directly. */
export function evaluateOp(
  op: Op,
  ins: readonly Host[],
  attrs: Node["attrs"],
  outs: readonly Type[],
): readonly Host[] {
  if (outs.every((t) => sizeOf(t.shape) === 0)) return outs.map(empty);
  if (op.eval) return op.eval(ins, attrs, outs);
  if (op.scalar) return [elementwise(op, ins, attrs, outs[0])];
  if (op.view) return [rearranged(op, ins, attrs, outs[0])];
  if (op.compose) return evaluateNow(op.compose(ins.map((h) => constant(h)), attrs));
  const form = ownForm(op, ins, attrs, outs);
  if (!form) throw new TypeError(`internal: ${op.name} has no meaning`);
  return evaluateForm(form, ins);
}

function empty(type: Type): Host {
  return { dtype: type.dtype, shape: [...type.shape], data: arrayOf(type.dtype, 0) };
}

function elementwise(op: Op, ins: readonly Host[], attrs: Node["attrs"], type: Type): Host {
  const args = ins.map((h, i) => s.arg(i, kindOf(h.dtype)));
  const body = compile(stored(op.scalar!(args, attrs, ins), type));
  return { ...type, shape: [...type.shape], data: elementLoop(ins, type, body) };
}

function rearranged(op: Op, ins: readonly Host[], attrs: Node["attrs"], type: Type): Host {
  const x = ins[0];
  if (sizeOf(x.shape) === sizeOf(type.shape) && isIdentityOrder(op, ins, attrs, type)) {
    return { ...type, shape: [...type.shape], data: x.data };
  }
  const form = ownForm(op, ins, attrs, [type])!;
  return evaluateForm(form, ins)[0];
}

/** True for a view that keeps every element's address, such as a reshape: it shares the array. */
export function sharesArray({ op, ins, attrs, outs }: Node): boolean {
  return op.view !== undefined && !op.eval && !op.scalar && ins.length > 0 &&
    sizeOf(ins[0].shape) > 0 && sizeOf(ins[0].shape) === sizeOf(outs[0].shape) &&
    isIdentityOrder(op, ins, attrs, outs[0]);
}

function isIdentityOrder(op: Op, ins: readonly Type[], attrs: Node["attrs"], type: Type): boolean {
  const coords = axesOf(type.shape);
  const from = addressOf(op.view!(coords, ins, attrs), ins[0].shape);
  const to = addressOf(coords, type.shape);
  return JSON.stringify(from) === JSON.stringify(to);
}

/** Reads one element by broadcast coordinates; used by operations that loop themselves. */
export function reader(h: Host, shape: readonly number[]): (coords: readonly number[]) => number {
  const index = compile(addressOf(broadcastCoords(axesOf(shape), h.shape), h.shape));
  const env = environment([h.data]);
  return (coords) => {
    for (let i = 0; i < coords.length; i++) env.axes[i] = coords[i];
    return Number(h.data[index(env)]);
  };
}
