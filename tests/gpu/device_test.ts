/**
 * Opening and losing devices, and the traps of adapters that a test can show.
 * @module
 */
import { DeviceError } from "../../lib/core/fault.ts";
import { openDevice } from "../../lib/gpu/device.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { chain, mapKernel, sketch, vector } from "./plans.ts";
import { f32 } from "../../lib/core/type.ts";

const test = await deviceTests();

test("openDevice() asks for all that the adapter has", async (gpu) => {
  const adapter = await navigator.gpu.requestAdapter();
  assert(adapter);
  assertEquals(gpu.limits.bindings, adapter.limits.maxStorageBuffersPerShaderStage);
  assertEquals(gpu.limits.sharedBytes, adapter.limits.maxComputeWorkgroupStorageSize);
  assert(gpu.limits.bindingBytes > adapter.limits.maxStorageBufferBindingSize - 16);
  assertEquals(gpu.limits.align % 16, 0);
  assertEquals(gpu.features.has("shader-f16"), adapter.features.has("shader-f16"));
  const isSoftware = /llvmpipe|SwiftShader/.test(gpu.description);
  if (isSoftware) assertEquals(gpu.class, "software");
  assertEquals(gpu.limits.iterations, /llvmpipe/.test(gpu.description) ? 60_000 : Infinity);
});

test("llvmpipe stops loops at 65,535 iterations, which is why limits.iterations exists", async (gpu) => {
  const draft = sketch();
  const out = draft.result(f32([1]));
  const text = `@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> p: array<vec4<i32>, 1>;

@compute @workgroup_size(1)
fn main() {
  var n = 0.0;
  for (var i = 0; i < p[0].x; i++) { n = n + 1.0; }
  out[0] = n;
}
`;
  const kernel = { text, workgroups: [1, 1, 1] as const, bindings: 1 };
  draft.kernel({ ...kernel, params: [60_000, 0, 0, 0] }, [], [out]);
  const { plan, kernels } = draft.done([out]);
  const within = await loadPlan(gpu, plan, kernels);
  const beyond = await loadPlan(gpu, plan, [{ ...kernel, params: [70_000, 0, 0, 0] }]);
  const counts = await gpu.residents.read([
    ...await within.run([]),
    ...await beyond.run([]),
  ]);
  assertEquals(counts[0].data[0], 60_000);
  assertEquals(counts[1].data[0], gpu.limits.iterations === Infinity ? 70_000 : 65_535);
});

test("an error that no scope caught is thrown by the next call", async () => {
  const gpu = await openDevice();
  const x = gpu.residents.upload(vector(1));
  gpu.device.createBuffer({ size: 2 ** 40, usage: 8, label: "oversized" });
  await new Promise((resolve) => setTimeout(resolve, 1));
  const error = await assertRejects(() => x.read(), DeviceError, "the device reported");
  assertEquals((error as DeviceError).code, "device.reported");
  // Once told, the device is usable.
  assertEquals((await x.read()).data[0], 1);
  await gpu.readback.settled();
  gpu.dispose();
});

test("a device destroyed midway throws from every call, and the next opens", async () => {
  const gpu = await openDevice();
  const { plan, kernels } = chain(8, 2);
  const loaded = await loadPlan(gpu, plan, kernels);
  const x = vector(...Array(8).keys());
  const [y] = await loaded.run([x]);
  await y.read();
  gpu.device.destroy();
  // The loss is not reported yet: the read meets it by itself.
  await assertRejects(() => y.read(), DeviceError, "Cannot read from the device");
  await gpu.device.lost;
  await assertRejects(() => loaded.run([x]), DeviceError, "the device is lost");
  assertThrows(() => gpu.residents.upload(x), DeviceError, "the device is lost");
  await assertRejects(() => loadPlan(gpu, plan, kernels), DeviceError, "the device is lost");
  y.dispose();
  loaded.dispose();
  await gpu.readback.settled();
  gpu.dispose();
  gpu.dispose();

  const next = await openDevice();
  const again = await loadPlan(next, plan, kernels);
  const [z] = await again.run([x]);
  assertEquals((await z.read()).data[7], 9);
  await next.readback.settled();
  next.dispose();
});

test("a run in the same moment as the loss rejects or gives a resident that cannot be read", async () => {
  const gpu = await openDevice();
  const { plan, kernels } = chain(8, 1);
  const loaded = await loadPlan(gpu, plan, kernels);
  await gpu.readback.settled();
  gpu.device.destroy();
  await assertRejects(async () => {
    const [y] = await loaded.run([vector(...Array(8).keys())]);
    await y.read();
  }, DeviceError);
  await gpu.readback.settled();
  gpu.dispose();
});

test("a disposed device says so", async () => {
  const gpu = await openDevice();
  const { plan, kernels } = chain(8, 1);
  const loaded = await loadPlan(gpu, plan, kernels);
  const x = gpu.residents.upload(vector(...Array(8).keys()));
  await gpu.readback.settled();
  gpu.dispose();
  await assertRejects(() => x.read(), DeviceError, "the device was disposed");
  await assertRejects(() => loaded.run([x]), DeviceError, "the device was disposed");
  assertEquals(gpu.buffers.counts().alive, 0);
  x.dispose();
  loaded.dispose();
});

test("a kernel with a mistake is quoted by its line", async (gpu) => {
  const draft = sketch();
  const [x, y] = [draft.arg(f32([4])), draft.result(f32([4]))];
  draft.kernel(mapKernel("a[i] + absent", 4), [x], [y], "gelu");
  const { plan, kernels } = draft.done([y]);
  const before = gpu.pipelines.count();
  const error = await assertRejects(() => loadPlan(gpu, plan, kernels), DeviceError);
  const { message } = error as Error;
  assertStringIncludes(message, "internal: the kernel of gelu");
  assertStringIncludes(message, "out[i] = a[i] + absent;");
  assertEquals(gpu.pipelines.count(), before);
});

test("a kernel that compiles but makes no pipeline is named too", async (gpu) => {
  const draft = sketch();
  const [x, y] = [draft.arg(f32([4])), draft.result(f32([4]))];
  const good = mapKernel("a[i]", 4);
  const text = good.text.replace("@workgroup_size(64)", "@workgroup_size(65536)");
  draft.kernel({ ...good, text }, [x], [y], "gelu");
  const { plan, kernels } = draft.done([y]);
  await assertRejects(() => loadPlan(gpu, plan, kernels), DeviceError, "kernel of gelu");
});

test("equal texts share a pipeline", async (gpu) => {
  const before = gpu.pipelines.count();
  const { plan, kernels } = chain(32, 10);
  const more = kernels.map((kernel) =>
    kernel && { ...kernel, text: kernel.text.replace("out[i] =", "out[i]  =") }
  );
  const one = await loadPlan(gpu, plan, more);
  const two = await loadPlan(gpu, plan, more);
  assertEquals(gpu.pipelines.count(), before + 1);
  one.dispose();
  two.dispose();
});

Deno.test("openDevice() without an adapter names the packages to install", async () => {
  const module = new URL("../../lib/gpu/device.ts", import.meta.url).href;
  const code = `import { openDevice } from ${JSON.stringify(module)};
    await openDevice().catch((e) => console.log(e.name, e.code, e.message));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    env: { DENO_WEBGPU_BACKEND: "noop" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, "DeviceError device.absent", new TextDecoder().decode(stderr));
  assertStringIncludes(text, "mesa-vulkan-drivers");
  assertStringIncludes(text, "libvulkan1");
});
