/**
 * The suite of `deno task bench`: runs the rows under `deno bench`, on all targets side by side.
 * The time to a first result takes fresh processes with an empty shader cache.
 * @module
 */
import type { BenchColumn, Measured, Stored, Suite, SuiteOptions } from "../lib/cli/bench_suite.ts";
import type { Facts, Result } from "./facts.ts";
import { targets as runners } from "./ours.ts";
import { placeOf } from "./place.ts";
import { printed } from "./print.ts";

/** The targets: `wasm` has as many threads as there are cores, `wasm-x1` has one. */
export const targets: Suite["targets"] = ["webgpu", "wasm", "reference", "wasm-x1"];

/** All but one thread are measured by default. */
export const usual: Suite["usual"] = 3;

const here = new URL("./", import.meta.url).pathname;

/** Best milliseconds by row and target. */
type Times = Map<string, Map<string, number>>;

/** Measures rows. */
export async function measure(options: SuiteOptions): Promise<Measured> {
  const { facts, times } = await benched(options);
  // What was asked for and is here; `host` is what no target has a part in.
  const present = options.targets.filter((name) => name in runners && !(name in facts.absent));
  if (options.first) await addFirsts(facts, times, present, options.signal);
  const columns = await Promise.all(
    [...present, "host"].map(async (target) => ({
      ...{ target, place: await placeOf(target) },
      results: resultsOf(facts, times, target),
    })),
  );
  return { columns: columns as readonly BenchColumn[], table };

  function table(before: Stored): string {
    const none = new Map<string, number>();
    const known = (target: string) => before.get(target) ?? none;
    return printed(facts, columns.map((c) => ({ ...c, before: known(c.target) })));
  }
}

async function benched(
  { targets, rows, signal }: SuiteOptions,
): Promise<{ readonly facts: Facts; readonly times: Times }> {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const output = await run(["bench", "-A", "--json", "--no-check", `${here}rows_bench.ts`], {
      ...{ WEFT_BENCH_FACTS: file, WEFT_BENCH_ROWS: rows.source },
      WEFT_BENCH_TARGETS: targets.join(","),
    }, signal);
    interface Report {
      readonly benches: readonly {
        readonly group: string;
        readonly name: string;
        readonly results: readonly { readonly ok?: { readonly min: number } }[];
      }[];
    }
    const report: Report = JSON.parse(output);
    const times: Times = new Map();
    for (const { group, name, results: [{ ok }] } of report.benches) {
      if (!times.has(group)) times.set(group, new Map());
      if (ok) times.get(group)!.set(name, ok.min / 1e6);
    }
    return { facts: JSON.parse(await Deno.readTextFile(file)), times };
  } finally {
    await Deno.remove(file);
  }
}

/** The first results of the networks that were run. */
async function addFirsts(
  facts: Facts,
  times: Times,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const [name, row] of Object.entries(facts.rows)) {
    if (!/^(MobileNet|ResNet)/.test(name)) continue;
    const title = `${name} first result`;
    facts.rows[title] = { flops: 0, bytes: 0, unit: "", targets: {} };
    times.set(title, new Map());
    for (const target of targets) {
      const { skipped } = row.targets[target];
      facts.rows[title].targets[target] = { skipped };
      if (!skipped) times.get(title)!.set(target, await first(target, name, signal));
    }
  }
}

/** From nothing to the first output, in a process of its own with an empty shader cache. */
async function first(target: string, name: string, signal: AbortSignal): Promise<number> {
  const cache = await Deno.makeTempDir();
  try {
    const args = ["run", "-A", "--no-check", `${here}first_result.ts`, target, name];
    return Number(await run(args, { MESA_SHADER_CACHE_DIR: cache }, signal));
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

/** What a process of our own writes. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { ...env, XDG_RUNTIME_DIR: "/tmp" },
    stdout: "piped",
    stderr: "inherit",
    signal,
  }).output();
  signal.throwIfAborted();
  if (!success) throw new Error(`deno ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

function resultsOf(facts: Facts, times: Times, target: string): readonly Result[] {
  return Object.entries(facts.rows).flatMap(([name, { targets, ...row }]) => {
    const ms = times.get(name)?.get(target);
    return ms === undefined ? [] : [{ name, ms, ...row, ...targets[target] }];
  });
}
