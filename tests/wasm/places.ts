/**
 * Memories with threads as the WebAssembly machine has them, but with any number of threads and any
 * width of addresses; and plans in them whose every step is shared, however small it is.
 * @module
 */
import { tableRoom, tableStart } from "../../kernels/wasm/control.ts";
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
import { newTable } from "../../kernels/wasm/module.ts";
import { wasm, wasmLimits } from "../../kernels/wasm/target.ts";
import { DeviceError } from "../../lib/core/fault.ts";
import type { Graph } from "../../lib/core/graph.ts";
import type { Plan } from "../../lib/core/plan.ts";
import { residentsOf } from "../../lib/core/residents.ts";
import type { CompileOptions, Loaded } from "../../lib/core/target.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { constantsOf } from "../../lib/wasm/constants.ts";
import { packerOf } from "../../lib/wasm/packer.ts";
import { newHeap } from "../../lib/wasm/heap.ts";
import { loadPlan, type Place } from "../../lib/wasm/run.ts";
import { startThreads } from "../../lib/wasm/threads.ts";

/** A place that somebody has to close. */
export interface OpenPlace extends Place {
  dispose(): void;
}

/** What a place may be. */
export interface PlaceOptions {
  readonly threads?: number;
  readonly madd?: boolean;
  readonly wide?: boolean;
  readonly patience?: number;
  readonly worker?: string | URL;
}

/** Opens a place; more threads than cores are possible here. */
export function openPlace(
  { threads: count = 1, madd = true, wide = false, patience, worker }: PlaceOptions = {},
): OpenPlace {
  const shared = count > 1;
  const heap = newHeap(shared, wide, 16384);
  const threads = startThreads(heap, { count, patience, worker });
  let open = true;
  const check = (tried: string) => {
    if (!open) throw new DeviceError(`Cannot ${tried}: the place was disposed`);
  };
  const residents = residentsOf(undefined, {
    take: heap.take,
    give: heap.give,
    write: (block, bytes) => heap.bytes(block.address, bytes.byteLength).set(bytes),
    read: (ranges) =>
      Promise.resolve(ranges.map(({ block, bytes }) => heap.bytes(block.address, bytes).slice())),
    check,
    isGone: () => !open,
  });
  const features = { madd, wide, shared };
  return {
    ...{ heap, threads, residents, check, features },
    constants: constantsOf(heap, packerOf(heap, features)),
    table: newTable(tableStart, tableRoom),
    dispose() {
      open = false;
      threads.dispose();
    },
  };
}

/** The kernels of a plan, by the first variant of each form, and none for copies. */
export function kernelsOf(plan: Plan): readonly (WasmKernel | undefined)[] {
  const target = wasm(wasmLimits(2 ** 32));
  return plan.steps.map((step) => {
    if (step.kind === "copy") return undefined;
    const { form, slots } = step;
    const isConstant = (i: number) => plan.slots[slots[i]].kind === "constant";
    const constants = form.ins.flatMap((_, i) => isConstant(i) ? [i] : []);
    return target.emit(form, target.variants(form, constants)[0]);
  });
}

/** Loads a graph so that all threads take part in every step that has two units. */
export async function loadShared(
  place: Place,
  graph: Graph,
  options: CompileOptions = {},
): Promise<Loaded> {
  const target = wasm(wasmLimits(2 ** 32));
  const plan = compilePlan(graph, target.limits, options, target);
  const kernels = kernelsOf(plan).map((kernel) => kernel && { ...kernel, cost: 1e9 });
  return await loadPlan(place, plan, kernels, { donate: options.donate, once: options.once });
}
