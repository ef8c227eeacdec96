/**
 * The recorded training step of the digit network: parameters and loss within 5e-5 of MegEngine's,
 * on every target.
 * @module
 */
import { assert, assertEquals } from "../std.ts";
import { digits, spec, trainStep } from "../../examples/digits.ts";
import { collect } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Machine } from "../../lib/core/target.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { loadParams } from "../../lib/io/params.ts";
import { openSafetensors } from "../../lib/io/safetensors.ts";
import * as nn from "../../lib/model/nn.ts";
import { key } from "../../lib/ops/random.ts";
import { read } from "../../lib/trace/read.ts";
import { trace } from "../../lib/trace/trace.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests(
  ...["reference", "wasm", "wasm, 1 thread", "wasm, not fused", "webgpu"] as const,
);
const data = (name: string) => new URL(`../../examples/data/digits/${name}`, import.meta.url);

async function batchOf(): Promise<{ data: Tensor; label: Tensor }> {
  const { tensors } = await openSafetensors(data("batch.safetensors"));
  const leaf = async (name: string) => constant(await collect(tensors.get(name)!));
  return { data: await leaf("data"), label: await leaf("label") };
}

/** The largest difference from a record of the step, parameters and loss together. */
async function gapFrom(machine: Machine, record: string, meta: string): Promise<number> {
  const p = await loadParams(spec, data("net_init.safetensors"));
  const { sgd_lr: rate, loss: wanted } = JSON.parse(await Deno.readTextFile(data(meta)));
  const step = trainStep(rate, nn.training(key(0)), { on: machine });
  const { state, loss } = await step({ p, opt: [] }, await batchOf());
  const want = nn.namedLeaves(await loadParams(spec, data(record)));
  let gap = Math.abs(Number((await read(loss)).data[0]) - wanted);
  for (const [i, { value }] of nn.namedLeaves(state.p).entries()) {
    const a = (await read(value)).data, b = (await read(want[i].value)).data;
    for (let k = 0; k < b.length; k++) gap = Math.max(gap, Math.abs(Number(a[k]) - Number(b[k])));
  }
  return gap;
}

test("the recorded training step agrees with MegEngine's within 5e-5", async (on) => {
  // Measured: 4.6e-6 from the GPU record, 1.3e-5 from the CPU record.
  const gpu = await gapFrom(on, "net_updated.safetensors", "meta.json");
  assert(gpu <= 5e-5, `differs from the GPU record by ${gpu}`);
  const cpu = await gapFrom(on, "net_updated.cpu.safetensors", "meta.cpu.json");
  assert(cpu <= 5e-5, `differs from the CPU record by ${cpu}`);
});

test("the digits are read as NumPy computed them to be", async (on) => {
  const p = await loadParams(spec, data("net_init.safetensors"));
  const batch = await batchOf();
  const labels = (await read(batch.label)).data;
  const right = async (mode: nn.Mode) => {
    const run = trace((x: Tensor) => digits(p, mode)(x), { on, captureAsConst: true });
    const scores = (await read(await run(batch.data))).data;
    run.dispose();
    return Array.from(labels).filter((label, i) => {
      const row = Array.from(scores.subarray(i * 10, i * 10 + 10), Number);
      return row.indexOf(Math.max(...row)) === Number(label);
    }).length;
  };
  // NumPy, the same layers written out: 37 with the running statistics, 49 with the batch's.
  assertEquals([await right(nn.inference), await right(nn.training(key(0)))], [37, 49]);
});
