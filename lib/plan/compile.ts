/**
 * The road from a graph to a plan, on one page: decompose, split, fuse, assign. It needs no device,
 * only the target's limits, so plans are tested anywhere.
 * @module
 */
import { type Graph, resultsOf } from "../core/graph.ts";
import type { Plan, Slot, SlotId, Step } from "../core/plan.ts";
import type { CompileOptions, Limits, Target } from "../core/target.ts";
import type { Margin } from "../core/form.ts";
import type { Tensor } from "../core/tensor.ts";
import { bytesOf, printType, sizeOf, type Type } from "../core/type.ts";
import { DeviceError, placeOf } from "../core/fault.ts";
import { type Level, optimize } from "../stage/level.ts";
import { decompose } from "./decompose.ts";
import { fuse, type Group } from "./fuse.ts";
import { laidOut } from "./layout.ts";
import { assign, slotLives } from "./memory.ts";
import { prepacked } from "./prepack.ts";
import { split } from "./split.ts";

/** Bytes of a slot: what 8- and 16-bit kernels write in whole words, at least one word. */
export function slotBytes(type: Type): number {
  return Math.max(4, Math.ceil(bytesOf(type) / 4) * 4);
}

/** The plan of a graph for a target with these limits. */
export function compilePlan(
  graph: Graph,
  limits: Limits,
  options: CompileOptions = {},
  { prepack, layouts }: Pick<Target<unknown>, "prepack" | "layouts"> = {},
): Plan {
  const level = options.optLevel ?? 2;
  const ready = decomposed(graph, limits, level);
  const groups = fuse(ready, limits, { fuse: level >= 2 });
  const placed = layouts && level >= 2
    ? laidOut(groups, new Set(resultsOf(ready)), layouts)
    : { groups, borders: new Map() };
  const packed = prepack ? prepacked(placed.groups, prepack) : placed.groups;
  return planOf(ready, packed, limits, placed.borders);
}

/** The graph of which kernels are made: optimised, in operations that have forms, none too long. */
export function decomposed(graph: Graph, limits: Limits, level: Level): Graph {
  const open = decompose(optimize(graph, level), limits);
  return decompose(split(optimize(open, level), limits), limits);
}

/** Slots, offsets and steps of scheduled groups. */
export function planOf(
  graph: Graph,
  groups: readonly Group[],
  limits: Limits,
  borders: ReadonlyMap<Tensor, readonly Margin[]> = new Map(),
): Plan {
  const slots: Slot[] = [];
  const slotOf = new Map<Tensor, SlotId>();
  const add = (t: Tensor, slot: Slot): SlotId => {
    slots.push(slot);
    slotOf.set(t, slots.length - 1);
    return slots.length - 1;
  };
  const typed = ({ dtype, shape }: Type) => ({
    type: { dtype, shape },
    bytes: slotBytes({ dtype, shape }),
  });
  graph.args.forEach((t, index) => add(t, { kind: "arg", index, ...typed(t) }));
  const made = new Map(groups.flatMap((g, i) => g.outs.map((t) => [t, i] as const)));
  const results = resultsOf(graph);
  const outs = results.map((t, index): SlotId => {
    const slot: Slot = { kind: "result", index, ...typed(t) };
    if (made.has(t) && !slotOf.has(t)) return add(t, slot);
    return slots.push(slot) - 1;
  });
  const slotFor = (t: Tensor): SlotId => {
    const known = slotOf.get(t);
    if (known !== undefined) return known;
    if (t.node.data) return add(t, { kind: "constant", data: t.node.data, ...typed(t) });
    const border = borders.get(t);
    return add(t, {
      kind: "arena",
      arena: 0,
      offset: 0,
      ...typed(t),
      ...(border ? { border } : {}),
    });
  };
  const steps: Step[] = groups.map((g): Step => {
    const ids = [...g.ins, ...g.outs].map(slotFor);
    for (const id of ids) refuseTooLarge(slots[id], limits, g);
    return {
      kind: "kernel",
      form: g.form,
      slots: ids,
      name: g.name ?? g.nodes.map((n) => n.op.name).join("+"),
      sites: g.nodes.map((n) => n.site),
    };
  });
  results.forEach((t, i) => {
    const from = slotFor(t);
    if (from !== outs[i]) steps.push({ kind: "copy", from, to: outs[i] });
  });
  return placed(graph, slots, steps, outs, slotOf, limits);
}

function refuseTooLarge(slot: Slot, limits: Limits, group: Group): void {
  if (slot.bytes <= limits.bindingBytes) return;
  const place = placeOf(group.nodes[0].site);
  throw new DeviceError(
    `Cannot bind ${printType(slot.type)} in ${
      group.nodes[0].op.name
    }: it has ${slot.bytes} bytes, ` +
      `this device binds ${limits.bindingBytes}${place ? `\n  at ${place}` : ""}\n` +
      "  try a smaller batch, or open another target",
    { code: "device.binding", place },
  );
}

function placed(
  graph: Graph,
  slots: Slot[],
  steps: readonly Step[],
  outs: readonly SlotId[],
  slotOf: ReadonlyMap<Tensor, SlotId>,
  limits: Limits,
): Plan {
  const arenaIds = slots.flatMap((slot, id) => slot.kind === "arena" ? [id] : []);
  const spans = slotLives(steps);
  const lives = arenaIds.map((id) => ({
    bytes: slots[id].bytes,
    from: spans.get(id)?.from ?? 0,
    to: spans.get(id)?.to ?? 0,
  }));
  const { places, arenas, lowerBound } = assign(lives, limits.align, limits.bindingBytes);
  arenaIds.forEach((id, i) => {
    const slot = slots[id];
    slots[id] = { ...slot, kind: "arena", ...places[i] };
  });
  const total = (kind: Slot["kind"]) =>
    slots.reduce((n, slot) => slot.kind === kind ? n + slot.bytes : n, 0);
  const isUsed = (id: SlotId) => spans.has(id) || outs.includes(id);
  return {
    arenas,
    slots,
    steps,
    args: graph.args.map((t) => {
      const id = slotOf.get(t)!;
      return isUsed(id) ? id : -1;
    }),
    outs,
    memory: {
      lowerBound,
      arenaBytes: arenas.reduce((a, b) => a + b, 0),
      constantBytes: total("constant"),
      resultBytes: total("result"),
    },
  };
}

/** True for a step that computes nothing, because its result is empty. */
export function isIdle(step: Step): boolean {
  return step.kind === "kernel" && step.form.outs.every((o) => sizeOf(o.type.shape) === 0);
}
