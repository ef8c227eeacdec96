/**
 * `deno task bench`: runs the rows under `deno bench`, prints them beside the stored history of this
 * adapter, and stores them with `--save`. `--rows REGEXP` chooses; `--no-first` leaves out the time
 * to the first result, which takes fresh processes with an empty shader cache.
 * @module
 */
import { parseArgs } from "../lib/cli/std.ts";

interface Fact {
  readonly flops: number;
  readonly bytes: number;
  readonly unit: string;
  readonly dispatches?: number;
  readonly pipelines?: number;
  readonly peakBytes?: number;
}

interface Result extends Fact {
  readonly name: string;
  readonly ms: number;
}

const args = parseArgs(Deno.args, {
  string: ["rows"],
  boolean: ["save", "first"],
  negatable: ["first"],
  default: { first: true },
}) as unknown as { rows?: string; save: boolean; first: boolean };
const here = new URL("./", import.meta.url).pathname;
const facts = await Deno.makeTempFile({ suffix: ".json" });

const bench = await new Deno.Command(Deno.execPath(), {
  args: ["bench", "-A", "--json", "--no-check", `${here}rows_bench.ts`],
  env: { WEFT_BENCH_FACTS: facts, WEFT_BENCH_ROWS: args.rows ?? "", XDG_RUNTIME_DIR: "/tmp" },
  stdout: "piped",
  stderr: "inherit",
}).output();
if (!bench.success) Deno.exit(1);
interface Report {
  readonly benches: readonly {
    name: string;
    results: { ok?: { min: number; avg: number; p75: number } }[];
  }[];
}
const report: Report = JSON.parse(new TextDecoder().decode(bench.stdout));
const known: Record<string, Fact> = JSON.parse(await Deno.readTextFile(facts));
await Deno.remove(facts);
const results: Result[] = report.benches.flatMap(({ name, results: [{ ok }] }) =>
  ok ? [{ name, ms: ok.min / 1e6, ...known[name] }] : []
);
if (args.first) {
  for (const name of ["MobileNetV2 @96", "ResNet18 @64"]) {
    if (!new RegExp(args.rows ?? "").test(name)) continue;
    results.push({
      name: `${name} first result`,
      ms: await first(name),
      flops: 0,
      bytes: 0,
      unit: "",
    });
  }
}

const adapter = (await navigator.gpu.requestAdapter())?.info.description ?? "none";
const history = `${here}results/${adapter.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase()}.jsonl`;
const before = await last(history);
const cells = results.map((r) => {
  const old = before.get(r.name);
  const rate = r.unit === "GFLOP/s" ? r.flops / r.ms / 1e6 : r.bytes / r.ms / 1e6;
  return [
    r.name,
    r.ms.toFixed(2),
    r.unit ? `${rate.toFixed(2)} ${r.unit}` : "",
    r.dispatches?.toString() ?? "",
    r.pipelines?.toString() ?? "",
    r.peakBytes === undefined ? "" : `${(r.peakBytes / 2 ** 20).toFixed(1)} MiB`,
    old ? `${(r.ms / old).toFixed(2)}x` : "new",
  ];
});
const head = ["row", "ms (best)", "rate", "dispatches", "pipelines", "peak", "of stored"];
const widths = head.map((h, i) => Math.max(h.length, ...cells.map((row) => row[i].length)));
for (const row of [head, ...cells]) {
  console.log(row.map((c, i) => i ? c.padStart(widths[i]) : c.padEnd(widths[i])).join("  "));
}
if (args.save) {
  const line = { date: new Date().toISOString(), deno: Deno.version.deno, adapter, results };
  await Deno.writeTextFile(history, JSON.stringify(line) + "\n", { append: true });
  console.log(`stored in ${history.slice(here.length)}`);
}

/** Milliseconds of each row in the last stored run. */
async function last(file: string): Promise<Map<string, number>> {
  try {
    const lines = (await Deno.readTextFile(file)).trim().split("\n");
    const { results } = JSON.parse(lines[lines.length - 1]) as { results: Result[] };
    return new Map(results.map(({ name, ms }) => [name, ms]));
  } catch {
    return new Map();
  }
}

/** From nothing to the first output, in a process of its own with an empty shader cache. */
async function first(name: string): Promise<number> {
  const cache = await Deno.makeTempDir();
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${here}first_result.ts`, name],
    env: { MESA_SHADER_CACHE_DIR: cache, XDG_RUNTIME_DIR: "/tmp" },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  await Deno.remove(cache, { recursive: true });
  if (!success) Deno.exit(1);
  return Number(new TextDecoder().decode(stdout).trim());
}
