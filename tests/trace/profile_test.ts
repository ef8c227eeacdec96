/**
 * Profiles of traced functions and loaded models: every kernel of every call, with its work.
 * @module
 */
import { TraceError } from "../../lib/core/fault.ts";
import { constant } from "../../lib/core/leaf.ts";
import { f32, named } from "../../lib/core/type.ts";
import { add } from "../../lib/ops/arithmetic.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { relu } from "../../lib/ops/activation.ts";
import { sum } from "../../lib/ops/reduce.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { dump } from "../../lib/trace/dump.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { trace } from "../../lib/trace/trace.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const x = constant({ ...f32([8, 16]), data: new Float32Array(128).fill(0.5) });
const w2 = constant({ ...f32([4, 16]), data: new Float32Array(64).fill(0.5) });
const w = constant({ ...f32([16, 4]), data: new Float32Array(64).fill(0.25) });

test("profile() has every kernel of every call, with its work and its place", async (on) => {
  await using f = trace((x: Tensor) => relu(add(matmul(x, w), 1)), { on, profiling: true });
  for (let i = 0; i < 3; i++) assertEquals((await read(await f(x))).data[0], 3);
  const profile = await f.profile();
  assertEquals(profile.device.name, on.name);
  assert(profile.peak.gflops > 0 && profile.peak.gbps > 0);
  const [plan] = profile.plans;
  assertEquals(plan.calls.length, 3);
  assertEquals(plan.kernels.length, on.name === "reference" ? 3 : 1);
  const product = plan.kernels[0];
  assertStringIncludes(product.operation, "matmul");
  assertStringIncludes(product.place!, "profile_test.ts:");
  assertEquals(product.outs, ["f32[8,4]"]);
  // 2·8·4·16, and on a device the addition and relu's comparison in the epilogue.
  assert(product.flops >= 1024 && product.flops <= 1024 + 3 * 32, `${product.flops}`);
  assert(product.bytes >= (128 + 64 + 32) * 4);
  for (const kernel of plan.kernels) {
    assertEquals(kernel.ns.length, 3);
    assert(kernel.ns.every((ns) => ns !== null && ns >= 0));
    assert(kernel.share.bandwidth >= 0 && kernel.share.arithmetic >= 0);
  }
  for (const call of plan.calls) {
    assert(call.ms > 0 && call.readback >= 0 && call.start >= 0);
    assertEquals(call.kernels.map((k) => k.kernel), [...plan.kernels.keys()]);
  }
  if (on.name !== "reference") {
    assertEquals(plan.memory!.resultBytes, 128);
    assertEquals(plan.memory!.timeline.length, 1);
    assert(product.variant && product.dispatch);
  }
  assertEquals(JSON.parse(JSON.stringify(profile)), profile);
});

test("a profile has entries after the first and after the second call, for records too", async (on) => {
  await using f = trace((a: { x: Tensor }) => ({ y: relu(a.x), z: [sum(a.x)] }), {
    ...{ on, profiling: true, captureAsConst: true },
  });
  for (const calls of [1, 2]) {
    const { y, z } = await f({ x });
    y.dispose();
    z[0].dispose();
    const { plans: [plan] } = await f.profile({ peak: { gflops: 1, gbps: 1 } });
    assertEquals(plan.calls.length, calls);
    for (const { ns } of plan.kernels) assertEquals(ns.length, calls);
    assert(plan.kernels.some(({ medianNs }) => medianNs > 0));
  }
});

test("profile({ since }) leaves warm-ups out, and { peak } is not measured again", async (on) => {
  await using f = trace((x: Tensor) => relu(x), { on, profiling: true });
  for (let i = 0; i < 2; i++) (await f(x)).dispose();
  const since = performance.now();
  const peak = { gflops: 4, gbps: 2 };
  assertEquals((await f.profile({ since, peak })).plans, []);
  for (let i = 0; i < 3; i++) (await f(x)).dispose();
  const late = await f.profile({ since, peak });
  assertEquals([late.plans[0].calls.length, late.peak], [3, peak]);
  assertEquals([late.plans[0].calls[0].start, late.began >= since], [0, true]);
  const [kernel] = late.plans[0].kernels;
  assertEquals(kernel.ns.length, 3);
  assertEquals(kernel.share.bandwidth, kernel.rate.gbps / 2);
  assertEquals((await f.profile({ peak })).plans[0].calls.length, 5);
});

test("kernels of a call follow one another, inside the call where it is timed as a whole", async (on) => {
  await using f = trace((x: Tensor) => sum(relu(matmul(relu(matmul(x, w)), w2))), {
    ...{ on, profiling: true },
  });
  for (let i = 0; i < 4; i++) (await f(x)).dispose();
  const { plans: [{ calls }], clock } = await f.profile({ peak: { gflops: 1, gbps: 1 } });
  for (const { kernels, ms } of calls) {
    let end = 0;
    for (const { start, ns } of kernels) {
      assert(start >= end - 1 && ns >= 0, `${start} ns, after ${end}`);
      end = start + ns;
    }
    if (clock === "host" && on.name !== "webgpu") assert(end / 1e6 <= ms + 0.01, `${end}, ${ms}`);
  }
});

test("a loaded model's profile has its runs and its cases in one time", async (on) => {
  const file = dump((x: Tensor) => relu(x), [named("x", f32([8, 16]))], {
    inputData: ["#rand(-1,1)"],
  });
  await using model = await load(file, { on, profiling: true });
  for (let i = 0; i < 2; i++) {
    Object.values(await model({ x })).forEach((t) => t.dispose());
    const { outputs } = await model.testcases[0].run();
    Object.values(outputs).forEach((t) => t.dispose());
  }
  const { plans, began } = await model.profile();
  assertEquals(plans.map(({ calls }) => calls.length), [2, 2]);
  const starts = plans.flatMap(({ calls }) => calls.map(({ start }) => start));
  assertEquals(Math.min(...starts), 0);
  assert(began > 0 && began <= performance.now());
  const [runs, cases] = plans.map(({ calls }) => calls.map(({ start }) => start));
  assert(runs[0] < cases[0] && cases[0] < runs[1] && runs[1] < cases[1], "they took turns");
});

test("values read inside a call have plans of their own in the profile", async (on) => {
  await using f = trace(async (x: Tensor) => {
    const half = (await read(sum(x))).data[0] / 2;
    return add(x, half);
  }, { on, profiling: true });
  for (let i = 0; i < 2; i++) (await f(x)).dispose();
  const { plans } = await f.profile();
  assertEquals(plans.map(({ calls }) => calls.length), [2, 2]);
});

test("profile() says what is missing", async (on) => {
  await using plain = trace((x: Tensor) => relu(x), { on });
  await plain(x);
  const error = await assertRejects(() => plain.profile(), TraceError, "profiling: true");
  assertEquals(error.reason, "no profile");
  await using never = trace((x: Tensor) => relu(x), { on, profiling: true });
  await assertRejects(() => never.profile(), TraceError, "never called");
});
