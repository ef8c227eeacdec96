/**
 * Steady times: every runner computes the row in one process, in turns of several runs, each turn
 * begun when the process is idle. A turn in which threads waited for a core is not counted where
 * there are enough others.
 *
 * @module
 */
import type { Row } from "./cases.ts";
import { settle, usage } from "./clock.ts";
import { isSmall, type Prepared } from "./peer.ts";
import type { Runner } from "./runners.ts";
import { type Line, median } from "./table.ts";

interface Ready {
  readonly runner: Runner;
  readonly prepared: Prepared;
  readonly output: Float32Array;
  readonly turns: Turn[];
}

interface Turn {
  readonly times: readonly number[];
  readonly wall: number;
  readonly cpu: number;
  readonly isQuiet: boolean;
}

/** Milliseconds of a turn, and the most runs in it. */
const turnMs = 60, turnRuns = 25;
/** Turns that each runner takes, and quiet ones that are asked for while there is time. */
const fewest = 5, wanted = 7;
/** Milliseconds for all turns of a row, past which only the fewest are still taken. */
const patience = 25_000;
/** The share of a turn for which threads may have waited for a core. */
const quietShare = 0.03;

/** Times of each runner on one row, and how far results differ from the first runner's. */
export async function steady(row: Row, chosen: readonly Runner[], turns?: number): Promise<Line> {
  const ready: Ready[] = [];
  for (const runner of chosen) {
    const prepared = await (await runner.load()).prepare(row);
    if (!prepared) continue;
    ready.push({ runner, prepared, output: await prepared.result(), turns: [] });
    await warm(prepared);
  }
  const began = performance.now();
  for (let i = 0;; i++) {
    for (const { prepared, turns } of ready) turns.push(await turn(prepared));
    if (turns !== undefined && i + 1 >= turns) break;
    if (turns !== undefined || i + 1 < fewest) continue;
    const isEnough = ready.every(({ turns }) => turns.filter((t) => t.isQuiet).length >= wanted);
    if (isEnough || performance.now() - began > patience) break;
  }
  for (const { prepared } of ready) prepared.dispose();
  const { name, flops, bytes, unit } = row;
  const results = ready.map(({ runner, output, turns }) => {
    const { name, role, copies } = runner;
    const reads = copies || isSmall(row);
    return {
      name,
      role,
      reads,
      difference: difference(output, ready[0].output),
      ...summary(turns),
    };
  });
  return { name, flops, bytes, unit, results };
}

/** Engines compile again what runs often: without this, the first turns would time that. */
async function warm(prepared: Prepared): Promise<void> {
  const began = performance.now();
  for (let i = 0;; i++) {
    const passed = performance.now() - began;
    if (passed > 2500 || (i >= 12 && passed > 500)) return;
    await prepared.run();
  }
}

async function turn(prepared: Prepared): Promise<Turn> {
  await settle();
  // Fills caches that another runner has emptied, and wakes sleeping threads.
  await prepared.run();
  const before = usage();
  const times: number[] = [];
  let at = performance.now();
  for (const end = at + turnMs; at < end && times.length < turnRuns;) {
    await prepared.run();
    const now = performance.now();
    times.push(now - at);
    at = now;
  }
  const after = usage();
  const wall = after.wall - before.wall;
  const waited = (after.waited ?? 0) - (before.waited ?? 0);
  return { times, wall, cpu: after.cpu - before.cpu, isQuiet: waited < quietShare * wall };
}

function summary(turns: readonly Turn[]) {
  const quiet = turns.filter((turn) => turn.isQuiet);
  const used = quiet.length >= 3 ? quiet : turns;
  const times = used.flatMap((turn) => turn.times);
  const total = (of: (turn: Turn) => number) => used.reduce((sum, turn) => sum + of(turn), 0);
  return {
    ms: median(times),
    low: Math.min(...times),
    reps: times.length,
    cores: total((turn) => turn.cpu) / total((turn) => turn.wall),
    quiet: quiet.length / turns.length,
  };
}

/** The largest absolute difference over the largest absolute value of `b`; NaN counts as infinite. */
function difference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs(a[i] - b[i]);
    if (!(gap <= worst)) worst = Number.isNaN(gap) ? Infinity : gap;
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return worst / (scale || 1);
}
