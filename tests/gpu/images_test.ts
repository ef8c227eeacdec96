/**
 * Constants that kernels read from images.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import { accessors } from "../../kernels/wgsl/storage.ts";
import { wgsl } from "../../kernels/wgsl/target.ts";
import { DeviceError, FormatError } from "../../lib/core/fault.ts";
import { bytesIn, type Data } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Plan } from "../../lib/core/plan.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, type Type } from "../../lib/core/type.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Images } from "../../lib/gpu/images.ts";
import { choicesOf, emitted } from "../../lib/gpu/machine.ts";
import { profilePlan } from "../../lib/gpu/profile.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { stage } from "../../lib/stage/stage.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { countCalls } from "./count_calls.ts";
import { mapKernel, sketch } from "./plans.ts";

const test = await deviceTests();

/** Sizes around a texel, around a row, and with more rows than one write has. */
const sizes = [1, 3, 4, 5, 4095, 4096, 4097, 4096 * 1024 + 5];

/** A kernel that copies `n` elements of an image, one at a time or four. */
function imageKernel(n: number, width: 1 | 4): WgslKernel {
  const image = accessors("f32", 0, true);
  const load = image.of(width === 4 ? "load4" : "load1");
  const count = Math.ceil(n / width);
  const row = Math.min(65_535, Math.ceil(count / 64));
  const body = width === 4
    ? `let v = ${load}(4 * i);
  for (var k = 0; k < 4; k++) { if (4 * i + k < p[0].x) { out[4 * i + k] = v[k]; } }`
    : `if (i < p[0].x) { out[i] = ${load}(i); }`;
  const text = `${image.text()}
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: array<vec4<i32>, 1>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = i32(id.y) * ${row * 64} + i32(id.x);
  ${body}
}
`;
  const workgroups = [row, Math.ceil(count / (64 * row)), 1] as const;
  return { text, params: [n, 0, 0, 0], workgroups, bindings: 2, images: [0] };
}

/** A plan that copies a constant through an image. */
function copied(data: Data, n: number, width: 1 | 4 = 4, type: Type = f32([n])) {
  const draft = sketch();
  const [c, out] = [draft.constant(type, data), draft.result(f32([n]))];
  draft.kernel(imageKernel(n, width), [c], [out]);
  return draft.done([out]);
}

function values(n: number): { dtype: "f32"; shape: number[]; data: Float32Array } {
  return { dtype: "f32", shape: [n], data: Float32Array.from({ length: n }, (_, i) => i + 0.5) };
}

/** A source that gives a value in chunks of so many bytes. */
function sourceOf(value: ReturnType<typeof values>, chunk: number): Data {
  return {
    dtype: value.dtype,
    shape: value.shape,
    async *open() {
      const bytes = bytesIn(value.data);
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.slice(at, at + chunk);
      await Promise.resolve();
    },
  };
}

/** Runs a plan of one result and gives its elements. */
async function result(gpu: Gpu, { plan, kernels }: ReturnType<typeof copied>) {
  const loaded = await loadPlan(gpu, plan, kernels);
  const [y] = await loaded.run([]);
  const { data } = await y.read();
  y.dispose();
  loaded.dispose();
  return data;
}

for (const n of sizes) {
  test(`an image of ${n} elements holds them in order, from each kind of data`, async (gpu) => {
    const want = values(n);
    const resident = gpu.residents.upload(want);
    const kinds = [want, sourceOf(want, 100_003), sourceOf(want, 2 ** 20), resident];
    for (const data of kinds) assertEquals(await result(gpu, copied(data, n)), want.data);
    assertEquals(await result(gpu, copied(want, n, 1)), want.data);
    resident.dispose();
    assertEquals([gpu.constants.count(), gpu.images.counts().alive], [0, 0]);
  });
}

test("an image is counted while a plan holds it and ended with the plan", async (gpu) => {
  const before = gpu.buffers.counts().used;
  const { plan, kernels } = copied(values(5000), 5000);
  const loaded = await loadPlan(gpu, plan, kernels);
  // Three rows of 1,024 texels and the parameters, but no buffer of the 20,000 bytes.
  const held = gpu.buffers.counts().used - before;
  assertEquals(gpu.images.counts().used, 3 * 1024 * 16);
  assert(held >= 3 * 1024 * 16 && held < 3 * 1024 * 16 + 1000, `${held}`);
  loaded.dispose();
  await Promise.resolve();
  assertEquals(gpu.buffers.counts().used, before);
  const { alive, used } = gpu.images.counts();
  assertEquals([alive, used], [0, 0]);
});

test("plans that share a constant, in another shape too, share its image", async (gpu) => {
  const data = values(96);
  const reshaped = { ...data, shape: [8, 12] };
  const plans = [
    copied(data, 96),
    copied(reshaped, 96, 1, f32([8, 12])),
    copied(data, 96, 4, f32([2, 48])),
  ];
  const { value: all, calls } = await countCalls(() =>
    Promise.all(plans.map(({ plan, kernels }) => loadPlan(gpu, plan, kernels)))
  );
  assertEquals([calls.createTexture, calls.writeTexture], [1, 1]);
  all[0].dispose();
  all[1].dispose();
  const [y] = await all[2].run([]);
  assertEquals((await y.read()).data, data.data);
  y.dispose();
  all[2].dispose();
  assertEquals(gpu.constants.count(), 0);
});

test("a constant that is read both ways and returned has a buffer and an image", async (gpu) => {
  const data = values(100);
  const draft = sketch();
  const c = draft.constant(data, data);
  const [a, b] = [draft.result(data), draft.result(data)];
  draft.kernel(imageKernel(100, 4), [c], [a]);
  draft.kernel(mapKernel("a[i] * 2.0", 100), [c], [b]);
  const { plan, kernels } = draft.done([a, b, c]);
  const loaded = await loadPlan(gpu, plan, kernels);
  assertEquals(gpu.constants.count(), 2);
  const outs = await loaded.run([]);
  const [x, y, z] = await gpu.residents.read(outs);
  assertEquals(x.data, data.data);
  assertEquals(y.data, data.data.map((v) => 2 * v));
  assertEquals(z.data, data.data);
  outs.forEach((out) => out.dispose());
  loaded.dispose();
  assertEquals(gpu.constants.count(), 0);
});

test("a plan with images makes and writes nothing from call to call", async (gpu) => {
  const draft = sketch();
  const data = values(4000);
  const [c, x] = [draft.constant(data, data), draft.arg(data)];
  const [mid, out] = [draft.arena(data, 0), draft.result(data)];
  draft.kernel(imageKernel(4000, 4), [c], [mid]);
  draft.kernel(mapKernel("a[i] + b[i]", 4000, 2), [mid, x], [out]);
  const { plan, kernels } = draft.done([out], [16_384]);
  const loaded = await loadPlan(gpu, plan, kernels);
  const given = gpu.residents.upload(data);
  const call = async () => (await loaded.run([given]))[0].dispose();
  await call();
  await call();
  const { calls } = await countCalls(async () => {
    for (let i = 0; i < 20; i++) await call();
  });
  assertEquals([calls.submit, calls.createBindGroup, calls.createBuffer], [20, 0, 0]);
  assertEquals([calls.createTexture, calls.writeTexture, calls.writeBuffer], [0, 0, 0]);
  const { times } = await profilePlan(loaded, 1);
  assertEquals(times.map(({ step }) => step), [0, 1]);
  given.dispose();
  loaded.dispose();
});

test("an image of no elements can be bound", async (gpu) => {
  const empty = { ...f32([0]), data: new Float32Array(0) };
  const draft = sketch();
  const [c, out] = [draft.constant(empty, empty), draft.result(f32([8]))];
  draft.kernel({ ...imageKernel(8, 4), params: [0, 0, 0, 0] }, [c], [out]);
  assertEquals((await result(gpu, draft.done([out]))).length, 8);
});

test("an image operand that is no constant of f32 is refused with its step", async (gpu) => {
  const draft = sketch();
  const [x, out] = [draft.arg(f32([8])), draft.result(f32([8]))];
  draft.kernel(imageKernel(8, 4), [x], [out], "scale");
  const { plan, kernels } = draft.done([out]);
  await assertRejects(() => loadPlan(gpu, plan, kernels), DeviceError, "operand 0 (arg f32[8])");
});

test("a source that breaks off leaves no image behind", async (gpu) => {
  const data: Data = {
    ...f32([10]),
    async *open() {
      yield await Promise.resolve(new Uint8Array(12));
    },
  };
  const { plan, kernels } = copied(data, 10);
  await assertRejects(() => loadPlan(gpu, plan, kernels), FormatError, "40 were stated");
  assertEquals([gpu.constants.count(), gpu.images.counts().alive], [0, 0]);
});

test("emitted() chooses images for constants only, and where the device reads them", (gpu) => {
  const square = f32([64, 64]);
  const w = { ...square, data: values(4096).data };
  const { limits } = gpu;
  const fixed = compilePlan(stage((x: Tensor) => matmul(x, constant(w)), [square]), limits);
  const free = compilePlan(stage((x: Tensor, y: Tensor) => matmul(x, y), [square, square]), limits);
  const target = wgsl(limits, "software");
  const none: Images = { ...gpu.images, canHold: () => false };
  const of = (plan: Plan, images: Images) => {
    const chosen = choicesOf(plan, target, images).map(([best]) => best);
    return emitted(plan, target, chosen)[0]?.images ?? [];
  };
  assertEquals(of(fixed, gpu.images), [1]);
  assertEquals(of(fixed, none), []);
  assertEquals(of(free, gpu.images), []);
});

test("products with a constant and its twin of another shape agree with sums on the host", async (gpu) => {
  const [m, k, n] = [17, 24, 40];
  const ramp = (size: number, by: number) =>
    Float32Array.from({ length: size }, (_, i) => ((i * by) % 13) / 8 - 0.75);
  const [x, w] = [ramp(m * k, 5), ramp(k * n, 7)];
  const weight = constant({ ...f32([k, n]), data: w });
  // The second product reads the same memory as a matrix of other sides.
  const twin = constant({ ...f32([n, k]), data: w });
  const model = (x: Tensor) => [matmul(x, weight), matmul(x, twin, { transposeB: true })];
  const plan = compilePlan(stage(model, [f32([m, k])]), gpu.limits);
  assert(plan.steps.length >= 2);
  const target = wgsl(gpu.limits, "software");
  const chosen = choicesOf(plan, target, gpu.images).map(([best]) => best);
  const loaded = await loadPlan(gpu, plan, emitted(plan, target, chosen));
  assertEquals(gpu.images.counts().alive, 1);
  const outs = await loaded.run([{ ...f32([m, k]), data: x }]);
  const [y, z] = await gpu.residents.read(outs);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let [p, q] = [0, 0];
      for (let l = 0; l < k; l++) {
        p += x[i * k + l] * w[l * n + j];
        q += x[i * k + l] * w[j * k + l];
      }
      assert(Math.abs(y.data[i * n + j] - p) < 1e-4, `${i} ${j}`);
      assert(Math.abs(z.data[i * n + j] - q) < 1e-4, `${i} ${j}`);
    }
  }
  outs.forEach((out) => out.dispose());
  loaded.dispose();
  await Promise.resolve();
  assertEquals(gpu.images.counts().alive, 0);
});
