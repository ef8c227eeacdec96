/**
 * Residents: who may read them, when their memory goes back, and the collector.
 * @module
 */
import { DeviceError } from "../../lib/core/fault.ts";
import { openDevice } from "../../lib/gpu/device.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { chain, vector } from "./plans.ts";

const test = await deviceTests();

test("dispose() gives the memory back once, and reading says so", async (gpu) => {
  const before = gpu.buffers.counts().used;
  const value = gpu.residents.upload(vector(1, 2));
  assertEquals(value.shape, [2]);
  assertEquals(value.owner, gpu.residents.owner);
  value.dispose();
  value.dispose();
  assertEquals(gpu.buffers.counts().used, before);
  await assertRejects(() => value.read(), DeviceError, "was disposed");
});

test("a value disposed while it is read is read to its end", async (gpu) => {
  const value = gpu.residents.upload(vector(1, 2));
  const read = value.read();
  value.dispose();
  const other = gpu.residents.upload(vector(3, 4));
  assertEquals([...(await read).data], [1, 2]);
  other.dispose();
});

test("a resident of another device is read over where a plan takes it", async (gpu) => {
  const other = await openDevice();
  const { plan, kernels } = chain(2, 1);
  const loaded = await loadPlan(gpu, plan, kernels);
  const far = other.residents.upload(vector(5, 6));
  const [y] = await loaded.run([far]);
  assertEquals([...(await y.read()).data], [6, 7]);
  await assertRejects(() => gpu.residents.read([far]), DeviceError, "another device");
  y.dispose();
  loaded.dispose();
  await other.readback.settled();
  other.dispose();
});

Deno.test("the collector gives back what nobody disposed", async () => {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `import { openDevice } from ${at("../../lib/gpu/device.ts")};
    if (!await navigator.gpu?.requestAdapter()) { console.log("no adapter"); Deno.exit(0); }
    const gpu = await openDevice();
    const before = gpu.buffers.counts();
    for (let i = 0; i < 100; i++) gpu.residents.upload({ dtype: "f32", shape: [1],
      data: new Float32Array(1) });
    const held = gpu.buffers.counts().used - before.used;
    for (let i = 0; i < 50 && gpu.buffers.counts().used > before.used; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log(held, gpu.buffers.counts().used - before.used);
    gpu.dispose();`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--v8-flags=--expose-gc", code],
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  assert(text === "no adapter" || text === "25600 0", text + new TextDecoder().decode(stderr));
});
