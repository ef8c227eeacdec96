/**
 * The memory of a plan over its steps: what is alive when, the peak, and the least that any
 * placement needs.
 * @module
 */
import type { Plan } from "../core/plan.ts";
import type { MemoryReport } from "../core/target.ts";
import { slotLives } from "./memory.ts";

/** The report of a plan. */
export function memoryReport(plan: Plan): MemoryReport {
  const { arenaBytes, lowerBound, constantBytes, resultBytes, recomputed } = plan.memory;
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
    ...(recomputed ? { recomputed } : {}),
  };
}
