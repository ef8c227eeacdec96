/**
 * The comparison: every runner of a group computes every row in one process, taking turns, so that a
 * noisy machine slows all alike; the ratios are the result. `--target webgpu|wasm` chooses the group,
 * both one after the other by default; `--rows REGEXP`, `--runners REGEXP`, `--reps N` (turns, or
 * processes for the first result), `--first` (time from process start to first output), `--markdown`
 * (a table at the end), `--json FILE`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { rows } from "./cases.ts";
import { firsts } from "./first.ts";
import { steady } from "./measure.ts";
import { type Group, groups, runners } from "./runners.ts";
import { geomeans, type Line, line, markdown } from "./table.ts";

if (import.meta.main) await main();

async function main(): Promise<void> {
  // Without it the Vulkan loader complains on every adapter; it changes nothing else.
  if (!Deno.env.get("XDG_RUNTIME_DIR")) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  const args = parseArgs(Deno.args, {
    string: ["target", "rows", "runners", "reps", "json"],
    boolean: ["first", "markdown"],
  });
  const [wanted, named] = [new RegExp(args.rows ?? ""), new RegExp(args.runners ?? "")];
  const reps = args.reps === undefined ? undefined : Number(args.reps);
  if (args.target !== undefined && !groups.includes(args.target as Group)) {
    throw new RangeError(`no target ${args.target}; there are ${groups.join(" and ")}`);
  }
  const all: Record<string, readonly Line[]> = {};
  for (const group of args.target ? [args.target as Group] : groups) {
    if (group === "webgpu" && !await navigator.gpu?.requestAdapter()) {
      console.log("webgpu: no adapter");
      continue;
    }
    console.log(`${group}:`);
    const chosen = runners.filter((r) => r.group === group && named.test(r.name));
    // What reads the result is no other runner the first time.
    const used = args.first ? chosen.filter(({ name }) => !name.endsWith("-copied")) : chosen;
    const names = used.map(({ name }) => name);
    const lines: Line[] = [];
    for (const row of rows.filter(({ name }) => wanted.test(name))) {
      lines.push(args.first ? await firsts(row, used, reps) : await steady(row, used, reps));
      console.log(line(lines[lines.length - 1], names));
    }
    console.log(geomeans(lines, names));
    if (args.markdown) console.log(`\n${markdown(lines, used)}\n`);
    all[group] = lines;
  }
  if (args.json) {
    const host = { date: new Date().toISOString(), deno: Deno.version.deno };
    await Deno.writeTextFile(args.json, JSON.stringify({ ...host, ...all }, null, 1) + "\n");
  }
  // Threads that some runtimes leave behind must not hold the process.
  Deno.exit(0);
}
