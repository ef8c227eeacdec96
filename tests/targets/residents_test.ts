/**
 * Values that machines hold, the same on each target: reading into arrays of the caller's, feeding
 * what one machine gave to another, and calls at one time.
 * @module
 */
import { DeviceError } from "../../lib/core/fault.ts";
import { type Host, isResident, type Resident } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { openReference } from "../../lib/trace/reference.ts";
import { openWasm } from "../../lib/wasm/machine.ts";
import {
  add,
  constant,
  i32,
  matmul,
  mul,
  read,
  relu,
  softmax,
  stage,
  tensor,
  trace,
} from "../../mod.ts";
import { valueOf } from "../ops/case_values.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "../std.ts";
import { targetTests } from "../targets.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "./judge.ts";

const test = await targetTests();
const some = (shape: readonly number[], seed = 1): Host =>
  valueOf({ type: f32(shape), from: -1, to: 1 }, seed);

test("read() fills an array of the caller's, of a resident and of a term", async (on) => {
  await using f = trace((x: Tensor) => mul(x, 2), { on });
  const y = await f(tensor([1, 2, 3]));
  const into = new Float32Array(3);
  const found = await read(y, { into });
  assertStrictEquals(found.data, into);
  assertEquals([...into], [2, 4, 6]);
  // A view of a larger array leaves what is around it.
  const large = new Float32Array(5).fill(9);
  await read(add(y, 1), { on, into: large.subarray(1, 4) });
  assertEquals([...large], [9, 3, 5, 7, 9]);
  await read(y, { into });
  assertEquals([...into], [2, 4, 6]);
  const own = await read(y);
  (own.data as Float32Array).fill(0);
  assertEquals([...(await read(y)).data], [2, 4, 6], "what is read belongs to the reader");
});

test("read() refuses an array of other elements or another length, and reads nothing", async (on) => {
  await using f = trace((x: Tensor) => mul(x, 2), { on });
  const y = await f(tensor([1, 2, 3]));
  for (
    const [into, part] of [
      [new Float32Array(4), "into a Float32Array of 4: it takes a Float32Array of 3"],
      [new Int32Array(3), "into a Int32Array of 3: it takes a Float32Array of 3"],
    ] as const
  ) {
    const error = await assertRejects(() => read(y, { into }), DeviceError, part);
    assertEquals((error as DeviceError).code, "device.into");
    assert(into.every((v) => v === 0));
    await assertRejects(() => read(tensor([1, 2, 3]), { into }), DeviceError, part);
  }
  assertEquals([...(await read(y)).data], [2, 4, 6]);
});

test("several residents are read in one batch, some into arrays of the caller's", async (on) => {
  const values = [some([3]), some([2, 2]), { ...i32([2]), data: new Int32Array([4, 5]) }];
  const residents = values.map((value) => on.upload(value));
  const into = new Float32Array(4);
  const found = await on.read(residents, [undefined, into]);
  assertSameBits(found, values, "a batch");
  assertStrictEquals(found[1].data, into);
  residents.forEach((r) => r.dispose());
});

test("what one machine gave feeds another, and stays where it was", async (on) => {
  const [x, y] = [some([4, 5]), some([5, 3], 2)];
  const f = (x: Tensor, y: Tensor) => relu(matmul(x, y));
  const want = meant(stage(f, [f32([4, 5]), f32([5, 3])]), [x, y]);
  await using own = trace(f, { on });
  for (const other of [openReference(), openWasm({ threads: 1 }), openWasm({ threads: 2 })]) {
    const far = other.upload(x);
    if (on.name === "reference") {
      // The reference computes with its own values only.
      await assertRejects(() => own(constant(far), constant(y)), DeviceError, "another device");
      continue;
    }
    for (let i = 0; i < 2; i++) {
      const out = await own(constant(far), constant(y));
      assertEquals((out.node.data as Resident).owner, on);
      assertNear([await read(out)], want, { rtol: 1e-5, atol: 1e-6 }, other.name);
      if (other.name !== "reference") {
        await using back = trace((t: Tensor) => mul(t, 2), { on: other });
        const twice = await back(out);
        assertEquals((twice.node.data as Resident).owner, other);
        const [a, b] = [await read(twice), await read(out)];
        assertEquals([...a.data], [...b.data].map((v) => 2 * v));
        twice.dispose();
      }
      out.dispose();
    }
    assertSameBits([await far.read()], [x], "the value itself");
    far.dispose();
    await other[Symbol.asyncDispose]();
  }
});

test("32 calls at one time give what they give one after another, bit for bit", async (on) => {
  const w = constant(some([16, 24], 7));
  await using f = trace((x: Tensor) => softmax(add(matmul(x, w), 0.5)), { on });
  const inputs = Array.from({ length: 32 }, (_, i) => constant(some([2 + i % 3, 16], i)));
  const single: Host[] = [];
  for (const x of inputs) single.push(await read(await f(x)));
  const together = await Promise.all(inputs.map(async (x) => await read(await f(x))));
  assertSameBits(together, single, "at one time");
});

test("a result is a resident of the machine, and feeds it as it is", async (on) => {
  await using f = trace((x: Tensor) => add(x, 1), { on });
  let x = await f(tensor([0]));
  assert(isResident(x.node.data) && x.node.data.owner === on);
  for (let i = 0; i < 5; i++) x = await f(x);
  assertEquals((await read(x)).data[0], 6);
  x.dispose();
  await assertRejects(() => f(x), DeviceError);
});

test("runs with one plan at level 0 and 2 agree within a few roundings", async (on) => {
  const graph = stage((x: Tensor) => softmax(matmul(x, x)), [f32([9, 9])]);
  const hosts = [some([9, 9])];
  const want = meant(graph, hosts);
  for (const optLevel of [0, 2] as const) {
    const loaded = await on.compile(graph, { optLevel });
    assertNear(await valuesFrom(loaded, hosts), want, { rtol: 1e-5, atol: 1e-6 }, `${optLevel}`);
    loaded.dispose();
  }
});
