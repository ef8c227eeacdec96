/**
 * The WebAssembly machine: graphs from functions to numbers, what it says of itself, and what it
 * holds while it works.
 * @module
 */
import { DeviceError, ShapeError } from "../../lib/core/fault.ts";
import type { Host } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Plan } from "../../lib/core/plan.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { memoryReport } from "../../lib/plan/timeline.ts";
import { stage } from "../../lib/stage/stage.ts";
import { openWasm, type WasmMachine } from "../../lib/wasm/machine.ts";
import { add, grad, matmul, mul, relu, sub, sum, tensor, trace } from "../../mod.ts";
import { packedSize } from "../../kernels/wasm/packing.ts";
import {
  image,
  invertedBlock,
  narrowingBlock,
  residualBlock,
  weights,
} from "../plan/conv_programs.ts";
import { assert, assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "../std.ts";
import { targetTests } from "../targets.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "../targets/judge.ts";
import { kernelsOf } from "./places.ts";

const test = await targetTests("wasm", "wasm, 1 thread");
const vector = (...values: number[]): Host => ({
  ...f32([values.length]),
  data: Float32Array.from(values),
});
const scale = constant(vector(1, 2, 3, 4));
const model = (x: Tensor) => add(mul(x, scale), 1);
const used = (on: WasmMachine) => on.places().map(({ heap }) => heap.used().now);

test("compile() runs a staged function, and a result feeds the next call", async (on) => {
  const loaded = await on.compile(stage(model, [f32([4])]));
  const [y] = await loaded.run([vector(1, 1, 1, 1)]);
  assertEquals(y.owner, on);
  const [z] = await loaded.run([y]);
  const [a, b] = await on.read([y, z]);
  assertEquals([...a.data], [2, 3, 4, 5]);
  assertEquals([...b.data], [3, 7, 13, 21]);
  [y, z].forEach((r) => r.dispose());
  loaded.dispose();
});

test("every level gives the same numbers, again and again", async (on) => {
  for (const optLevel of [0, 1, 2, 3] as const) {
    const loaded = await on.compile(stage(model, [f32([4])]), { optLevel });
    for (let i = 0; i < 3; i++) {
      const [y] = await valuesFrom(loaded, [vector(1, 1, 1, 1)]);
      assertEquals([...y.data], [2, 3, 4, 5]);
    }
    loaded.dispose();
  }
});

test("steady calls take nothing from the memory", async (on) => {
  const graph = stage((x: Tensor) => relu(matmul(x, x)), [f32([40, 40])]);
  const loaded = await on.compile(graph);
  const x = on.upload(image([40, 40]));
  const host = image([40, 40], 2);
  for (const argument of [x, host]) {
    (await loaded.run([argument]))[0].dispose();
    const before = on.places().map(({ heap }) => ({
      ...heap.used(),
      size: heap.memory.buffer.byteLength,
    }));
    for (let i = 0; i < 50; i++) (await loaded.run([argument]))[0].dispose();
    const after = on.places().map(({ heap }) => ({
      ...heap.used(),
      size: heap.memory.buffer.byteLength,
    }));
    assertEquals(after, before);
  }
  x.dispose();
  loaded.dispose();
});

test("steps() names what each kernel does, timed() what it takes, took what making it did", async (on) => {
  const graph = stage(residualBlock, [f32([1, 8, 10, 10])]);
  const loaded = await on.compile(graph);
  const steps = loaded.steps();
  assertEquals(steps.map(({ kind }) => kind), ["map", "conv", "conv"]);
  assertEquals(steps.map(({ variant }) => variant), ["loops", "tiles", "tiles"]);
  assert(steps.every(({ dispatch }) => dispatch && dispatch[0] >= 1));
  assert(steps[1].flops >= 2 * 10 * 10 * 8 * 8 * 9 && steps[1].sites.length > 0);
  const hosts = [image([1, 8, 10, 10])];
  const { outs, clock, times } = await loaded.timed(hosts);
  assertEquals([clock, times.map(({ step }) => step)], ["host", [0, 1, 2]]);
  assert(times.every(({ start, ns }) => start >= 0 && ns >= 0 && ns < 1e9));
  assert(times.every(({ start }, i) => i === 0 || start >= times[i - 1].start));
  const timed = await on.read(outs);
  outs.forEach((out) => out.dispose());
  assertSameBits(timed, await valuesFrom(loaded, hosts), "with every step timed");
  const { plan, compile, upload } = loaded.took;
  assert(plan > 0 && compile > 0 && upload >= 0, JSON.stringify(loaded.took));
  loaded.dispose();
});

test("results that are arguments, constants or one another are values of their own", async (on) => {
  const f = (x: Tensor) => {
    const y = add(x, 1);
    return [x, scale, y, y];
  };
  const loaded = await on.compile(stage(f, [f32([4])]));
  const resident = on.upload(vector(1, 2, 3, 4));
  const before = used(on);
  for (const argument of [vector(1, 2, 3, 4), resident]) {
    const outs = await loaded.run([argument]);
    (await loaded.run([vector(5, 5, 5, 5)])).forEach((out) => out.dispose());
    outs[2].dispose();
    const read = await on.read([outs[0], outs[1], outs[3]]);
    assertEquals(read.map(({ data }) => [...data]), [[1, 2, 3, 4], [1, 2, 3, 4], [2, 3, 4, 5]]);
    outs.forEach((out) => out.dispose());
  }
  assertEquals([...(await resident.read()).data], [1, 2, 3, 4]);
  resident.dispose();
  loaded.dispose();
  assert(used(on).every((bytes, i) => bytes <= before[i]));
});

test("values without elements run, are uploaded and read", async (on) => {
  const none: Host = { ...f32([0, 3]), data: new Float32Array(0) };
  const graph = stage((x: Tensor) => [add(x, 1), sum(x, { axis: 0 }), sum(x)], [f32([0, 3])]);
  const loaded = await on.compile(graph);
  assertSameBits(await valuesFrom(loaded, [none]), meant(graph, [none]), "nothing");
  const up = on.upload(none);
  assertEquals((await up.read()).shape, [0, 3]);
  up.dispose();
  loaded.dispose();
});

test("NaN, infinities, -0 and the smallest numbers pass through bit for bit", async (on) => {
  const bits = new Uint32Array([0x7fc00001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000, 1]);
  const value: Host = { ...f32([6]), data: new Float32Array(bits.buffer) };
  const loaded = await on.compile(stage((x: Tensor) => x, [f32([6])]));
  const up = on.upload(value);
  for (const argument of [value, up]) {
    const [out] = await loaded.run([argument]);
    const { data } = await out.read();
    assertEquals([...new Uint32Array(data.buffer, data.byteOffset, 6)], [...bits]);
    out.dispose();
  }
  up.dispose();
  loaded.dispose();
});

test("run() refuses arguments of another type or number, and plans that are gone", async (on) => {
  const loaded = await on.compile(stage(model, [f32([4])]));
  await assertRejects(() => loaded.run([]), ShapeError, "with 0 arguments: 1 are needed");
  await assertRejects(() => loaded.run([vector(1)]), ShapeError, "argument 0 of f32[1]");
  loaded.dispose();
  loaded.dispose();
  const late = () => loaded.run([vector(1, 2, 3, 4)]);
  await assertRejects(late, DeviceError, "the plan was disposed");
  await assertRejects(() => loaded.timed([vector(1, 2, 3, 4)]), DeviceError, "was disposed");
});

Deno.test("wasm: a machine that is left says so from every call, and a second time does nothing", async () => {
  let left: WasmMachine;
  {
    await using inner = openWasm({ threads: 2 });
    left = inner;
    assertEquals((await inner.upload(vector(1)).read()).data[0], 1);
  }
  const graph = stage(model, [f32([4])]);
  await assertRejects(() => left.compile(graph), DeviceError, "was disposed");
  assertThrows(() => left.upload(vector(1)), DeviceError, "was disposed");
  left.dispose();
  await left[Symbol.asyncDispose]();
});

Deno.test("wasm: description and name say what it is", async () => {
  const names = [
    [openWasm({ threads: 1 }), /^WebAssembly SIMD, 1 thread, fused multiply-add$/],
    [openWasm({ threads: 2 }), /^WebAssembly SIMD, [12] threads?, fused multiply-add$/],
    [openWasm({ threads: 1, madd: false }), /^WebAssembly SIMD, 1 thread$/],
    // Never more threads than cores.
    [openWasm({ threads: 10_000 }), /^WebAssembly SIMD, \d{1,4} threads?, fused multiply-add$/],
  ] as const;
  for (const [machine, description] of names) {
    assert(description.test(machine.description), machine.description);
    assertEquals([machine.name, machine.isLost()], ["wasm", false]);
    await machine[Symbol.asyncDispose]();
  }
});

/** Bytes that a plan is known to take: arenas, arguments, results and constants as they are read. */
function plannedBytes(plan: Plan): number {
  const kernels = kernelsOf(plan);
  const asPacked = new Map<number, number>();
  const asTheyLie = new Set<number>();
  plan.steps.forEach((step, i) => {
    if (step.kind !== "kernel") return;
    step.slots.forEach((id, k) => {
      const packing = kernels[i]!.packs[k];
      if (packing) asPacked.set(id, packedSize(packing) * 4);
      else asTheyLie.add(id);
    });
  });
  const { arenaBytes, argumentBytes, resultBytes } = memoryReport(plan);
  const plain = plan.slots.reduce(
    (n, slot, id) => n + (slot.kind === "constant" && asTheyLie.has(id) ? slot.bytes : 0),
    0,
  );
  const packed = [...asPacked.values()].reduce((a, b) => a + b, 0);
  return arenaBytes + argumentBytes + resultBytes + plain + packed;
}

const networks: readonly (readonly [string, (x: Tensor) => Tensor, readonly number[]])[] = [
  ["residual blocks", (x) => narrowingBlock(residualBlock(x)), [1, 16, 28, 28]],
  ["inverted blocks", (x) => invertedBlock(invertedBlock(x)), [1, 16, 28, 28]],
  [
    "a perceptron",
    (x) => matmul(relu(matmul(x, weights([256, 512]))), weights([512, 64])),
    [32, 256],
  ],
  [
    "a training step",
    (x) => {
      const loss = (w: Tensor) => sum(mul(sub(matmul(x, w), 1), sub(matmul(x, w), 1)));
      return grad(loss)(weights([256, 96]));
    },
    [64, 256],
  ],
];

for (const threads of [1, 2]) {
  for (const [name, f, shape] of networks) {
    Deno.test(`wasm: ${name} on ${threads} threads take at most 1.3 times of what was planned`, async () => {
      await using on = openWasm({ threads });
      const hosts = [image(shape)];
      const graph = stage(f, [f32(shape)]);
      const loaded = await on.compile(graph);
      const got = await valuesFrom(loaded, hosts);
      assertNear(got, meant(graph, hosts), { rtol: 1e-4, atol: 1e-3 }, name);
      for (let i = 0; i < 3; i++) await valuesFrom(loaded, hosts);
      const planned = plannedBytes(loaded.plan!);
      const { peak } = on.places()[0].heap.used();
      assertLessOrEqual(peak, 1.3 * planned, `${peak} of ${planned} bytes`);
      // Slots are reused: all values between kernels together are larger.
      const { plan } = loaded;
      const all = plan!.slots.reduce((n, slot) => n + (slot.kind === "arena" ? slot.bytes : 0), 0);
      const between = plan!.slots.filter(({ kind }) => kind === "arena").length;
      if (between > 2) {
        assert(plan!.memory.arenaBytes < all, `${plan!.memory.arenaBytes} of ${all}`);
      }
      loaded.dispose();
    });
  }
}

test("a plan larger than the first memory goes to one of 64 bits, and its values come along", async () => {
  await using on = openWasm({ threads: 2, mostBytes: 4 * 2 ** 20 });
  const graph = stage((x: Tensor) => relu(add(mul(x, 2), -1)), [f32([600, 1000])]);
  const small = await on.compile(stage((x: Tensor) => sum(x, { axis: 1 }), [f32([600, 1000])]));
  const large = await on.compile(graph);
  assertEquals(on.places().map(({ heap }) => heap.wide), [false, true]);
  const hosts = [image([600, 1000])];
  assertNear(await valuesFrom(large, hosts), meant(graph, hosts), { rtol: 1e-6, atol: 0 }, "wide");
  const [y] = await large.run(hosts);
  const [z] = await small.run([y]);
  const want = meant(
    stage((x: Tensor) => sum(relu(add(mul(x, 2), -1)), { axis: 1 }), [
      f32([600, 1000]),
    ]),
    hosts,
  );
  assertNear([await z.read()], want, { rtol: 1e-4, atol: 1e-3 }, "from the wide memory");
  [y, z].forEach((r) => r.dispose());
  large.dispose();
  small.dispose();
});

test("a hundred steps with donated state take what two take", async (on) => {
  const loss = (w: Tensor, x: Tensor) => sum(mul(sub(matmul(x, w), 1), sub(matmul(x, w), 1)));
  await using step = trace(
    (w: Tensor, x: Tensor) => sub(w, mul(grad(loss)(w, x), 0.01)),
    { on, donate: [0] },
  );
  const x = tensor([[1, 0.5], [0.25, 1]]);
  let w = await step(tensor([[0], [0]]), x);
  w = await step(w, x);
  const before = used(on);
  for (let i = 0; i < 100; i++) w = await step(w, x);
  assertEquals(used(on), before);
});
