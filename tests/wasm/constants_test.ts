/**
 * Constants of the WebAssembly target: loaded once for all plans that hold them, packed or not, from
 * anything, and gone with the last; what goes wrong leaves nothing behind.
 * @module
 */
import { bytesIn, type Host, type Source } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { add, conv2d, matmul, mul } from "../../mod.ts";
import { stage } from "../../lib/stage/stage.ts";
import { valueOf } from "../ops/case_values.ts";
import { assert, assertEquals, assertLess, assertRejects } from "../std.ts";
import { targetTests } from "../targets.ts";
import { assertNear, meant, valuesFrom } from "../targets/judge.ts";

const test = await targetTests("wasm", "wasm, 1 thread");
const near = { rtol: 1e-5, atol: 1e-4 };
const some = (shape: readonly number[], seed = 1): Host =>
  valueOf({ type: f32(shape), from: -1, to: 1 }, seed);

test("a constant of several plans is one, packed and as it lies, and goes with the last", async (on) => {
  const { constants, heap } = on.places()[0];
  const before = heap.used().now;
  const w = constant(some([200, 128]));
  const product = stage((x: Tensor) => matmul(x, w), [f32([30, 200])]);
  const both = stage((x: Tensor) => [matmul(x, w), mul(w, 2)], [f32([30, 200])]);
  const first = await on.compile(product);
  assertEquals(constants.count(), 1);
  const used = heap.used().now;
  const second = await on.compile(product);
  assertEquals(constants.count(), 1);
  assertLess(heap.used().now - used, 200 * 128 * 4);
  const third = await on.compile(both);
  assertEquals(constants.count(), 2, "packed and as it lies");
  first.dispose();
  third.dispose();
  const x = some([30, 200], 2);
  assertNear(await valuesFrom(second, [x]), meant(product, [x]), near, "the plan that is left");
  second.dispose();
  await Promise.resolve();
  assertEquals([constants.count(), heap.used().now], [0, before]);
});

test("constants come from hosts, residents of any machine and sources in odd chunks", async (on) => {
  const values = some([3, 4, 5, 5]);
  const bytes = bytesIn(values.data);
  const source: Source = {
    ...f32(values.shape),
    async *open() {
      let size = 1;
      for (let at = 0; at < bytes.length; at += size, size = size * 3 % 101) {
        await Promise.resolve();
        yield bytes.subarray(at, Math.min(bytes.length, at + size));
        if (at + size >= bytes.length) return;
      }
    },
  };
  const held = on.upload(values);
  const x = some([1, 4, 9, 9], 3);
  const want = meant(
    stage((x: Tensor) => [conv2d(x, constant(values)), add(constant(values), 1)], [f32(x.shape)]),
    [x],
  );
  const { constants } = on.places()[0];
  for (const data of [values, held, source]) {
    const w = constant(data);
    const loaded = await on.compile(
      stage((x: Tensor) => [conv2d(x, w), add(w, 1)], [f32(x.shape)]),
    );
    assertNear(await valuesFrom(loaded, [x]), want, near, "a constant");
    loaded.dispose();
  }
  held.dispose();
  assertEquals(constants.count(), 0);
});

test("a constant that fails to load leaves the memory as it was, and may be tried again", async (on) => {
  const { constants, heap } = on.places()[0];
  let broken = true;
  const source: Source = {
    ...f32([1000]),
    async *open() {
      await Promise.resolve();
      yield new Uint8Array(2000);
      if (broken) throw new Error("the file is gone");
      yield new Uint8Array(2000);
    },
  };
  const w = constant(source);
  const graph = stage((x: Tensor) => add(x, w), [f32([1000])]);
  const before = heap.used().now;
  await assertRejects(() => on.compile(graph), Error, "the file is gone");
  assertEquals([constants.count(), heap.used().now], [0, before]);
  broken = false;
  const loaded = await on.compile(graph);
  const [y] = await valuesFrom(loaded, [{ ...f32([1000]), data: new Float32Array(1000).fill(3) }]);
  assert(y.data.every((v) => v === 3));
  loaded.dispose();
  await Promise.resolve();
  assertEquals([constants.count(), heap.used().now], [0, before]);
});

test("a source that gives too few or too many bytes names both lengths", async (on) => {
  const { heap } = on.places()[0];
  for (const given of [4, 100, 100_000]) {
    const source: Source = {
      ...f32([4]),
      async *open() {
        await Promise.resolve();
        yield new Uint8Array(given).fill(0xee);
      },
    };
    // A neighbour that bytes beyond the end would change.
    const before = heap.used().now;
    const graph = stage((x: Tensor) => add(x, constant(source)), [f32([4])]);
    await assertRejects(() => on.compile(graph), Error, "16 were stated");
    assertEquals(heap.used().now, before, `${given} bytes`);
  }
});

test("a plan that does not fit gives back what it took", async (on) => {
  const { heap, constants } = on.places()[0];
  const before = heap.used().now;
  const w = constant({ ...f32([64]), data: new Float32Array(64) });
  const most = (2 ** 18) * 65536 / 4;
  const graph = stage((x: Tensor) => add(add(x, 1), w), [f32([most / 64, 64])]);
  await assertRejects(() => on.compile(graph), Error, "Cannot ");
  assertEquals([constants.count(), heap.used().now], [0, before]);
});
