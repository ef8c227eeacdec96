/**
 * The first result: a fresh process per runner with an empty driver shader cache, timed from the
 * process's start to the first output, library loading included.
 *
 * @module
 */
import { rows } from "./cases.ts";
import type { Row } from "./cases.ts";
import { runners } from "./runners.ts";
import type { Runner } from "./runners.ts";
import type { Line, Result } from "./table.ts";

if (import.meta.main) {
  const [name, title] = Deno.args;
  const runner = (await runners()).find((candidate) => candidate.name === name);
  const row = rows.find((candidate) => candidate.name === title);
  if (!runner || !row) throw new Error(`no runner ${name} or row ${title}`);
  const prepared = await (await runner.load()).prepare(row);
  await prepared?.run();
  if (prepared) console.log(`first ${performance.now()}`);
  // Libraries that keep timers alive must not hold the process.
  Deno.exit(0);
}

/** Milliseconds from process start to first output of each runner on a row. */
export async function firsts(row: Row, chosen: readonly Runner[]): Promise<Line> {
  const results: Result[] = [];
  for (const { name } of chosen) {
    const cache = await Deno.makeTempDir();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", import.meta.filename ?? "", name, row.name],
      env: { MESA_SHADER_CACHE_DIR: cache, XDG_RUNTIME_DIR: "/tmp" },
      stderr: "inherit",
    });
    const { stdout } = await child.output();
    await Deno.remove(cache, { recursive: true });
    const found = /^first (.*)$/m.exec(new TextDecoder().decode(stdout));
    if (!found) continue;
    const ms = Number(found[1]);
    results.push({ name, ms, low: ms, reps: 1, difference: 0 });
  }
  const { name, flops, bytes, unit } = row;
  return { name: `first result, ${name}`, flops, bytes, unit, results };
}
