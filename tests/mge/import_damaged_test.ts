/**
 * Damaged files that the reader still accepts: importing them gives a function or an error that
 * says what is wrong, soon; large weights are read when they are asked for.
 * @module
 */
import { collect, isSource } from "../../lib/core/host.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { importModel } from "../../lib/mge/import.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import { assert, assertEquals, assertLess } from "../std.ts";
import { f32Tensor, holding, modelFiles, readBytes } from "./model_files.ts";

/** A sequence of numbers below 2^32 from a seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

Deno.test("importModel() gives a function or a reason for damaged files that can be read", async () => {
  const next = numbers(20241124);
  const tally = { runs: 0, refuses: 0 };
  let slowest = 0;
  for (const { name, bytes } of await modelFiles("mge-golden")) {
    for (let i = 0; i < 300; i++) {
      const damaged = bytes.slice();
      for (let k = 0; k <= next() % 3; k++) damaged[next() % bytes.length] = next() % 256;
      const file = await readBytes(damaged).catch(() => undefined);
      if (!file) continue;
      const began = performance.now();
      const model = await importModel(file.models[0], name);
      slowest = Math.max(slowest, performance.now() - began);
      tally[model.refusal ? "refuses" : "runs"]++;
      const { refusal } = model;
      if (refusal) {
        assert("code" in refusal, `${name}, try ${i}: ${refusal.stack}`);
        assert(/^Cannot /.test(refusal.message), refusal.message);
      }
    }
  }
  assert(tally.runs > 400 && tally.refuses > 40, JSON.stringify(tally));
  assertLess(slowest, 1000);
});

Deno.test("large weights stay in the file until they are asked for", async () => {
  const size = 1 << 20;
  let opened = 0;
  const large = f32Tensor([size], {
    bytes: 4 * size,
    async *open() {
      opened++;
      const chunk = new Uint8Array(new Float32Array(1 << 16).fill(0.5).buffer);
      for (let i = 0; i < 16; i++) yield await Promise.resolve(chunk);
    },
  });
  const model = await importModel(holding("V1", [large]));
  assertEquals(model.params[0].bytes, 4 * size);
  const { outputs } = model.call([]);
  const { data } = outputs[0].node;
  assert(isSource(data));
  assertEquals(opened, 0);
  assertEquals((await collect(data)).data[size - 1], 0.5);
  assertEquals((await evaluate(outputs))[0].data.length, size);
  assertEquals(opened, 2);
});

Deno.test("a file is not read whole to be described", async () => {
  const [{ bytes }] = (await modelFiles("mge-python/resnet18_small")).filter((f) =>
    f.name.endsWith("base.v1.mge")
  );
  let read = 0;
  const source = arrayBytes(bytes);
  const file = await readModel({
    size: bytes.length,
    read(at, length) {
      read += length;
      return source.read(at, length);
    },
  });
  const model = await importModel(file.models[0]);
  const large = model.params.filter((p) => p.bytes > 64 * 1024).reduce((n, p) => n + p.bytes, 0);
  assert(large > 0);
  assertLess(read, bytes.length - large + 4096);
});
