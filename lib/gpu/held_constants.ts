/**
 * The constants of a plan while it is loaded: as buffers, as images, or both, as its kernels read
 * them.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Plan } from "../core/plan.ts";
import type { Gpu } from "./device.ts";
import { constantUses } from "./encode.ts";
import type { Image } from "./images.ts";
import type { Held } from "./resident.ts";

/** Uploads what is not there yet; `undo` gets what gives each back. By slot. */
export async function heldConstants(
  gpu: Gpu,
  plan: Plan,
  kernels: readonly (WgslKernel | undefined)[],
  undo: (() => void)[],
): Promise<{
  readonly constants: readonly (Held | undefined)[];
  readonly images: readonly Image[];
}> {
  const constants: (Held | undefined)[] = [];
  const images: Image[] = [];
  const uses = constantUses(plan, kernels);
  for (const [id, slot] of plan.slots.entries()) {
    if (slot.kind !== "constant") continue;
    if (uses.images.has(id)) {
      images[id] = await gpu.constants.holdImage(slot.data);
      undo.push(() => gpu.constants.dropImage(slot.data));
    }
    if (slot.bytes === 0 || !uses.buffers.has(id)) continue;
    constants[id] = await gpu.constants.hold(slot.data);
    undo.push(() => gpu.constants.drop(slot.data));
  }
  return { constants, images };
}
