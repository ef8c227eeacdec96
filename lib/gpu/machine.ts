/**
 * The WebGPU machine: graphs become plans, forms become WGSL, and both go to a device.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import { wgsl } from "../../kernels/wgsl/target.ts";
import { StageError } from "../core/fault.ts";
import type { Graph } from "../core/graph.ts";
import type { Host, HostArray, Resident } from "../core/host.ts";
import type { Plan } from "../core/plan.ts";
import type { CompileOptions, Machine, Target, Tuning, Variant } from "../core/target.ts";
import { compilePlan } from "../plan/compile.ts";
import { tunerOf } from "../plan/tune.ts";
import { type DeviceOptions, type Gpu, openDevice } from "./device.ts";
import type { Images } from "./images.ts";
import { type LoadedPlan, loadPlan } from "./run.ts";
import { timeOn } from "./tune.ts";

/** A machine that runs plans on a WebGPU device. */
export interface GpuMachine extends Machine {
  /** The open device. */
  readonly gpu: Gpu;
  compile(graph: Graph, options?: CompileOptions): Promise<LoadedPlan>;
}

/** Options of opening a device as a machine. */
export interface MachineOptions extends DeviceOptions {
  /** Kernel choices that were measured before. */
  readonly tuning?: Tuning;
}

/** Opens the default adapter's device as a machine; throws a DeviceError where there is none. */
export async function openWebgpu(options: MachineOptions = {}): Promise<GpuMachine> {
  // Residents name the machine as their owner, so it is there before its device.
  const machine = {} as GpuMachine;
  const gpu = await openDevice({ ...options, owner: machine });
  const target = wgsl(gpu.limits, gpu.class);
  const tuner = tunerOf(gpu.description, timeOn(gpu, target), options.tuning);
  const { residents, readback } = gpu;
  return Object.assign(machine, {
    name: "webgpu",
    description: gpu.description,
    gpu,
    async compile(graph: Graph, options: CompileOptions = {}): Promise<LoadedPlan> {
      gpu.health.check("compile");
      const begun = performance.now();
      const plan = compilePlan(graph, gpu.limits, options, target);
      const planned = performance.now();
      const choices = choicesOf(plan, target, gpu.images);
      const chosen = await tuner.choose(plan, choices, options.optLevel === 3);
      const kernels = emitted(plan, target, chosen);
      return await loadPlan(gpu, plan, kernels, {
        donate: options.donate,
        variants: chosen.map((variant) => variant?.name),
        took: { plan: planned - begun, emit: performance.now() - planned },
      });
    },
    upload: (value: Host): Resident => residents.upload(value),
    read: (values: readonly Resident[], into?: readonly (HostArray | undefined)[]) =>
      residents.read(values, into),
    tuning: tuner.known,
    dispose: () => gpu.dispose(),
    async [Symbol.asyncDispose](): Promise<void> {
      await readback.settled();
      gpu.dispose();
    },
  });
}

/** The variants of each step, best guess first, and none for copies. */
export function choicesOf(
  plan: Plan,
  target: Target<WgslKernel>,
  images: Images,
): readonly (readonly Variant[])[] {
  return plan.steps.map((step) => {
    if (step.kind === "copy") return [];
    // Operands that never change, as far as this device can read them from images.
    const constants = step.form.ins.flatMap((type, i) =>
      plan.slots[step.slots[i]].kind === "constant" && images.canHold(type) ? [i] : []
    );
    const found = target.variants(step.form, constants);
    if (!found.length) {
      throw new StageError(`internal: ${target.name} has no kernel for ${step.name}`);
    }
    return found;
  });
}

/** The kernel of each step by the variant chosen for it, and none for copies. */
export function emitted(
  plan: Plan,
  target: Target<WgslKernel>,
  chosen: readonly (Variant | undefined)[],
): readonly (WgslKernel | undefined)[] {
  return plan.steps.map((step, i) =>
    step.kind === "copy" ? undefined : target.emit(step.form, chosen[i]!)
  );
}
