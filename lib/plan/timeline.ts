/**
 * The memory of a plan over its steps: what is alive when, the peak, and the least that any
 * placement needs.
 * @module
 */
import type { Plan } from "../core/plan.ts";
import { slotLives } from "./memory.ts";

/** What a plan needs, in bytes. */
export interface MemoryReport {
  /** Arenas, constants, arguments and results together: all that is held while it runs. */
  readonly peakBytes: number;
  /** The arenas: values that live only while it runs. */
  readonly arenaBytes: number;
  /** The largest sum of values alive at one step; no placement takes less than this. */
  readonly lowerBound: number;
  /** Constants, parameters among them. */
  readonly constantBytes: number;
  /** Arguments that come with each call. */
  readonly argumentBytes: number;
  /** Results, which outlive the call. */
  readonly resultBytes: number;
  /** Bytes of the arenas that hold a live value at each step. */
  readonly timeline: readonly { readonly name: string; readonly liveBytes: number }[];
}

/** The report of a plan. */
export function memoryReport(plan: Plan): MemoryReport {
  const { arenaBytes, lowerBound, constantBytes, resultBytes } = plan.memory;
  const used = new Set(plan.args.filter((id) => id >= 0));
  const argumentBytes = [...used].reduce((n, id) => n + plan.slots[id].bytes, 0);
  const change = new Array<number>(plan.steps.length + 1).fill(0);
  for (const [id, { from, to }] of slotLives(plan.steps)) {
    if (plan.slots[id].kind !== "arena") continue;
    change[from] += plan.slots[id].bytes;
    change[to + 1] -= plan.slots[id].bytes;
  }
  let liveBytes = 0;
  const timeline = plan.steps.map((step, i) => {
    liveBytes += change[i];
    return { name: step.kind === "copy" ? "copy" : step.name, liveBytes };
  });
  const peakBytes = arenaBytes + constantBytes + argumentBytes + resultBytes;
  return {
    ...{ peakBytes, arenaBytes, lowerBound, constantBytes, argumentBytes, resultBytes },
    timeline,
  };
}
