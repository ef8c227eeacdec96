/**
 * The comparison: every runner computes every row in one process, taking turns, so that a noisy
 * machine slows all alike; the ratios are the result. `--rows REGEXP`, `--runners REGEXP`,
 * `--reps N`, `--first` (time from process start to first output), `--json FILE`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { rows } from "./cases.ts";
import type { Prepared, Row } from "./cases.ts";
import { runners } from "./runners.ts";
import type { Runner } from "./runners.ts";
import { firsts } from "./first.ts";
import { geomeans, line, median } from "./table.ts";
import type { Line } from "./table.ts";

if (import.meta.main) await main();

async function main(): Promise<void> {
  // Without it the Vulkan loader complains on every adapter; it changes nothing else.
  if (!Deno.env.get("XDG_RUNTIME_DIR")) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  const args = parseArgs(Deno.args, {
    string: ["rows", "runners", "reps", "json"],
    boolean: ["first"],
  });
  const wanted = new RegExp(args.rows ?? "");
  const named = new RegExp(args.runners ?? "");
  const chosen = (await runners()).filter((runner) => named.test(runner.name));
  const picked = rows.filter((row) => wanted.test(row.name));
  const lines: Line[] = [];
  for (const row of picked) {
    const timed = args.first
      ? await firsts(row, chosen)
      : await steady(row, chosen, args.reps === undefined ? undefined : Number(args.reps));
    lines.push(timed);
    console.log(line(timed, chosen.map((runner) => runner.name)));
  }
  if (!args.first) console.log(geomeans(lines, chosen.map((runner) => runner.name)));
  if (args.json) {
    const host = { date: new Date().toISOString(), deno: Deno.version.deno };
    await Deno.writeTextFile(args.json, JSON.stringify({ ...host, lines }, null, 1) + "\n");
  }
}

/** Median milliseconds of each runner on one row, taken in turns, and how far results differ. */
async function steady(row: Row, chosen: readonly Runner[], reps?: number): Promise<Line> {
  const ready: { name: string; prepared: Prepared; output: Float32Array }[] = [];
  for (const runner of chosen) {
    const prepared = await (await runner.load()).prepare(row);
    if (!prepared) continue;
    // The check doubles as the first warm-up; a second run fills pools that only repeats use.
    ready.push({ name: runner.name, prepared, output: await prepared.result() });
    await prepared.run();
  }
  const times: Record<string, number[]> = {};
  for (const { name } of ready) times[name] = [];
  const began = performance.now();
  const rounds = reps ?? 40;
  for (let i = 0; i < rounds; i++) {
    for (const { name, prepared } of ready) {
      const start = performance.now();
      await prepared.run();
      times[name].push(performance.now() - start);
    }
    // Slow rows get fewer rounds: seven give a median that noise does not move.
    if (reps === undefined && i >= 6 && performance.now() - began > 6000) break;
  }
  const results = ready.map(({ name, output }) => ({
    name,
    ms: median(times[name]),
    low: Math.min(...times[name]),
    reps: times[name].length,
    difference: difference(output, ready[0].output),
  }));
  for (const { prepared } of ready) prepared.dispose();
  const { name, flops, bytes, unit } = row;
  return { name, flops, bytes, unit, results };
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
