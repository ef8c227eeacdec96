/**
 * The road from a graph to a plan, on one page: decompose, split, fuse, assign. It needs no device,
 * only the target's limits, so plans are tested anywhere.
 * @module
 */
import { type Graph, resultsOf } from "../core/graph.ts";
import type { Plan, Recomputed, Slot, SlotId, Step } from "../core/plan.ts";
import type { CompileOptions, Limits, Target } from "../core/target.ts";
import type { Margin } from "../core/form.ts";
import type { Tensor } from "../core/tensor.ts";
import { bytesOf, printType, sizeOf, type Type } from "../core/type.ts";
import { DeviceError, placeOf } from "../core/fault.ts";
import { type Level, optimize } from "../stage/level.ts";
import { decompose } from "./decompose.ts";
import { fuse, type Group } from "./fuse.ts";
import { laidOut } from "./layout.ts";
import { arenaBytesOf, assign, type Life, slotLives } from "./memory.ts";
import { foldNorms } from "./norms.ts";
import { prepacked } from "./prepack.ts";
import { isRescheduled, rescheduled } from "./recompute.ts";
import { costOf, type Program } from "./schedule.ts";
import { split } from "./split.ts";
import { flopsOf } from "./work.ts";

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
  const groups = fuse(ready, limits, { fuse: level >= 2, ...options.graphOpt });
  const placed = layouts && level >= 2
    ? laidOut(groups, new Set(resultsOf(ready)), layouts)
    : { groups, borders: new Map() };
  const packed = prepack ? prepacked(placed.groups, prepack) : placed.groups;
  return planOf(ready, packed, limits, placed.borders, options);
}

/** The graph of which kernels are made: optimised, in operations that have forms, none too long. */
export function decomposed(graph: Graph, limits: Limits, level: Level): Graph {
  const simple = optimize(graph, level);
  const open = decompose(level >= 2 ? foldNorms(simple) : simple, limits);
  return decompose(split(optimize(open, level), limits), limits);
}

/** Slots, offsets and steps of groups; one that is done again writes a slot of its own. */
export function planOf(
  graph: Graph,
  groups: readonly Group[],
  limits: Limits,
  borders: ReadonlyMap<Tensor, readonly Margin[]> = new Map(),
  options: CompileOptions = {},
): Plan {
  const results = resultsOf(graph);
  const arenaOf = (lives: readonly Life[]) => arenaBytesOf(lives, limits);
  const scheduled = isRescheduled(options)
    ? rescheduled(programOf(groups, results, limits.align), options, arenaOf)
    : undefined;
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
  const outs = results.map((t, index): SlotId => {
    const slot: Slot = { kind: "result", index, ...typed(t) };
    if (made.has(t) && !slotOf.has(t)) return add(t, slot);
    return slots.push(slot) - 1;
  });
  const slotFor = (t: Tensor, isNew: boolean = false): SlotId => {
    const known = slotOf.get(t);
    if (known !== undefined && !(isNew && slots[known].kind === "arena")) return known;
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
  const order = scheduled?.order.map((i) => groups[i]) ?? groups;
  const steps: Step[] = order.map((g): Step => {
    const ids = [...g.ins.map((t) => slotFor(t)), ...g.outs.map((t) => slotFor(t, true))];
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
  return placed(graph, slots, steps, outs, slotOf, limits, scheduled?.recomputed);
}

/** Groups as works: what lies in arenas takes memory, results do not. */
function programOf(
  groups: readonly Group[],
  results: readonly Tensor[],
  align: number,
): Program {
  const made = groups.flatMap((g) => [...g.outs]);
  const ids = new Map(made.map((t, v) => [t, v]));
  const given = new Set(results);
  const sizes = made.map(slotBytes);
  return {
    sizes,
    bytes: made.map((t, v) => given.has(t) ? 0 : Math.ceil(sizes[v] / align) * align),
    works: groups.map(({ ins, outs, form }) => {
      const flops = flopsOf(form);
      return {
        ins: ins.flatMap((t) => ids.get(t) ?? []),
        outs: outs.map((t) => ids.get(t)!),
        flops,
        cost: costOf(flops, [...new Set([...ins, ...outs])].reduce((n, t) => n + slotBytes(t), 0)),
      };
    }),
  };
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
  recomputed: Recomputed | undefined,
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
      ...(recomputed ? { recomputed } : {}),
    },
  };
}

/** True for a step that computes nothing, because its result is empty. */
export function isIdle(step: Step): boolean {
  return step.kind === "kernel" && step.form.outs.every((o) => sizeOf(o.type.shape) === 0);
}
