/**
 * What the WebAssembly target keeps and gives back: plans loaded and released again and again, many
 * at once, gone while others run; residents that are disposed, given away or forgotten.
 * @module
 */
import { DeviceError } from "../../lib/core/fault.ts";
import type { Host, Resident } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { stage } from "../../lib/stage/stage.ts";
import { openReference } from "../../lib/trace/reference.ts";
import { openWasm, type WasmMachine } from "../../lib/wasm/machine.ts";
import { add, conv2d, matmul, mul, relu, softmax, sum } from "../../mod.ts";
import { image, residualBlock, weights } from "../plan/conv_programs.ts";
import { assert, assertEquals, assertLess, assertRejects } from "../std.ts";
import { targetTests } from "../targets.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "../targets/judge.ts";
import { inProcess } from "./in_process.ts";

const test = await targetTests("wasm", "wasm, 1 thread");
const near = { rtol: 1e-4, atol: 1e-4 };
const vector = (...values: number[]): Host => ({
  ...f32([values.length]),
  data: Float32Array.from(values),
});
const state = (on: WasmMachine) =>
  on.places().map(({ heap, constants }) => ({
    now: heap.used().now,
    size: heap.memory.buffer.byteLength,
    constants: constants.count(),
  }));

/** Programs of several shapes, with constants of their own. */
function program(i: number): { f: (x: Tensor) => Tensor; x: Host } {
  const n = 3 + i % 5;
  switch (i % 4) {
    case 0:
      return { f: (x) => relu(matmul(x, weights([40, 8 * n], i))), x: image([n, 40]) };
    case 1:
      return {
        f: (x) => conv2d(x, weights([4, 3, 3, 3], i), { padding: 1 }),
        x: image([1, 3, 8, n]),
      };
    case 2:
      return { f: (x) => softmax(add(x, weights([n, 33], i))), x: image([n, 33]) };
    default:
      return { f: (x) => sum(mul(x, weights([n], i)), { axis: 0 }), x: image([20, n]) };
  }
}

test("500 times load, run, release: the memory stays as it was", async (on) => {
  const once = async (i: number) => {
    const { f, x } = program(i);
    const loaded = await on.compile(stage(f, [f32(x.shape)]));
    const [y] = await loaded.run([x]);
    await y.read();
    y.dispose();
    loaded.dispose();
  };
  for (let i = 0; i < 20; i++) await once(i);
  const before = state(on);
  const peaks = on.places().map(({ heap }) => heap.used().peak);
  for (let i = 0; i < 500; i++) await once(i);
  assertEquals(state(on), before);
  assertEquals(on.places().map(({ heap }) => heap.used().peak), peaks);
  // Words that kernels share are not written anew by each plan.
  assertLess(on.places()[0].table.words.size, 200);
});

Deno.test("500 times load, run, release: the process stays as large as it was", async () => {
  const { text } = await inProcess(`
    const on = openWasm({ threads: 2 });
    const x = image(1, 8, 12, 12);
    const once = async (i) => {
      const w = constant(image(8 + i % 4, 8, 3, 3));
      const loaded = await on.compile(stage((x) => relu(conv2d(x, w, { padding: 1 })), [type(x)]));
      (await loaded.run([x]))[0].dispose();
      loaded.dispose();
      if (i % 20 === 0) { gc(); await sleep(1); }
    };
    const sizes = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 200; i++) await once(i);
      gc();
      await sleep(200);
      sizes.push(Deno.memoryUsage().rss / 2 ** 20);
    }
    console.log(sizes.join(" "));
    on.dispose();
  `);
  const sizes = text.split(" ").map(Number);
  // Pools of the engine grow now and then by some MiB; what leaks grows every time.
  const grown = sizes.slice(1).map((size, i) => size - sizes[i]);
  assertLess(Math.min(...grown), 4, `MiB: ${text}`);
  assertLess(sizes[4] - sizes[0], 80, `MiB: ${text}`);
});

test("20 plans at once, run in any order, each by itself", async (on) => {
  const before = state(on);
  const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const { f, x } = program(i);
    const graph = stage(f, [f32(x.shape)]);
    return { x, want: meant(graph, [x]), loaded: await on.compile(graph) };
  }));
  for (let round = 0; round < 3; round++) {
    for (let k = 0; k < 20; k++) {
      const { loaded, x, want } = all[k * 7 % 20];
      assertNear(await valuesFrom(loaded, [x]), want, near, `plan ${k * 7 % 20}`);
    }
  }
  // Every second one goes; the others are as they were.
  all.forEach(({ loaded }, k) => k % 2 && loaded.dispose());
  for (const [k, { loaded, x, want }] of all.entries()) {
    if (k % 2 === 0) assertNear(await valuesFrom(loaded, [x]), want, near, `plan ${k}, later`);
  }
  all.forEach(({ loaded }) => loaded.dispose());
  await Promise.resolve();
  assertEquals(state(on).map(({ now }) => now), before.map(({ now }) => now));
});

/** Somebody else's value, which takes as long to read as it is told. */
function slowly(value: Host): { resident: Resident; arrive: () => void } {
  const { promise, resolve } = Promise.withResolvers<Host>();
  const resident: Resident = {
    dtype: value.dtype,
    shape: value.shape,
    owner: {},
    read: () => promise,
    dispose() {},
  };
  return { resident, arrive: () => resolve(value) };
}

test("a plan that goes while a run of it waits, and while another runs", async (on) => {
  const { f, x } = program(1);
  const graph = stage(f, [f32(x.shape)]);
  const [going, staying] = [await on.compile(graph), await on.compile(graph)];
  const [a, b] = [slowly(x), slowly(x)];
  const lost = going.run([a.resident]);
  const fine = staying.run([b.resident]);
  going.dispose();
  a.arrive();
  b.arrive();
  await assertRejects(() => lost, DeviceError, "the plan was disposed");
  const [y] = await fine;
  assertNear([await y.read()], meant(graph, [x]), near, "the plan that stays");
  y.dispose();
  staying.dispose();
});

Deno.test("wasm: a machine that goes while a run waits makes a DeviceError", async () => {
  for (const threads of [1, 2]) {
    const on = openWasm({ threads });
    const { f, x } = program(0);
    const loaded = await on.compile(stage(f, [f32(x.shape)]));
    const late = slowly(x);
    const run = loaded.run([late.resident]);
    const compiling = on.compile(stage(residualBlock, [f32([1, 8, 10, 10])]));
    const failed = compiling.then(() => undefined, (error) => error);
    on.dispose();
    late.arrive();
    await assertRejects(() => run, DeviceError);
    const error = await failed;
    assert(error === undefined || error instanceof DeviceError, String(error));
    loaded.dispose();
  }
});

test("dispose() gives a value's memory back once; one that is read is read to its end", async (on) => {
  const [{ now }] = state(on);
  const value = on.upload(vector(1, 2));
  const read = value.read();
  value.dispose();
  value.dispose();
  const other = on.upload(vector(3, 4));
  assertEquals([...(await read).data], [1, 2]);
  other.dispose();
  assertEquals(state(on)[0].now, now);
  await assertRejects(() => value.read(), DeviceError, "was disposed");
});

test("donated state goes round in one block or two, and says where it went", async (on) => {
  const graph = stage((x: Tensor) => add(mul(x, 1), 1), [f32([1000])]);
  const loaded = await on.compile(graph, { donate: [0] });
  let value = on.upload({ ...f32([1000]), data: new Float32Array(1000) });
  const first = value;
  for (let i = 0; i < 3; i++) [value] = await loaded.run([value]);
  const before = state(on);
  for (let i = 0; i < 50; i++) [value] = await loaded.run([value]);
  assertEquals(state(on), before);
  assertEquals((await value.read()).data[999], 53);
  const error = await assertRejects(() => first.read(), DeviceError, "was given away");
  assertEquals((error as DeviceError).code, "device.given");
  value.dispose();
  loaded.dispose();
});

test("donation takes over memory only where nobody else holds it", async (on) => {
  // The sum is computed before the result is written, so the argument could become the result.
  const f = (x: Tensor, y: Tensor) => [add(sum(x), mul(y, 0)), mul(y, 3)];
  const loaded = await on.compile(stage(f, [f32([4]), f32([4])]), { donate: [0] });
  const both = on.upload(vector(1, 2, 3, 4));
  const outs = await loaded.run([both, both]);
  assertEquals((await on.read(outs)).map(({ data }) => [...data]), [
    [10, 10, 10, 10],
    [3, 6, 9, 12],
  ]);
  outs.forEach((out) => out.dispose());
  const kept = on.upload(vector(1, 2, 3, 4));
  const same = await on.compile(stage((x: Tensor) => x, [f32([4])]));
  const [alias] = await same.run([kept]);
  const [again] = await loaded.run([kept, vector(0, 0, 0, 0)]);
  assertEquals([...(await alias.read()).data], [1, 2, 3, 4]);
  [alias, again].forEach((out) => out.dispose());
  loaded.dispose();
  same.dispose();
});

test("host arguments of earlier calls stay apart, and so do those of calls at one time", async (on) => {
  const loaded = await on.compile(stage((x: Tensor) => add(x, 1), [f32([4])]));
  const all = await Promise.all([1, 2, 3, 4].map((v) => loaded.run([vector(v, v, v, v)])));
  const read = await on.read(all.map(([y]) => y));
  assertEquals(read.map(({ data }) => data[3]), [2, 3, 4, 5]);
  all.forEach(([y]) => y.dispose());
  // What a run was given may change once it was called.
  const given = vector(1, 1, 1, 1);
  const run = loaded.run([given]);
  given.data.fill(9);
  assertEquals((await (await run)[0].read()).data[0], 2);
  loaded.dispose();
});

test("plans that are compiled at the same time are right, and so are their runs", async (on) => {
  const reference = openReference();
  const all = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
    const { f, x } = program(i);
    const graph = stage(f, [f32(x.shape)]);
    const loaded = await on.compile(graph);
    const far = reference.upload(x);
    const runs = [loaded.run([far]), loaded.run([x]), loaded.run([far])];
    const values = await Promise.all(runs.map(async (run) => {
      const [y] = await run;
      const value = await y.read();
      y.dispose();
      return value;
    }));
    loaded.dispose();
    return { values, want: meant(graph, [x]) };
  }));
  for (const { values, want } of all) {
    assertNear([values[0]], want, near, "from another machine");
    assertSameBits([values[1]], [values[0]], "from the host");
    assertSameBits([values[2]], [values[0]], "again");
  }
});

Deno.test("the collector gives back what nobody disposed", async () => {
  const { text } = await inProcess(`
    const on = openWasm({ threads: 2 });
    const used = () => on.places()[0].heap.used().now;
    const loaded = await on.compile(stage((x) => add(x, 1), [type(image(16))]));
    (await loaded.run([image(16)]))[0].dispose();
    const before = used();
    for (let i = 0; i < 50; i++) on.upload(image(1));
    for (let i = 0; i < 50; i++) await loaded.run([image(16)]);
    const held = used() - before;
    for (let i = 0; i < 100 && used() > before; i++) {
      gc();
      await sleep(5);
    }
    console.log(held, used() - before);
    on.dispose();
  `);
  assertEquals(text, `${100 * 64} 0`);
});

test("a constant that is a resident of the machine feeds plans until they go", async (on) => {
  const w = on.upload(image([8, 8]));
  const graph = stage((x: Tensor) => matmul(x, constant(w)), [f32([2, 8])]);
  const loaded = await on.compile(graph);
  w.dispose();
  const x = image([2, 8], 2);
  const want = meant(
    stage((x: Tensor) => matmul(x, constant(image([8, 8]))), [f32([2, 8])]),
    [x],
  );
  assertNear(await valuesFrom(loaded, [x]), want, near, "after the resident went");
  loaded.dispose();
});
