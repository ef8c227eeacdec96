/**
 * Plans on a device: values, memory, donation, copies, and what a steady run costs.
 * @module
 */
import type { Host, Source } from "../../lib/core/host.ts";
import { f32, type Type, u8 } from "../../lib/core/type.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { countCalls } from "./count_calls.ts";
import { chain, mapKernel, sketch, vector } from "./plans.ts";

const test = await deviceTests();

function close(host: Host): number[] {
  return [...host.data as Float32Array];
}

test("loadPlan() runs a chain of steps through an arena", async (gpu) => {
  const { plan, kernels } = chain(1000, 50);
  const loaded = await loadPlan(gpu, plan, kernels);
  const x = vector(...Array(1000).keys());
  const [y] = await loaded.run([x]);
  assertEquals(close(await y.read()), [...x.data].map((v) => v + 50));
  y.dispose();
  loaded.dispose();
});

test("run() takes arguments as host values and as residents", async (gpu) => {
  const type = f32([3]);
  const draft = sketch();
  const [a, b, out] = [draft.arg(type), draft.arg(type), draft.result(type)];
  draft.kernel(mapKernel("a[i] * 10.0 + b[i]", 3, 2), [a, b], [out]);
  const { plan, kernels } = draft.done([out]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const one = gpu.residents.upload(vector(1, 2, 3));
  const [y] = await loaded.run([one, vector(4, 5, 6)]);
  const [z] = await loaded.run([vector(7, 8, 9), y]);
  assertEquals((await gpu.residents.read([y, z])).map(close), [[14, 25, 36], [84, 105, 126]]);
  [one, y, z].forEach((r) => r.dispose());
  loaded.dispose();
});

test("run() keeps host arguments of earlier calls apart", async (gpu) => {
  const { plan, kernels } = chain(4, 1);
  const loaded = await loadPlan(gpu, plan, kernels);
  const all = await Promise.all([1, 2, 3, 4].map((v) => loaded.run([vector(v, v, v, v)])));
  const read = await gpu.residents.read(all.map(([y]) => y));
  assertEquals(read.map((h) => h.data[3]), [2, 3, 4, 5]);
  all.forEach(([y]) => y.dispose());
  loaded.dispose();
});

test("constants come from host values, residents and sources in odd chunks", async (gpu) => {
  const type = f32([500_000]);
  const values = Float32Array.from({ length: 500_000 }, (_, i) => i % 1000);
  const bytes = new Uint8Array(values.buffer);
  const source: Source = {
    ...type,
    async *open() {
      let size = 1;
      for (let at = 0; at < bytes.length; at += size, size = size * 3 % 400_009) {
        await Promise.resolve();
        yield bytes.subarray(at, Math.min(bytes.length, at + size));
        if (at + size >= bytes.length) return;
      }
    },
  };
  const held = gpu.residents.upload({ dtype: "f32", shape: [500_000], data: values });
  for (const data of [{ ...type, data: values }, held, source]) {
    const draft = sketch();
    const [c, out] = [draft.constant(type, data), draft.result(type)];
    draft.kernel(mapKernel("a[i] * 2.0", 500_000), [c], [out]);
    const { plan, kernels } = draft.done([out]);
    const loaded = await loadPlan(gpu, plan, kernels);
    const [y] = await loaded.run([]);
    const got = (await y.read()).data;
    assert(got.every((v, i) => v === 2 * values[i]));
    y.dispose();
    loaded.dispose();
  }
  held.dispose();
  assertEquals(gpu.constants.count(), 0);
});

test("a constant is uploaded once for several plans and given back with the last", async (gpu) => {
  const data = { ...f32([64]), data: new Float32Array(64).fill(3) };
  const make = () => {
    const draft = sketch();
    const [c, out] = [draft.constant(data, data), draft.result(data)];
    draft.kernel(mapKernel("a[i]", 64), [c], [out]);
    return draft.done([out]);
  };
  const one = make();
  const first = await loadPlan(gpu, one.plan, one.kernels);
  const used = gpu.buffers.counts().used;
  const two = make();
  const second = await loadPlan(gpu, two.plan, two.kernels);
  // Only the parameters of the second plan are new.
  assert(gpu.buffers.counts().used - used <= 256);
  first.dispose();
  const [y] = await second.run([]);
  assertEquals((await y.read()).data[63], 3);
  y.dispose();
  second.dispose();
  assertEquals(gpu.constants.count(), 0);
});

test("a source that gives too few or too many bytes names both lengths", async (gpu) => {
  for (const given of [4, 100]) {
    const source: Source = {
      ...f32([4]),
      async *open() {
        await Promise.resolve();
        yield new Uint8Array(given);
      },
    };
    const draft = sketch();
    const [c, out] = [draft.constant(f32([4]), source), draft.result(f32([4]))];
    draft.kernel(mapKernel("a[i]", 4), [c], [out]);
    const { plan, kernels } = draft.done([out]);
    const before = gpu.buffers.counts().used;
    await assertRejects(() => loadPlan(gpu, plan, kernels), Error, "16 were stated");
    assertEquals(gpu.buffers.counts().used, before);
  }
});

test("500 runs make no buffers, no bind groups and one submit each", async (gpu) => {
  const { plan, kernels } = chain(512, 8);
  const loaded = await loadPlan(gpu, plan, kernels);
  const x = gpu.residents.upload(vector(...Array(512).keys()));
  for (let i = 0; i < 2; i++) {
    const [y] = await loaded.run([x]);
    await y.read();
    y.dispose();
  }
  const before = gpu.buffers.counts();
  const { calls } = await countCalls(async () => {
    for (let i = 0; i < 500; i++) (await loaded.run([x]))[0].dispose();
  });
  assertEquals(gpu.buffers.counts(), before);
  assertEquals(calls.submit, 500);
  assertEquals(calls.beginComputePass, 500);
  assertEquals(calls.dispatchWorkgroups, 500 * 8);
  assertEquals(calls.createBindGroup, 0);
  assertEquals(calls.createBuffer, 0);
  assertEquals(calls.writeBuffer, 0);
  assertEquals(calls.createComputePipeline, 0);
  x.dispose();
  loaded.dispose();
});

test("a steady read is one copy, one submit and one map for several values", async (gpu) => {
  const values = [1, 2, 3].map((v) => gpu.residents.upload(vector(v)));
  await gpu.residents.read(values);
  const { value, calls } = await countCalls(() => gpu.residents.read(values));
  assertEquals(value.map((h) => h.data[0]), [1, 2, 3]);
  assertEquals([calls.submit, calls.mapAsync, calls.createBuffer], [1, 1, 0]);
  values.forEach((v) => v.dispose());
});

test("copies work before, between and after dispatches, within an arena too", async (gpu) => {
  const type = f32([100]);
  const draft = sketch();
  const x = draft.arg(type);
  const [a, b, c] = [0, 512, 1024].map((at) => draft.arena(type, at));
  const [y, z] = [draft.result(type), draft.result(type)];
  draft.copy(x, a);
  draft.kernel(mapKernel("a[i] + 1.0", 100), [a], [b]);
  draft.copy(b, c);
  draft.copy(x, y);
  draft.kernel(mapKernel("a[i] * 2.0", 100), [c], [a]);
  draft.copy(a, z);
  const { plan, kernels } = draft.done([y, z], [1536]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const given = vector(...Array(100).keys());
  await loaded.run([given]).then((outs) => outs.forEach((o) => o.dispose()));
  const { value: [r, s], calls } = await countCalls(() => loaded.run([given]));
  const [got, doubled] = await gpu.residents.read([r, s]);
  assertEquals(close(got), [...given.data]);
  assertEquals(close(doubled), [...given.data].map((v) => (v + 1) * 2));
  assertEquals([calls.submit, calls.beginComputePass, calls.copyBufferToBuffer], [1, 1, 2]);
  [r, s].forEach((o) => o.dispose());
  loaded.dispose();
});

test("results that are arguments, constants or one another are values of their own", async (gpu) => {
  const type = f32([2]);
  const draft = sketch();
  const [x, c] = [draft.arg(type), draft.constant(type, vector(8, 9))];
  const y = draft.result(type);
  draft.kernel(mapKernel("a[i] + 1.0", 2), [x], [y]);
  const { plan, kernels } = draft.done([x, c, y, y]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const resident = gpu.residents.upload(vector(1, 2));
  const before = gpu.buffers.counts().used;
  for (const arg of [vector(1, 2), resident]) {
    const outs = await loaded.run([arg]);
    await loaded.run([vector(5, 5)]).then((more) => more.forEach((o) => o.dispose()));
    outs[2].dispose();
    const read = await gpu.residents.read([outs[0], outs[1], outs[3]]);
    assertEquals(read.map(close), [[1, 2], [8, 9], [2, 3]]);
    outs.forEach((o) => o.dispose());
  }
  loaded.dispose();
  assert(gpu.buffers.counts().used <= before);
  assertEquals(close(await resident.read()), [1, 2]);
  resident.dispose();
});

test("values without elements take no dispatch, no write and read as empty", async (gpu) => {
  const type: Type = f32([0, 3]);
  const draft = sketch();
  const [x, y] = [draft.arg(type), draft.result(type)];
  draft.kernel(mapKernel("a[i]", 0), [x], [y]);
  const z = draft.result(type);
  draft.copy(y, z);
  const { plan, kernels } = draft.done([y, z, x]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const nothing = { ...type, data: new Float32Array(0) };
  const { value: outs, calls } = await countCalls(() => loaded.run([nothing]));
  assertEquals([calls.dispatchWorkgroups, calls.copyBufferToBuffer, calls.writeBuffer], [0, 0, 0]);
  for (const host of await gpu.residents.read(outs)) assertEquals(host.data.length, 0);
  outs.forEach((o) => o.dispose());
  const up = gpu.residents.upload(nothing);
  assertEquals((await up.read()).shape, [0, 3]);
  up.dispose();
  loaded.dispose();
});

test("bytes that are no whole words keep their ends and their neighbours", async (gpu) => {
  const type = u8([5]);
  const draft = sketch();
  const [x, y] = [draft.arg(type), draft.result(type)];
  draft.copy(x, y);
  const { plan, kernels } = draft.done([y]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const data = new Uint8Array([1, 2, 3, 4, 255]);
  // The array is a view, so its neighbours in memory must not come along.
  const view = new Uint8Array([9, ...data, 9]).subarray(1, 6);
  const [got] = await loaded.run([{ ...type, data: view }]);
  assertEquals((await got.read()).data, data);
  got.dispose();
  loaded.dispose();
});

test("NaN, infinities and -0 pass through uploads, copies and reads bit for bit", async (gpu) => {
  const bits = new Uint32Array([0x7fc00001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000, 1]);
  const value = { ...f32([6]), data: new Float32Array(bits.buffer) };
  const draft = sketch();
  const [x, y] = [draft.arg(f32([6])), draft.result(f32([6]))];
  draft.copy(x, y);
  const { plan, kernels } = draft.done([y]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const [got] = await loaded.run([value]);
  const read = (await got.read()).data;
  assertEquals([...new Uint32Array(read.buffer, read.byteOffset, 6)], [...bits]);
  got.dispose();
  loaded.dispose();
});
