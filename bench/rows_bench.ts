/**
 * The rows of the bench for `deno bench`, a group a row and a bench a target: one inference from an
 * input on the target to a finished output. The interpreter runs once a row, and not at all where it
 * would take long. What there is to know besides time (steps, kernels, planned bytes, what was left
 * out) goes to the file that WEFT_BENCH_FACTS names, by row and target.
 * @module
 */
import type { Facts } from "./facts.ts";
import { readbackRow, streamRow } from "./other_rows.ts";
import { load, type OurRow, type TargetName, targets } from "./ours.ts";
import { type Row, rows } from "./peers/cases.ts";

const facts: Facts = { absent: {}, rows: {} };
const only = new RegExp(Deno.env.get("WEFT_BENCH_ROWS") ?? "");
const named = (Deno.env.get("WEFT_BENCH_TARGETS") ?? "webgpu").split(",") as TargetName[];
const chosen: TargetName[] = [];
for (const target of named) if (await isThere(target)) chosen.push(target);

/** What is ready now; one row at a time, so that rows do not sit in each other's memory. */
let ready: { readonly key: string; readonly row: Promise<OurRow> } | undefined;

for (const row of rows) {
  if (!only.test(row.name)) continue;
  const { flops, bytes, unit } = row;
  facts.rows[row.name] = { flops, bytes, unit, targets: {} };
  for (const target of chosen) bench(row, target);
}

for (const target of chosen) {
  if (target !== "reference") other(readbackRow(targets[target]), target);
}
other(streamRow, "host");

const file = Deno.env.get("WEFT_BENCH_FACTS");
if (file) globalThis.addEventListener("unload", () => write(file));

function bench(row: Row, target: TargetName): void {
  const isSlow = target === "reference";
  // A few seconds for the interpreter.
  if (isSlow && row.flops > 5e8) {
    facts.rows[row.name].targets[target] = { skipped: "more than 0.5 GFLOP" };
    return;
  }
  const key = `${row.name} on ${target}`;
  Deno.bench({
    group: row.name,
    name: target,
    n: isSlow ? 1 : row.flops > 1e9 ? 10 : target === "webgpu" ? 20 : 40,
    warmup: isSlow ? 0 : target === "webgpu" ? 3 : 10,
    async fn(b) {
      const { run } = await prepared(key, row, target);
      b.start();
      await run();
      b.end();
    },
  });
}

async function prepared(key: string, row: Row, target: TargetName): Promise<OurRow> {
  if (ready?.key !== key) {
    (await ready?.row)?.dispose();
    ready = { key, row: load(target, row) };
    facts.rows[row.name].targets[target] = describe(await ready.row);
  }
  return await ready.row;
}

function other({ name, bytes, rounds, run }: ReturnType<typeof readbackRow>, target: string): void {
  if (!only.test(name)) return;
  facts.rows[name] ??= { flops: 0, bytes, unit: "GB/s", targets: {} };
  facts.rows[name].targets[target] = {};
  Deno.bench({ group: name, name: target, n: rounds, warmup: 1, fn: run });
}

/** Steps, distinct kernels and planned bytes of a row. */
function describe({ machine, loaded }: OurRow): Facts["rows"][string]["targets"][string] {
  const { plan } = loaded;
  const steps = loaded.steps();
  if (!plan) return { steps: steps.length };
  const { arenaBytes, constantBytes, resultBytes } = plan.memory;
  const texts = new Set(
    plan.steps.map((step, i) =>
      step.kind === "kernel" ? JSON.stringify([step.form, steps[i].variant]) : step.kind
    ),
  );
  const pipelines = (machine as { gpu?: { pipelines: { count(): number } } }).gpu?.pipelines;
  return {
    steps: plan.steps.length,
    kernels: pipelines?.count() ?? texts.size,
    peakBytes: arenaBytes + constantBytes + resultBytes,
  };
}

async function isThere(target: TargetName): Promise<boolean> {
  if (!(target in targets)) {
    throw new RangeError(`no target ${target}; there are ${Object.keys(targets).join(", ")}`);
  }
  try {
    (await targets[target]()).dispose();
    return true;
  } catch (error) {
    if ((error as Error).name !== "DeviceError") throw error;
    facts.absent[target] = (error as Error).message.split("\n")[0];
    return false;
  }
}

function write(path: string): void {
  Deno.writeTextFileSync(path, JSON.stringify(facts));
}
