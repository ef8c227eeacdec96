/**
 * Runs a plan on the CPU, form by form, in arenas of bytes: what any machine must agree with. A slot
 * with a border is cleared before the step that first writes it, and must be read within its bounds.
 * @module
 */
import type { Plan, Slot } from "../../lib/core/plan.ts";
import {
  bytesIn,
  collect,
  type Host,
  hostFromBytes,
  isHost,
  isSource,
} from "../../lib/core/host.ts";
import { bytesOf } from "../../lib/core/type.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";

/** The results of a plan for host arguments. */
export async function runPlan(plan: Plan, args: readonly Host[]): Promise<Host[]> {
  const arenas = plan.arenas.map((n) => new Uint8Array(n).fill(0xcd));
  const own = await Promise.all(plan.slots.map(async (slot): Promise<Uint8Array> => {
    if (slot.kind === "arena") {
      return arenas[slot.arena].subarray(slot.offset, slot.offset + bytesOf(slot.type));
    }
    if (slot.kind === "arg") return bytesIn(args[slot.index].data);
    if (slot.kind === "constant") {
      if (isHost(slot.data)) return bytesIn(slot.data.data);
      if (isSource(slot.data)) return bytesIn((await collect(slot.data)).data);
      throw new Error("a resident constant");
    }
    return new Uint8Array(bytesOf(slot.type)).fill(0xcd);
  }));
  const started = new Set<number>();
  const value = (slot: Slot, bytes: Uint8Array, type = slot.type) => hostFromBytes(type, bytes);
  for (const step of plan.steps) {
    if (step.kind === "copy") own[step.to].set(own[step.from]);
    else if (step.kind === "kernel") {
      const { form, slots } = step;
      for (const id of slots.slice(form.ins.length)) {
        if (plan.slots[id].border && !started.has(id)) own[id].fill(0);
        started.add(id);
      }
      const ins = form.ins.map((t, i) => value(plan.slots[slots[i]], own[slots[i]], t));
      const outs = evaluateForm(form, ins);
      outs.forEach((h, i) => own[slots[form.ins.length + i]].set(bytesIn(h.data)));
    }
  }
  return plan.outs.map((id) => value(plan.slots[id], own[id].slice()));
}
