/**
 * The rows of the bench on WebGPU, for `deno bench`: one inference from an input on the device to a
 * finished output. What a row took besides time (dispatches, pipelines, bytes) goes to the file that
 * WEFT_BENCH_FACTS names.
 * @module
 */
import { openWebgpu } from "../lib/gpu/machine.ts";
import { f32 } from "../lib/core/type.ts";
import { stage } from "../lib/stage/stage.ts";
import { type Prepared, rows } from "./peers/cases.ts";
import { ours } from "./ours.ts";
import { modelOf } from "./workloads.ts";
import { readbackRow, streamRow } from "./other_rows.ts";

const facts: Record<string, unknown> = {};
const only = new RegExp(Deno.env.get("WEFT_BENCH_ROWS") ?? "");

for (const row of rows) {
  if (!only.test(row.name)) continue;
  let prepared: Promise<Prepared | undefined> | undefined;
  Deno.bench({
    name: row.name,
    n: row.flops > 1e9 ? 10 : 20,
    warmup: 3,
    async fn(b) {
      const ready = (await (prepared ??= ours.prepare(row)))!;
      b.start();
      await ready.run();
      b.end();
    },
  });
  const plan = await describe(row);
  facts[row.name] = { flops: row.flops, bytes: row.bytes, unit: row.unit, ...plan };
}

for (const extra of [readbackRow, streamRow]) {
  if (!only.test(extra.name)) continue;
  Deno.bench({ name: extra.name, n: extra.rounds, warmup: 1, fn: extra.run });
  facts[extra.name] = { flops: 0, bytes: extra.bytes, unit: "GB/s" };
}

const file = Deno.env.get("WEFT_BENCH_FACTS");
if (file) await Deno.writeTextFile(file, JSON.stringify(facts));

/** Steps, distinct kernels and planned bytes of a row, from its plan alone. */
async function describe(
  row: typeof rows[number],
): Promise<{ dispatches: number; pipelines: number; peakBytes: number }> {
  const machine = await openWebgpu();
  const graph = stage(modelOf(row), [f32(row.input.shape)]);
  const loaded = await machine.compile(graph);
  const { memory, steps } = loaded.plan;
  const found = {
    dispatches: steps.length,
    pipelines: machine.gpu.pipelines.count(),
    peakBytes: memory.arenaBytes + memory.constantBytes + memory.resultBytes,
  };
  loaded.dispose();
  await machine[Symbol.asyncDispose]();
  return found;
}
