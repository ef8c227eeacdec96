/**
 * Time of each step of a plan, by the device's own clock where it has one, else by the host's with
 * a wait for each step, which is coarser and says so.
 * @module
 */
import { DeviceError } from "../core/fault.ts";
import type { Loaded } from "../core/target.ts";
import type { LoadedPlan } from "./run.ts";

/** The time that one step took. */
export interface StepTime {
  /** Index into the plan's steps. */
  readonly step: number;
  readonly ns: number;
}

/** Times of the steps that do work, and the clock they were taken with. */
export interface PlanProfile {
  readonly clock: "device" | "host";
  readonly times: readonly StepTime[];
}

/** Query sets hold 4,096 timestamps, two for a step. */
const stepsPerSet = 2048;

/** True if a loaded graph is a plan on a device. */
export function isLoadedPlan(loaded: Loaded): loaded is LoadedPlan {
  return "rehearse" in loaded;
}

/**
 * Runs every step of a loaded plan by itself and gives the smallest time of `rounds`. Arguments are
 * those of the latest call with host values, or zeros.
 */
export async function profilePlan(loaded: Loaded, rounds: number = 3): Promise<PlanProfile> {
  if (!isLoadedPlan(loaded)) {
    throw new DeviceError("Cannot profile: this graph does not run on a device");
  }
  loaded.gpu.health.check("profile");
  const clock = loaded.gpu.features.has("timestamp-query") ? "device" : "host";
  const best = new Map<number, number>();
  // The first round compiles in the driver and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const times = clock === "device" ? await byDevice(loaded) : await byHost(loaded);
    if (round === 0) continue;
    for (const { step, ns } of times) best.set(step, Math.min(ns, best.get(step) ?? Infinity));
  }
  return { clock, times: [...best].map(([step, ns]) => ({ step, ns })) };
}

async function byDevice(loaded: LoadedPlan): Promise<StepTime[]> {
  const { gpu } = loaded;
  const times: StepTime[] = [];
  const dispatches = loaded.actions.filter((action) => action.kind === "dispatch");
  for (let from = 0; from < dispatches.length; from += stepsPerSet) {
    const some = dispatches.slice(from, from + stepsPerSet);
    const querySet = gpu.device.createQuerySet({ type: "timestamp", count: some.length * 2 });
    const bytes = some.length * 16;
    const resolved = gpu.buffers.create(bytes, 0x200 | 0x4, "timestamps"); // QUERY_RESOLVE | COPY_SRC
    try {
      await gpu.health.scoped("profile", () => {
        const encoder = gpu.device.createCommandEncoder();
        some.forEach((action, i) =>
          loaded.rehearse(encoder, [action], {
            querySet,
            beginningOfPassWriteIndex: 2 * i,
            endOfPassWriteIndex: 2 * i + 1,
          })
        );
        encoder.resolveQuerySet(querySet, 0, some.length * 2, resolved.buffer, 0);
        gpu.device.queue.submit([encoder.finish()]);
      });
      const [stamps] = await gpu.readback.read([{ block: resolved, offset: 0, bytes }]);
      const ticks = new BigUint64Array(stamps.buffer, 0, some.length * 2);
      some.forEach(({ step }, i) =>
        times.push({ step, ns: Number(ticks[2 * i + 1] - ticks[2 * i]) })
      );
    } finally {
      gpu.buffers.destroy(resolved);
      querySet.destroy();
    }
  }
  return times;
}

async function byHost(loaded: LoadedPlan): Promise<StepTime[]> {
  const { gpu } = loaded;
  const probe = [{ block: gpu.buffers.nothing, offset: 0, bytes: 4 }];
  const times: StepTime[] = [];
  for (const action of loaded.actions) {
    await gpu.readback.read(probe);
    const start = performance.now();
    const encoder = gpu.device.createCommandEncoder();
    loaded.rehearse(encoder, [action]);
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.readback.read(probe);
    times.push({ step: action.step, ns: (performance.now() - start) * 1e6 });
  }
  return times;
}
