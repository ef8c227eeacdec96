/**
 * The time that a kernel takes by itself on a device.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Target } from "../core/target.ts";
import type { TimeOf } from "../plan/tune.ts";
import type { Gpu } from "./device.ts";
import { profilePlan } from "./profile.ts";
import { loadPlan } from "./run.ts";

/** Rounds that are timed; the least counts. */
const rounds = 3;

/** Times kernels of a target on a device. */
export function timeOn(gpu: Gpu, target: Target<WgslKernel>): TimeOf {
  return async (alone, step, variant) => {
    const loaded = await loadPlan(gpu, alone, [target.emit(step.form, variant)]);
    try {
      const { times } = await profilePlan(loaded, rounds);
      return times.reduce((sum, time) => sum + time.ns, 0);
    } finally {
      loaded.dispose();
    }
  };
}
