/**
 * Threads that start late: not for a plan that is run once, behind the second run of any, and at once
 * for a plan that computes long. Results have the same bits before and after.
 * @module
 */
import { control } from "../../kernels/wasm/control.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { stage } from "../../lib/stage/stage.ts";
import { openWasm, type WasmMachine } from "../../lib/wasm/machine.ts";
import { areThere } from "../../lib/wasm/start_workers.ts";
import { matmul, relu, softmax } from "../../mod.ts";
import { valueOf } from "../ops/case_values.ts";
import { assert, assertEquals } from "../std.ts";
import { assertSameBits, valuesFrom } from "../targets/judge.ts";
import { inProcess } from "./in_process.ts";
import { watched } from "./watched.ts";

const ignore = navigator.hardwareConcurrency < 2;
const type = f32([200, 300]);
const x: Host = valueOf({ type, from: -1, to: 1 }, 1);
const square = f32([300, 300]);
const w: Host = valueOf({ type: square, from: -1, to: 1 }, 2);
const graph = stage((x: Tensor, w: Tensor) => softmax(relu(matmul(x, w))), [type, square]);

/** A machine without threads yet, a plan on it, and what its first run gave. */
async function ranOnce() {
  const on = openWasm();
  const [{ threads }] = on.places();
  const loaded = await on.compile(graph);
  const results = await valuesFrom(loaded, [x, w]);
  assertEquals(threads.active, 1);
  return { on, threads, loaded, results };
}

/** Waits until the threads of a machine are there; a second at most. */
async function arrived(on: WasmMachine): Promise<void> {
  const [{ threads }] = on.places();
  for (let i = 0; i < 100 && threads.active === 1; i++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  assertEquals(threads.active, threads.count);
}

Deno.test({
  name: "threads start behind the second run, and change no bit of any plan",
  ignore,
  fn: async () => {
    await using on = openWasm();
    const [{ threads }] = on.places();
    let results: readonly Host[] = [];
    const early = await on.compile(graph);
    const unused = await on.compile(stage((x: Tensor) => relu(x), [type]));
    const workers = await watched(async () => {
      results = await valuesFrom(early, [x, w]);
      await new Promise((done) => setTimeout(done, 20));
    });
    assertEquals([workers.length, threads.active], [0, 1]);
    assertSameBits(await valuesFrom(early, [x, w]), results, "the second run");
    unused.dispose();
    await arrived(on);
    assertSameBits(await valuesFrom(early, [x, w]), results, "a plan from before");
    const late = await on.compile(graph);
    assertSameBits(await valuesFrom(late, [x, w]), results, "a plan from behind");
    early.dispose();
    assertSameBits(await valuesFrom(late, [x, w]), results, "with the other gone");
    late.dispose();
  },
});

for (const what of ["runs", "loads"]) {
  Deno.test({
    name: `threads join ${what} that follow one another and never wait for a message`,
    ignore,
    fn: async () => {
      const { on, threads, loaded, results } = await ranOnce();
      const run = async () => (await loaded.run([x, w])).forEach((out) => out.dispose());
      await run();
      const until = performance.now() + 5000;
      while (threads.active === 1 && performance.now() < until) {
        if (what === "runs") await run();
        else (await on.compile(graph)).dispose();
      }
      assertEquals(threads.active, threads.count);
      assertSameBits(await valuesFrom(loaded, [x, w]), results, "with all threads");
      on.dispose();
    },
  });
}

Deno.test({
  name: "who waits for threads hears of them when a load has seen them first",
  ignore,
  fn: async () => {
    const { on, threads, loaded } = await ranOnce();
    const waiting = threads.start();
    const { memory } = on.places()[0].heap;
    const words = new Int32Array(memory.buffer);
    // Sleeps at a word that nobody changes, and hears no message meanwhile.
    for (let i = 0; i < 5000 && !areThere(memory, threads.count - 1); i++) {
      Atomics.wait(words, control.there / 4 + 1, 0, 1);
    }
    const second = await on.compile(graph);
    assertEquals(threads.active, threads.count);
    // Their messages keep no process alive any more.
    await waiting;
    loaded.dispose();
    second.dispose();
    on.dispose();
  },
});

Deno.test({
  name: "threads start at once for a plan that computes long, and are waited for",
  ignore,
  fn: async () => {
    await using on = openWasm();
    const large = f32([800, 800]);
    const loaded = await on.compile(stage((x: Tensor) => matmul(x, x), [large]));
    const [{ threads }] = on.places();
    assertEquals(threads.active, threads.count);
    assert(threads.count > 1);
    loaded.dispose();
  },
});

Deno.test({
  name: "a run that is timed has all threads, and the same bits",
  ignore,
  fn: async () => {
    const { on, threads, loaded, results } = await ranOnce();
    const { outs } = await loaded.timed([x, w]);
    assertEquals(threads.active, threads.count);
    assertSameBits(await on.read(outs), results, "the timed run");
    outs.forEach((out) => out.dispose());
    on.dispose();
  },
});

Deno.test({
  name: "a machine that is disposed while its threads start leaves nothing behind",
  ignore,
  fn: async () => {
    for (let round = 0; round < 5; round++) {
      const on = openWasm();
      const loaded = await on.compile(graph);
      for (let i = 0; i < 2; i++) await valuesFrom(loaded, [x, w]);
      if (round % 2) await new Promise((done) => setTimeout(done, 3 * round));
      on.dispose();
    }
  },
});

Deno.test("a process that has run twice ends, whether threads were starting or not", async () => {
  for (const wait of ["", "await sleep(1);", "await sleep(60);"]) {
    const { text, status } = await inProcess(`
      const x = image(64, 64);
      const on = openWasm();
      const loaded = await on.compile(stage((x) => relu(matmul(x, x)), [type(x)]));
      for (let i = 0; i < 3; i++) (await loaded.run([x]))[0].dispose();
      ${wait}
      console.log("done");
    `);
    assertEquals([text, status], ["done", 0]);
  }
});

Deno.test({
  name: "a plan that computes long is loaded though nobody waits for the threads that start",
  ignore,
  fn: async () => {
    const { text } = await inProcess(`
      const [x, large] = [image(64, 64), image(800, 800)];
      const on = openWasm();
      const small = await on.compile(stage((x) => relu(matmul(x, x)), [type(x)]));
      for (let i = 0; i < 2; i++) (await small.run([x]))[0].dispose();
      for (let i = 0; i < 100; i++) await 0;
      const loaded = await on.compile(stage((x) => matmul(x, x), [type(large)]));
      console.log(on.places()[0].threads.active > 1);
    `);
    assertEquals(text, "true");
  },
});
