/**
 * The machine: a graph from function to numbers on a device.
 * @module
 */
import { DeviceError } from "../../lib/core/fault.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { type GpuMachine, openWebgpu } from "../../lib/gpu/machine.ts";
import { profilePlan } from "../../lib/gpu/profile.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { stage } from "../../lib/stage/stage.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { targetTests } from "../targets.ts";
import { countCalls } from "./count_calls.ts";
import { vector } from "./plans.ts";

const test = await targetTests("webgpu");

const scale = vector(1, 2, 3, 4);
const model = (x: Tensor) => add(mul(x, constant(scale)), 1);

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

test("a steady call is one submit, no bind group, no buffer and no write", async (on) => {
  const loaded = await on.compile(stage(model, [f32([4])]));
  const x = on.upload(vector(1, 1, 1, 1));
  for (let i = 0; i < 2; i++) (await loaded.run([x]))[0].dispose();
  const { value: [y], calls } = await countCalls(() => loaded.run([x]));
  assertEquals([calls.submit, calls.beginComputePass], [1, 1]);
  assertEquals([calls.createBindGroup, calls.createBuffer, calls.writeBuffer], [0, 0, 0]);
  [x, y].forEach((r) => r.dispose());
  loaded.dispose();
});

test("second runs are bitwise equal, and every level gives the same numbers", async (on) => {
  for (const optLevel of [0, 1, 2, 3] as const) {
    const loaded = await on.compile(stage(model, [f32([4])]), { optLevel });
    for (let i = 0; i < 2; i++) {
      const [y] = await loaded.run([vector(1, 1, 1, 1)]);
      assertEquals([...(await y.read()).data], [2, 3, 4, 5]);
      y.dispose();
    }
    loaded.dispose();
  }
});

test("a value without elements runs", async (on) => {
  const loaded = await on.compile(stage((x: Tensor) => add(x, 1), [f32([0, 3])]));
  const [y] = await loaded.run([{ ...f32([0, 3]), data: new Float32Array(0) }]);
  assertEquals((await y.read()).shape, [0, 3]);
  y.dispose();
  loaded.dispose();
});

test("profilePlan() times a compiled graph", async (on) => {
  const loaded = await on.compile(stage(model, [f32([4])]));
  const { times } = await profilePlan(loaded, 1);
  assert(times.length >= 1);
  loaded.dispose();
});

test("a machine that is left gives everything back and says so", async () => {
  let left: GpuMachine;
  {
    await using inner = await openWebgpu();
    left = inner;
    const y = inner.upload(vector(1));
    assertEquals((await y.read()).data[0], 1);
  }
  assertEquals(left.gpu.buffers.counts().alive, 0);
  const late = () => left.compile(stage(model, [f32([4])]));
  await assertRejects(late, DeviceError, "the device was disposed");
});
