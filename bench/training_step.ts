/**
 * Times MegEngine's recorded training step of the digit network, batch 50: convolutions, batch norm,
 * cross entropy, gradients and the optimiser in one plan, its state donated.
 * `deno run -A bench/training_step.ts [STEPS]` prints the least and the median of each target's steps.
 * @module
 */
import { spec, trainStep } from "../examples/digits.ts";
import { collect } from "../lib/core/host.ts";
import { constant } from "../lib/core/leaf.ts";
import type { Tensor } from "../lib/core/tensor.ts";
import { loadParams } from "../lib/io/params.ts";
import { openSafetensors } from "../lib/io/safetensors.ts";
import * as nn from "../lib/model/nn.ts";
import { key, open, type OpenOptions, read } from "../mod.ts";

const steps = Number(Deno.args[0] ?? 60);
if (!(steps >= 2)) throw new RangeError(`give a number of steps, 2 at least, not ${Deno.args[0]}`);
const data = (name: string) => new URL(`../examples/data/digits/${name}`, import.meta.url);
const targets: readonly (readonly ["wasm" | "webgpu", OpenOptions])[] = [
  ["wasm", {}],
  ["wasm", { threads: 1 }],
  ["webgpu", {}],
];

async function batchOf(): Promise<{ data: Tensor; label: Tensor }> {
  const { tensors } = await openSafetensors(data("batch.safetensors"));
  const leaf = async (name: string) => constant(await collect(tensors.get(name)!));
  return { data: await leaf("data"), label: await leaf("label") };
}

const { sgd_lr: rate } = JSON.parse(await Deno.readTextFile(data("meta.json")));
const batch = await batchOf();
const params = await loadParams(spec, data("net_init.safetensors"));
for (const [name, options] of targets) {
  await using on = await open(name, options);
  const step = trainStep(rate, nn.training(key(0)), { on });
  let state: Parameters<typeof step>[0] = { p: params, opt: [] };
  const times: number[] = [];
  for (let i = 0; i < steps; i++) {
    const began = performance.now();
    const { state: next, loss } = await step(state, batch);
    await read(loss);
    times.push(performance.now() - began);
    state = next;
  }
  // The first steps compile, and engines compile again what runs often.
  const settled = times.slice(steps >> 1).sort((a, b) => a - b);
  const [first, least, median] = [times[0], settled[0], settled[settled.length >> 1]];
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  console.log(`${on.description}: least ${ms(least)}, median ${ms(median)}, first ${ms(first)}`);
}
