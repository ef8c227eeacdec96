/**
 * Whether a device can run a plan at all: what is too large is said when the plan is loaded, with
 * the author's line, not by a device that drops the work.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import { DeviceError } from "../core/fault.ts";
import type { Plan, Step } from "../core/plan.ts";
import { printType } from "../core/type.ts";
import type { Gpu } from "./device.ts";
import { slotsOf, titleOf } from "./encode.ts";

/** Throws where a step is beyond what the device can bind or dispatch. */
export function fits(gpu: Gpu, plan: Plan, kernels: readonly (WgslKernel | undefined)[]): void {
  const { limits } = gpu;
  plan.arenas.forEach((bytes, i) => {
    if (bytes > limits.bindingBytes) {
      throw new DeviceError(
        `internal: arena ${i} has ${bytes} bytes, a binding has at most ${limits.bindingBytes}`,
      );
    }
  });
  plan.steps.forEach((step, i) => {
    const kernel = kernels[i];
    if (step.kind === "kernel" && !kernel) {
      throw new DeviceError(`internal: no kernel for ${titleOf(step)}`);
    }
    if (!kernel) return;
    if (kernel.bindings > limits.bindings) {
      throw new DeviceError(
        `Cannot run ${titleOf(step)}: it needs ${kernel.bindings} buffers at once, this device ` +
          `binds ${limits.bindings}; split the operation or use open("reference")`,
        { code: "device.bindings", values: { bindings: kernel.bindings } },
      );
    }
    if ((kernel.images?.length ?? 0) > gpu.images.perKernel) {
      throw new DeviceError(
        `internal: ${titleOf(step)} reads ${kernel.images?.length} images, this device binds ` +
          `${gpu.images.perKernel}`,
      );
    }
    for (const at of kernel.images ?? []) checkImage(gpu, plan, step, at);
    if (kernel.workgroups.some((n) => n > limits.workgroups)) {
      throw new DeviceError(
        `internal: ${titleOf(step)} dispatches ${kernel.workgroups.join(" x ")} work-groups, ` +
          `at most ${limits.workgroups} go along one dimension`,
      );
    }
    for (const id of slotsOf(step)) {
      const slot = plan.slots[id];
      if (slot.bytes <= limits.bindingBytes) continue;
      throw new DeviceError(
        `Cannot run ${titleOf(step)}: ${printType(slot.type)} has ${slot.bytes} bytes, one ` +
          `binding of this device has at most ${limits.bindingBytes}; split the tensor or use ` +
          `open("reference")`,
        { code: "device.size", values: { bytes: slot.bytes } },
      );
    }
  });
}

/** Throws where an operand cannot be the image that its kernel asks for. */
function checkImage(gpu: Gpu, plan: Plan, step: Step, operand: number): void {
  const slot = plan.slots[slotsOf(step)[operand]];
  if (slot?.kind === "constant" && gpu.images.canHold(slot.type)) return;
  const what = slot ? `${slot.kind} ${printType(slot.type)}` : "nothing";
  throw new DeviceError(
    `internal: ${titleOf(step)} reads operand ${operand} (${what}) from an image; only constants ` +
      `of f32 that this device has room for can be`,
  );
}
