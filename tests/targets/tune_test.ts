/**
 * Measured kernel choices: they are made at level 3, remembered, taken over, and change no result.
 * @module
 */
import { constant } from "../../lib/core/leaf.ts";
import type { Machine, Tuning } from "../../lib/core/target.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { openWebgpu } from "../../lib/gpu/machine.ts";
import { stage } from "../../lib/stage/stage.ts";
import { openWasm } from "../../lib/wasm/machine.ts";
import { matmul } from "../../mod.ts";
import { assert, assertEquals } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests("wasm", "webgpu");
const w = constant({
  ...f32([32, 96]),
  data: Float32Array.from({ length: 3072 }, (_, i) => i % 7),
});
const graph = stage((x: Tensor) => matmul(x, w), [f32([40, 32])]);
const x = { ...f32([40, 32]), data: Float32Array.from({ length: 1280 }, (_, i) => i % 5) };

/** The product on a machine of its own, with choices that were made before. */
async function result({ name }: Machine, tuning?: Tuning, optLevel: 2 | 3 = 2) {
  const own: Machine = name === "wasm"
    ? openWasm({ threads: 2, tuning })
    : await openWebgpu({ tuning });
  const loaded = await own.compile(graph, { optLevel });
  const [out] = await loaded.run([x]);
  const found = { data: (await out.read()).data, variant: loaded.steps()[0].variant };
  out.dispose();
  const tuned = own.tuning!();
  loaded.dispose();
  await own[Symbol.asyncDispose]();
  return { ...found, tuned };
}

test("optLevel 3 measures the variants and takes the fastest; results stay the same", async (on) => {
  const plain = await result(on);
  assertEquals(plain.tuned, {});
  const tuned = await result(on, {}, 3);
  assertEquals(tuned.data, plain.data);
  const entries = Object.entries(tuned.tuned);
  assertEquals(entries.length, 1);
  const [key, { variant, ns }] = entries[0];
  assert(key.startsWith(`${on.description}: matmul [] 40x96x32 #`), key);
  assertEquals(tuned.variant, variant);
  assert(Object.keys(ns).length > 1);
  assert(Object.values(ns).every((t) => t >= ns[variant]));
});

test("choices that were measured before are taken at any level, unknown names are not", async (on) => {
  const { tuned } = await result(on, {}, 3);
  const [key] = Object.keys(tuned);
  const { ns } = tuned[key];
  const slowest = Object.keys(ns).sort((a, b) => ns[b] - ns[a])[0];
  const forced = await result(on, { [key]: { variant: slowest, ns } });
  assertEquals(forced.variant, slowest);
  const plain = await result(on);
  assertEquals(forced.data, plain.data);
  assertEquals((await result(on, { [key]: { variant: "no such", ns } })).variant, plain.variant);
});
