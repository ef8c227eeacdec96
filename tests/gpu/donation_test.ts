/**
 * Donated arguments and refused plans: what a device keeps when memory changes hands or cannot.
 * @module
 */
import type { Host } from "../../lib/core/host.ts";
import { DeviceError, ShapeError } from "../../lib/core/fault.ts";
import { f32 } from "../../lib/core/type.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { countCalls } from "./count_calls.ts";
import { chain, mapKernel, sketch, vector } from "./plans.ts";

const test = await deviceTests();

function close(host: Host): number[] {
  return [...host.data as Float32Array];
}

test("donated state ping-pongs between two buffers and reading the old one says where it went", async (gpu) => {
  const { plan, kernels } = chain(256, 1);
  const loaded = await loadPlan(gpu, plan, kernels, { donate: [0] });
  let state = gpu.residents.upload(vector(...Array(256).fill(0)));
  const first = state;
  for (let i = 0; i < 4; i++) [state] = await loaded.run([state]);
  const before = gpu.buffers.counts();
  const { calls } = await countCalls(async () => {
    for (let i = 0; i < 50; i++) [state] = await loaded.run([state]);
  });
  assertEquals([calls.createBuffer, calls.createBindGroup, calls.submit], [0, 0, 50]);
  assertEquals(gpu.buffers.counts(), before);
  assertEquals((await state.read()).data[255], 54);
  const error = await assertRejects(() => first.read(), DeviceError, "was given away");
  assertEquals((error as DeviceError).code, "device.given");
  state.dispose();
  loaded.dispose();
});

test("a donated argument's own buffer becomes the result's when its last use is earlier", async (gpu) => {
  const { plan, kernels } = chain(256, 3);
  const loaded = await loadPlan(gpu, plan, kernels, { donate: [0] });
  let state = gpu.residents.upload(vector(...Array(256).fill(1)));
  const block = gpu.residents.held(state, "look").block;
  [state] = await loaded.run([state]);
  assert(gpu.residents.held(state, "look").block === block);
  assertEquals((await state.read()).data[7], 4);
  state.dispose();
  loaded.dispose();
});

test("donation leaves what a constant or another argument shares alone", async (gpu) => {
  const type = f32([2]);
  const draft = sketch();
  const [x, again] = [draft.arg(type), draft.arg(type)];
  const half = draft.arena(type, 0);
  const [y, z] = [draft.result(type), draft.result(type)];
  draft.kernel(mapKernel("a[i] + 1.0", 2), [x], [half]);
  draft.kernel(mapKernel("a[i] * 2.0", 2), [half], [y]);
  draft.kernel(mapKernel("a[i] * 3.0", 2), [again], [z]);
  const { plan, kernels } = draft.done([y, z], [256]);
  const loaded = await loadPlan(gpu, plan, kernels, { donate: [0] });
  const both = gpu.residents.upload(vector(1, 2));
  const outs = await loaded.run([both, both]);
  assertEquals((await gpu.residents.read(outs)).map(close), [[4, 6], [3, 6]]);
  outs.forEach((o) => o.dispose());
  loaded.dispose();
});

test("run() refuses arguments of another type or number", async (gpu) => {
  const { plan, kernels } = chain(4, 1);
  const loaded = await loadPlan(gpu, plan, kernels);
  await assertRejects(() => loaded.run([]), ShapeError, "with 0 arguments: 1 are needed");
  await assertRejects(() => loaded.run([vector(1)]), ShapeError, "argument 0 of f32[1]");
  loaded.dispose();
  await assertRejects(() => loaded.run([vector(1, 2, 3, 4)]), DeviceError, "was disposed");
});

test("loadPlan() refuses more buffers than the device binds", async (gpu) => {
  const draft = sketch();
  const type = f32([4]);
  const many = Array.from({ length: gpu.limits.bindings }, () => draft.arg(type));
  const out = draft.result(type);
  const kernel = { ...mapKernel("a[i]", 4), bindings: many.length + 1 };
  draft.kernel(kernel, many, [out], "concat");
  const { plan, kernels } = draft.done([out]);
  const error = await assertRejects(() => loadPlan(gpu, plan, kernels), DeviceError, "concat");
  assertStringIncludes((error as Error).message, `binds ${gpu.limits.bindings}`);
});

test("loadPlan() refuses a value larger than a binding", async (gpu) => {
  const draft = sketch();
  const type = f32([gpu.limits.bindingBytes / 4 + 4]);
  const [x, y] = [draft.arg(type), draft.result(type)];
  draft.kernel(mapKernel("a[i]", 4), [x], [y], "relu");
  const { plan, kernels } = draft.done([y]);
  await assertRejects(() => loadPlan(gpu, plan, kernels), DeviceError, "split the tensor");
});

test("a dispatch that the device refuses names the step", async (gpu) => {
  const draft = sketch();
  const type = f32([64]);
  const [x, y] = [draft.arg(type), draft.result(type)];
  // The kernel wants 256 bytes of parameters where its step gives 16.
  const kernel = mapKernel("a[i]", 64);
  const text = kernel.text.replace("array<vec4<i32>, 1>", "array<vec4<i32>, 16>");
  draft.kernel(mapKernel("a[i]", 64), [x], [x], "fine");
  draft.kernel({ ...kernel, text }, [x], [y], "softmax");
  const { plan, kernels } = draft.done([y]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const before = gpu.buffers.counts().used;
  const error = await assertRejects(() => loaded.run([vector(...Array(64).keys())]), DeviceError);
  assertStringIncludes((error as Error).message, "Cannot run softmax");
  assertStringIncludes((error as Error).message, "tests/gpu/plans.ts");
  // The argument's buffer stays with the plan; the result's is back in the pool.
  assertEquals(gpu.buffers.counts().used, before + 256);
  loaded.dispose();
});
