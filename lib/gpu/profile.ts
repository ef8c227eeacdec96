/**
 * Time of each step of a plan, by the device's own clock where it has one, else by the host's with
 * a wait for each step, which is coarser and says so.
 * @module
 */
import { DeviceError } from "../core/fault.ts";
import type { Host, Resident } from "../core/host.ts";
import type { Loaded, StepTime, Timed } from "../core/target.ts";
import type { Block } from "./buffers.ts";
import type { LoadedPlan, Record } from "./run.ts";

/** Times of the steps that do work, and the clock they were taken with. */
export type PlanProfile = Pick<Timed, "clock" | "times">;

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
  const clock = clockOf(loaded);
  const best = new Map<number, StepTime>();
  // The first round compiles in the driver and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const times = clock === "device" ? await byDevice(loaded) : await byHost(loaded);
    if (round === 0) continue;
    for (const time of times) {
      const before = best.get(time.step);
      if (!before || time.ns < before.ns) best.set(time.step, time);
    }
  }
  return { clock, times: [...best.values()] };
}

/** One run with every step timed; without a device's clock each is run again, by itself. */
export async function timedRun(
  loaded: LoadedPlan,
  args: readonly (Host | Resident)[],
): Promise<Timed> {
  const clock = clockOf(loaded);
  const begun = performance.now();
  if (clock === "host") {
    const outs = await loaded.run(args);
    await loaded.gpu.readback.read(probeOf(loaded));
    const ms = performance.now() - begun;
    return { outs, clock, ms, times: await byHost(loaded) };
  }
  const watch = stopwatch(loaded);
  try {
    const outs = await loaded.runBy(args, watch.write);
    const times = await watch.read();
    return { outs, clock, ms: performance.now() - begun, times };
  } finally {
    watch.dispose();
  }
}

/** Software adapters have timestamps, but once a kernel reads an image they say nothing (seen). */
function clockOf({ gpu }: LoadedPlan): "device" | "host" {
  return gpu.features.has("timestamp-query") && gpu.class === "gpu" ? "device" : "host";
}

async function byDevice(loaded: LoadedPlan): Promise<readonly StepTime[]> {
  const { gpu } = loaded;
  const watch = stopwatch(loaded);
  try {
    await gpu.health.scoped("profile", () => {
      const encoder = gpu.device.createCommandEncoder();
      watch.write(encoder, (actions, stamps) => loaded.rehearse(encoder, actions, stamps));
      gpu.queue.submit([encoder.finish()]);
    });
    return await watch.read();
  } finally {
    watch.dispose();
  }
}

/** Timestamps around every dispatch of a plan. */
function stopwatch(loaded: LoadedPlan) {
  const { gpu, actions } = loaded;
  const sets: { set: GPUQuerySet; resolved: Block; steps: readonly number[] }[] = [];
  return {
    /** Records the actions, each dispatch in a pass of its own. */
    write(encoder: GPUCommandEncoder, record: Record): void {
      let open: { set: GPUQuerySet; steps: number[] } | undefined;
      for (const action of actions) {
        if (action.kind !== "dispatch") {
          record([action]);
          continue;
        }
        if (!open || open.steps.length === stepsPerSet) {
          const set = gpu.device.createQuerySet({ type: "timestamp", count: stepsPerSet * 2 });
          // QUERY_RESOLVE | COPY_SRC
          const resolved = gpu.buffers.create(stepsPerSet * 16, 0x200 | 0x4, "timestamps");
          open = { set, steps: [] };
          sets.push({ ...open, resolved });
        }
        const at = 2 * (open.steps.push(action.step) - 1);
        record([action], {
          querySet: open.set,
          beginningOfPassWriteIndex: at,
          endOfPassWriteIndex: at + 1,
        });
      }
      for (const { set, resolved, steps } of sets) {
        encoder.resolveQuerySet(set, 0, steps.length * 2, resolved.buffer, 0);
      }
    },
    async read(): Promise<readonly StepTime[]> {
      const ranges = sets.map(({ resolved, steps }) => ({
        block: resolved,
        offset: 0,
        bytes: steps.length * 16,
      }));
      const stamps = await gpu.readback.read(ranges);
      const ticks = stamps.map((bytes) => new BigUint64Array(bytes.buffer, 0, bytes.length / 8));
      return sets.flatMap(({ steps }, k) =>
        steps.map((step, i) => ({
          step,
          start: Number(ticks[k][2 * i] - ticks[0][0]),
          ns: Number(ticks[k][2 * i + 1] - ticks[k][2 * i]),
        }))
      );
    },
    dispose(): void {
      for (const { set, resolved } of sets) {
        set.destroy();
        gpu.buffers.destroy(resolved);
      }
    },
  };
}

/** Milliseconds that a step shall take by the host's clock; a shorter one is repeated. */
const longEnough = 2;
/** How often at most. */
const mostRepeats = 64;

/** A read that is over when everything submitted before it is. */
function probeOf({ gpu }: LoadedPlan) {
  return [{ block: gpu.buffers.nothing, offset: 0, bytes: 4 }];
}

/**
 * Each step by itself, less what an empty submit takes; short ones several times in a submit. The
 * starts put them end to end, without what measuring took between them.
 */
async function byHost(loaded: LoadedPlan): Promise<StepTime[]> {
  const { gpu, actions } = loaded;
  const probe = probeOf(loaded);
  const spent = async (some: LoadedPlan["actions"]) => {
    await gpu.readback.read(probe);
    const start = performance.now();
    const encoder = gpu.device.createCommandEncoder();
    loaded.rehearse(encoder, some);
    gpu.queue.submit([encoder.finish()]);
    await gpu.readback.read(probe);
    return performance.now() - start;
  };
  let empty = Infinity;
  for (let i = 0; i < 5; i++) empty = Math.min(empty, await spent([]));
  const times: StepTime[] = [];
  let at = 0;
  for (const action of actions) {
    const once = await spent([action]);
    const least = Math.max(once - empty, longEnough / mostRepeats);
    const repeats = Math.ceil(longEnough / least);
    const ms = repeats > 1 ? await spent(new Array(repeats).fill(action)) : once;
    const ns = Math.max(0, ms - empty) / Math.max(1, repeats) * 1e6;
    times.push({ step: action.step, start: at, ns });
    at += ns;
  }
  return times;
}
