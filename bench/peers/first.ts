/**
 * The first result: a fresh process per runner with an empty driver shader cache, timed from the
 * process's start to the first output, library loading included. Reports the most memory that the
 * process held as well, where the system tells.
 *
 * @module
 */
import { rows } from "./cases.ts";
import type { Row } from "./cases.ts";
import { runners } from "./runners.ts";
import type { Runner } from "./runners.ts";
import { type Line, median, type Result } from "./table.ts";

if (import.meta.main) {
  const [name, title] = Deno.args;
  const runner = runners.find((candidate) => candidate.name === name);
  const row = rows.find((candidate) => candidate.name === title);
  if (!runner || !row) throw new Error(`no runner ${name} or row ${title}`);
  const prepared = await (await runner.load()).prepare(row);
  await prepared?.run();
  if (prepared) console.log(`first ${performance.now()} ${peak()}`);
  // Libraries that keep timers alive must not hold the process.
  Deno.exit(0);
}

/**
 * Milliseconds from process start to first output of each runner on a row; the medians of so many
 * rounds, after one that fills the caches of Deno, which are not what is measured.
 */
export async function firsts(
  row: Row,
  chosen: readonly Runner[],
  rounds: number = 3,
): Promise<Line> {
  const found = new Map<Runner, { ms: number; peak: number }[]>();
  for (let i = 0; i <= rounds; i++) {
    for (const runner of chosen) {
      const one = await first(runner, row);
      if (!one) continue;
      if (i) found.set(runner, [...found.get(runner) ?? [], one]);
    }
  }
  const results = [...found].map(([{ name, role }, all]): Result => {
    const ms = all.map((one) => one.ms);
    const most = Math.max(...all.map((one) => one.peak));
    return {
      ...{ name, role, reads: true, ms: median(ms), low: Math.min(...ms), reps: ms.length },
      ...{ difference: 0, peakBytes: most || undefined },
    };
  });
  const { name, flops, bytes, unit } = row;
  return { name: `first result, ${name}`, flops, bytes, unit, results };
}

async function first(
  { name }: Runner,
  row: Row,
): Promise<{ ms: number; peak: number } | undefined> {
  const cache = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename ?? "", name, row.name],
    env: { MESA_SHADER_CACHE_DIR: cache, XDG_RUNTIME_DIR: "/tmp" },
    stderr: "inherit",
  });
  const { stdout } = await child.output();
  await Deno.remove(cache, { recursive: true });
  const found = /^first (\S+) (\S+)$/m.exec(new TextDecoder().decode(stdout));
  return found ? { ms: Number(found[1]), peak: Number(found[2]) } : undefined;
}

/** The most bytes that this process held, 0 if unknown. */
function peak(): number {
  try {
    const [, kib] = /VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
