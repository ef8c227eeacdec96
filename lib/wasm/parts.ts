/**
 * The function calls that a run makes: one a step, and one before a step that writes inside zeros
 * which other values have overwritten.
 * @module
 */
import type { AssembledStep } from "../../kernels/wasm/assemble.ts";
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
import type { Packing } from "../../kernels/wasm/packing.ts";
import type { Data } from "../core/host.ts";
import type { Plan, SlotId } from "../core/plan.ts";
import type { StepTime } from "../core/target.ts";
import { borderKernel, sharedBorders } from "./border.ts";
import { copyKernel } from "./copy.ts";

/** One function call of a run. */
export interface Part {
  readonly kernel: WasmKernel;
  readonly slots: readonly SlotId[];
  /** True where one thread does it alone. */
  readonly single: boolean;
  /** The step of the plan that is over with it, if one is. */
  readonly ends: number | undefined;
}

/** A constant that a kernel reads packed, in a slot behind those of the plan. */
export interface Packed {
  readonly slot: SlotId;
  readonly data: Data;
  readonly packing: Packing;
}

/** What a plan is in a module. */
export interface Parts {
  readonly parts: readonly Part[];
  readonly steps: readonly AssembledStep[];
  readonly packed: readonly Packed[];
}

/** Multiply-adds below which a step is not worth sharing. */
const small = 20_000;

/** The calls of a plan; `kernels` has one a step and `undefined` for copies. */
export function partsOf(plan: Plan, kernels: readonly (WasmKernel | undefined)[]): Parts {
  const packed: Packed[] = [];
  const started = new Set<SlotId>();
  const slotOf = (kernel: WasmKernel, slots: readonly SlotId[]) =>
    slots.map((id, i) => {
      const packing = kernel.packs[i];
      if (!packing) return id;
      const slot = plan.slots[id];
      if (slot.kind !== "constant") throw new TypeError("internal: only constants are packed");
      packed.push({ slot: plan.slots.length + packed.length, data: slot.data, packing });
      return plan.slots.length + packed.length - 1;
    });
  const borders = sharedBorders(plan);
  // A border is cleared before the step that writes inside it, by one thread: nobody reads it yet.
  const parts = plan.steps.flatMap((step, i): Part[] => {
    const kernel = kernels[i] ?? copyKernel(plan, step);
    const slots = step.kind === "kernel" ? step.slots : [step.from, step.to];
    const clears = slots.filter((id) => borders.has(id) && !started.has(id));
    clears.forEach((id) => started.add(id));
    return [
      ...clears.map((id): Part => ({
        ...{ kernel: borderKernel(plan, id), slots: [id], single: true, ends: undefined },
      })),
      { kernel, slots: slotOf(kernel, slots), single: isSingle(kernel), ends: i },
    ];
  });
  const next = (i: number) => parts.slice(i + 1).find(({ ends }) => ends !== undefined);
  const steps = parts.map(({ kernel, slots, single, ends }, i): AssembledStep => ({
    kernel,
    slots,
    shared: !single,
    // What one thread does alone, one after another, needs no waiting in between.
    barrier: ends !== undefined && !(single && (next(i)?.single ?? true)),
  }));
  return { parts, steps, packed };
}

/** The times of steps, by when a run began and when each part was over. */
export function stepTimes(parts: readonly Part[], stamps: readonly number[]): StepTime[] {
  let from = stamps[0];
  return parts.flatMap(({ ends }, i): StepTime[] => {
    // What clears a border before a step is time of that step.
    if (ends === undefined) return [];
    const start = from;
    from = stamps[i + 1];
    return [{ step: ends, start: (start - stamps[0]) * 1e6, ns: (from - start) * 1e6 }];
  });
}

/** True for a step that one thread does sooner than several agree on it. */
function isSingle({ units, cost }: WasmKernel): boolean {
  return units < 2 || units * cost < small;
}
