/**
 * The WebGPU machine: graphs become plans, forms become WGSL, and both go to a device.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import { wgsl } from "../../kernels/wgsl/target.ts";
import { StageError } from "../core/fault.ts";
import type { Form } from "../core/form.ts";
import type { Graph } from "../core/graph.ts";
import type { Host, Resident } from "../core/host.ts";
import type { Plan, SlotId } from "../core/plan.ts";
import type { CompileOptions, Machine, Target } from "../core/target.ts";
import { type DeviceOptions, type Gpu, openDevice } from "./device.ts";
import type { Images } from "./images.ts";
import { type LoadedPlan, loadPlan } from "./run.ts";

/** Turns a graph into a plan for a target. */
export type Planner = (
  graph: Graph,
  target: Target<WgslKernel>,
  options?: CompileOptions,
) => Plan;

/** A machine that runs plans on a WebGPU device. */
export interface GpuMachine extends Machine {
  /** The open device. */
  readonly gpu: Gpu;
  compile(graph: Graph, options?: CompileOptions): Promise<LoadedPlan>;
}

/** Opens the default adapter's device as a machine; throws a DeviceError where there is none. */
export async function openWebgpu(
  compile: Planner,
  options: DeviceOptions = {},
): Promise<GpuMachine> {
  // Residents name the machine as their owner, so it is there before its device.
  const machine = {} as GpuMachine;
  const gpu = await openDevice({ ...options, owner: machine });
  const target = wgsl(gpu.limits, gpu.class);
  const { residents, readback } = gpu;
  return Object.assign(machine, {
    name: "webgpu",
    description: gpu.description,
    gpu,
    async compile(graph: Graph, options: CompileOptions = {}): Promise<LoadedPlan> {
      gpu.health.check("compile");
      const plan = compile(graph, target, options);
      return await loadPlan(gpu, plan, emitted(plan, target, gpu.images), options.donate);
    },
    upload: (value: Host): Resident => residents.upload(value),
    read: (values: readonly Resident[]): Promise<readonly Host[]> => residents.read(values),
    dispose: () => gpu.dispose(),
    async [Symbol.asyncDispose](): Promise<void> {
      await readback.settled();
      gpu.dispose();
    },
  });
}

/** The kernel of each step by the target's best guess, and none for copies. */
export function emitted(
  plan: Plan,
  target: Target<WgslKernel>,
  images: Images,
): readonly (WgslKernel | undefined)[] {
  return plan.steps.map((step) => {
    if (step.kind === "copy") return undefined;
    const [best] = target.variants(step.form, constantsIn(plan, step.form, step.slots, images));
    if (!best) throw new StageError(`internal: ${target.name} has no kernel for ${step.name}`);
    return target.emit(step.form, best);
  });
}

/** The operands that never change, as far as this device can read them from images. */
function constantsIn(
  plan: Plan,
  form: Form,
  slots: readonly SlotId[],
  images: Images,
): readonly number[] {
  return form.ins.flatMap((type, i) =>
    plan.slots[slots[i]].kind === "constant" && images.canHold(type) ? [i] : []
  );
}
