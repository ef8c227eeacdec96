/**
 * Traced functions in company and over time: calls in flight beside one another and beside a dump,
 * five hundred of them made and released, devices that are lost.
 * @module
 */
import type { GpuMachine } from "../../lib/gpu/machine.ts";
import type { WasmMachine } from "../../lib/wasm/machine.ts";
import { openWasm } from "../../lib/wasm/machine.ts";
import {
  add,
  DeviceError,
  excludeFromTrace,
  grad,
  type Machine,
  matmul,
  mul,
  open,
  read,
  relu,
  softmax,
  sum,
  type Tensor,
  tensor,
  trace,
} from "../../mod.ts";
import { random } from "../ops/case_values.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { bytesUsed, targetTests } from "../targets.ts";
import { adapterOrSkip } from "../gpu/adapter.ts";
import { watched } from "../wasm/watched.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);

function some(seed: number, rows: number, columns: number): Tensor {
  const next = random(seed);
  const data = Float32Array.from({ length: rows * columns }, () => 2 * next() - 1);
  return tensor(data, [rows, columns]);
}

const w = some(99, 8, 12);

/** Functions of a matrix with eight columns, with reads and regions in the middle. */
function functions(on: Machine) {
  const loss = (x: Tensor) => sum(mul(matmul(x, w), matmul(x, w)));
  return [
    trace((x: Tensor) => softmax(add(matmul(x, w), 0.5)), { on }),
    trace((x: Tensor) => grad(loss)(x), { on }),
    trace(async (x: Tensor) => {
      const total = Number((await read(sum(relu(x)))).data[0]);
      if (!(total >= 0)) throw new Error(`a sum of ${total}`);
      return mul(matmul(x, w), sum(relu(x)));
    }, { on }),
    trace(async (x: Tensor) => {
      const y = await excludeFromTrace(async (t: Tensor) => mul(t, (await read(t)).data[0]), x);
      return add(matmul(y, w), 1);
    }, { on, withoutHost: true, captureAsConst: true }),
  ];
}

test("32 calls in flight on one traced function equal the sequential ones", async (on) => {
  for (const f of functions(on)) {
    const inputs = Array.from({ length: 32 }, (_, i) => some(i, 2 + i % 3, 8));
    const single: number[][] = [];
    for (const x of inputs) single.push(await numbers(await f(x)));
    const together = await Promise.all(inputs.map(async (x) => numbers(await f(x))));
    assertEquals(together, single);
    assertEquals(f.plans, 3);
    f.dispose();
    const fresh = await Promise.all(inputs.map(async (x) => numbers(await f(x))));
    assertEquals(fresh, single, "and from the first call on");
    f.dispose();
  }
});

test("several traced functions on one device, in flight together", async (on) => {
  const all = functions(on);
  const jobs = Array.from({ length: 40 }, (_, i) => ({ f: all[i % all.length], x: some(i, 3, 8) }));
  const single: number[][] = [];
  for (const { f, x } of jobs) single.push(await numbers(await f(x)));
  const together = await Promise.all(jobs.map(async ({ f, x }) => numbers(await f(x))));
  assertEquals(together, single);
  // One feeds the next while others run.
  const chained = await Promise.all(jobs.map(async ({ x }) => {
    const t = await all[1](x);
    return numbers(await all[0](t));
  }));
  for (const [i, { x }] of jobs.entries()) {
    assertEquals(chained[i], await numbers(await all[0](await all[1](x))));
  }
  all.forEach((f) => f.dispose());
});

test("calls during a dump are right, and so is the dump", async (on) => {
  await using f = trace((x: Tensor) => relu(add(matmul(x, w), 1)), { on, captureAsConst: true });
  const inputs = Array.from({ length: 12 }, (_, i) => some(i, 2, 8));
  const wants: number[][] = [];
  for (const x of inputs) wants.push(await numbers(await f(x)));
  const dumped = async (pause: number) => {
    const chunks: Uint8Array[] = [];
    await f.dump(
      new WritableStream({
        async write(chunk) {
          chunks.push(chunk.slice());
          await new Promise((done) => setTimeout(done, pause));
        },
      }),
    );
    return [...new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer())];
  };
  const quiet = await dumped(0);
  const dumping = Promise.all([dumped(2), dumped(1)]);
  const during = await Promise.all(inputs.map(async (x) => numbers(await f(x))));
  assertEquals(during, wants);
  assertEquals(await dumping, [quiet, quiet]);
});

test("500 traced functions made, run and released leave the memory as it was", async (on) => {
  const seen: number[] = [];
  for (let i = 0; i < 500; i++) {
    const c = some(i, 8, 4);
    const f = trace((x: Tensor) => relu(matmul(x, c)), { on, captureAsConst: i % 2 === 0 });
    const out = await f(some(7, 2, 8));
    if (i % 50 === 0) assertEquals(out.shape, [2, 4]);
    out.dispose();
    f.dispose();
    if (i % 100 === 99) {
      if ("gpu" in on) await (on as GpuMachine).gpu.readback.settled();
      seen.push(bytesUsed(on));
    }
  }
  // The collector may take what earlier tests left, so fewer bytes are possible, more are not.
  for (const later of seen) assert(later <= seen[0], `bytes held: ${seen}`);
});

Deno.test({
  name: "webgpu: a device lost in the middle of calls is a DeviceError, and the next opens",
  ignore: !await adapterOrSkip(),
  sanitizeOps: false,
  async fn() {
    const on = await open("webgpu") as GpuMachine;
    const f = trace((x: Tensor) => softmax(matmul(x, w)), { on });
    const want = await numbers(await f(some(1, 3, 8)));
    const calls = Array.from({ length: 6 }, async () => numbers(await f(some(1, 3, 8))));
    on.gpu.device.destroy();
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === "fulfilled") assertEquals(result.value, want);
      else assert(result.reason instanceof DeviceError, String(result.reason));
    }
    await on.gpu.device.lost;
    await assertRejects(() => f(some(1, 3, 8)), DeviceError, "the device is lost");
    f.dispose();
    await on.gpu.readback.settled();
    await on[Symbol.asyncDispose]();
    const next = await open("webgpu") as GpuMachine;
    const again = trace((x: Tensor) => softmax(matmul(x, w)), { on: next });
    assertEquals(await numbers(await again(some(1, 3, 8))), want);
    again.dispose();
    await next.gpu.readback.settled();
    await next[Symbol.asyncDispose]();
  },
});

Deno.test("wasm: a worker that dies in the middle of calls is a DeviceError, and the next opens", async () => {
  let on: WasmMachine | undefined;
  const model = (x: Tensor) => softmax(matmul(x, relu(x)));
  const x = some(1, 96, 96);
  let want: number[] = [];
  const workers = await watched(async () => {
    on = openWasm({ threads: 2 });
    await using f = trace(model, { on });
    want = await numbers(await f(x));
  });
  assert(workers.length > 0, "another thread");
  const f = trace(model, { on });
  const calls = Array.from({ length: 6 }, async () => numbers(await f(x)));
  const event = { preventDefault() {}, message: "it ran out of memory" } as unknown as ErrorEvent;
  workers.forEach((worker) => worker.onerror!(event));
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === "fulfilled") assertEquals(result.value, want);
    else assert(result.reason instanceof DeviceError, String(result.reason));
  }
  await assertRejects(() => f(x), DeviceError, "it ran out of memory");
  f.dispose();
  await on![Symbol.asyncDispose]();
  await using next = await open("wasm", { threads: 2 });
  await using again = trace(model, { on: next });
  assertEquals(await numbers(await again(x)), want);
});
