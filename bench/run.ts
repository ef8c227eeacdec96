/**
 * `deno task bench`: runs the rows under `deno bench`, on all targets side by side, and prints them
 * beside the stored history; `--save` stores them. `--targets webgpu,wasm,reference` (the default;
 * `wasm-x1` is one thread) and `--rows REGEXP` choose; `--no-first` leaves out the time to the first
 * result, which takes fresh processes with an empty shader cache.
 * @module
 */
import { parseArgs } from "../lib/cli/std.ts";
import type { Facts, Result } from "./facts.ts";
import { placeOf, store, stored } from "./history.ts";
import { type Column, printed } from "./print.ts";

const args = parseArgs(Deno.args, {
  string: ["rows", "targets"],
  boolean: ["save", "first"],
  negatable: ["first"],
  default: { first: true, targets: "webgpu,wasm,reference" },
}) as unknown as { rows?: string; targets: string; save: boolean; first: boolean };
const here = new URL("./", import.meta.url).pathname;

const { facts, times } = await measure();
// What was asked for and is here; `host` is what no target has a part in.
const targets = args.targets.split(",").filter((name) => !(name in facts.absent));
if (args.first) await addFirsts();
const columns: readonly Column[] = await Promise.all(
  [...targets, "host"].map(async (target) => {
    const place = await placeOf(target);
    return { target, place, results: resultsOf(target), before: await stored(target, place) };
  }),
);
console.log(printed(facts, columns));
if (args.save) {
  for (const { target, place, results } of columns) {
    if (results.length) console.log(`stored in ${await store(target, place, results)}`);
  }
}

/** Best milliseconds by row and target, and what else is known. */
async function measure(): Promise<{ facts: Facts; times: Map<string, Map<string, number>> }> {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const bench = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "-A", "--json", "--no-check", `${here}rows_bench.ts`],
    env: {
      ...{ WEFT_BENCH_FACTS: file, WEFT_BENCH_ROWS: args.rows ?? "" },
      ...{ WEFT_BENCH_TARGETS: args.targets, XDG_RUNTIME_DIR: "/tmp" },
    },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!bench.success) Deno.exit(1);
  interface Report {
    readonly benches: readonly {
      readonly group: string;
      readonly name: string;
      readonly results: readonly { readonly ok?: { readonly min: number } }[];
    }[];
  }
  const report: Report = JSON.parse(new TextDecoder().decode(bench.stdout));
  const times = new Map<string, Map<string, number>>();
  for (const { group, name, results: [{ ok }] } of report.benches) {
    if (!times.has(group)) times.set(group, new Map());
    if (ok) times.get(group)!.set(name, ok.min / 1e6);
  }
  const facts: Facts = JSON.parse(await Deno.readTextFile(file));
  await Deno.remove(file);
  return { facts, times };
}

/** The first results of the networks that were run. */
async function addFirsts(): Promise<void> {
  for (const [name, row] of Object.entries(facts.rows)) {
    if (!/^(MobileNet|ResNet)/.test(name)) continue;
    const title = `${name} first result`;
    facts.rows[title] = { flops: 0, bytes: 0, unit: "", targets: {} };
    times.set(title, new Map());
    for (const target of targets) {
      const { skipped } = row.targets[target];
      facts.rows[title].targets[target] = { skipped };
      if (!skipped) times.get(title)!.set(target, await first(target, name));
    }
  }
}

/** From nothing to the first output, in a process of its own with an empty shader cache. */
async function first(target: string, name: string): Promise<number> {
  const cache = await Deno.makeTempDir();
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${here}first_result.ts`, target, name],
    env: { MESA_SHADER_CACHE_DIR: cache, XDG_RUNTIME_DIR: "/tmp" },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  await Deno.remove(cache, { recursive: true });
  if (!success) Deno.exit(1);
  return Number(new TextDecoder().decode(stdout).trim());
}

function resultsOf(target: string): readonly Result[] {
  return Object.entries(facts.rows).flatMap(([name, { targets, ...row }]) => {
    const ms = times.get(name)?.get(target);
    return ms === undefined ? [] : [{ name, ms, ...row, ...targets[target] }];
  });
}
