/**
 * Options of `trace` that say what is kept between calls: keys and shapes, the host, comparison,
 * donated memory, profiles.
 * @module
 */
import {
  add,
  DeviceError,
  excludeFromTrace,
  mul,
  OptionError,
  read,
  relu,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { bytesUsed, targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);
const here = "options_kept_test.ts:";

test("symbolicShape: batches through one trace, a plan for each; false: a second shape raises", async (on) => {
  await using f = trace((x: Tensor, k: number) => mul(x, k), { on });
  const call = (n: number, k = 3) => f(tensor(new Float32Array(n).fill(n)), k);
  assertEquals(f.plans, 0);
  for (let round = 0; round < 2; round++) {
    for (const n of [2, 4, 8]) assertEquals((await numbers(await call(n)))[0], 3 * n);
    assertEquals(f.plans, 3);
  }
  await call(2, 4);
  assertEquals(f.plans, 4, "a host value is part of the key");
  for (let n = 1; n <= 70; n++) await call(n, 5);
  assertEquals(f.plans, 64, "and the plans are bounded");

  await using g = trace((x: Tensor, k: number) => mul(x, k), { on, symbolicShape: false });
  assertEquals(await numbers(await g(tensor([1, 2]), 2)), [2, 4]);
  const error = await assertRejects(() => g(tensor([1]), 2), TraceError, "symbolicShape is false");
  assertEquals(error.reason, "tensors not equals");
  assert(
    /recorded: \[f32\[2\],2\]\n {2}found: \[f32\[1\],2\] at .*options_kept_test/.test(
      error.message,
    ),
  );
  assertEquals(await numbers(await g(tensor([1, 2]), 3)), [3, 6], "another host value is no shape");
  assertEquals(g.plans, 2);
  g.dispose();
  assertEquals(await numbers(await g(tensor([1]), 2)), [2], "after dispose it records anew");
});

test("symbolicShape: a first call that fails fixes no shape", async (on) => {
  let fails = true;
  const f = trace((x: Tensor) => {
    if (fails) throw new Error("not yet");
    return mul(x, 2);
  }, { on, symbolicShape: false });
  await assertRejects(() => f(tensor([1])), Error, "not yet");
  fails = false;
  assertEquals(await numbers(await f(tensor([1, 2]))), [2, 4]);
  f.dispose();
});

test("withoutHost: the function runs once for each key, also with calls in flight", async (on) => {
  let runs = 0;
  await using f = trace((x: Tensor, k: number) => {
    runs++;
    return mul(x, k);
  }, { on, withoutHost: true });
  const outs = await Promise.all(Array.from({ length: 8 }, (_, i) => f(tensor([i]), 3)));
  for (const [i, out] of outs.entries()) assertEquals(await numbers(out), [3 * i]);
  assertEquals(runs, 1);
  await f(tensor([1]), 4);
  await f(tensor([1, 2]), 4);
  await f(tensor([5]), 4);
  assertEquals([runs, f.plans], [3, 3]);
});

test("withoutHost: holes run their recorded function on the values of the call", async (on) => {
  let runs = 0, regions = 0, gives = 1;
  await using f = trace(async (x: Tensor) => {
    runs++;
    const y = mul(x, 2);
    const z = await excludeFromTrace(
      async (t: Tensor, k: number) => {
        regions++;
        const [first] = (await read(t)).data;
        return tensor(new Float32Array(gives).fill(Number(first) + k), [gives]);
      },
      y,
      10,
    );
    return add(z, await excludeFromTrace((t: Tensor) => mul(t, -1), add(z, x)));
  }, { on, withoutHost: true });
  for (const k of [1, 2, 3]) {
    assertEquals(await numbers(await f(tensor([k]))), [-k]);
  }
  assertEquals([runs, regions], [1, 3]);
  gives = 2;
  const error = await assertRejects(() => f(tensor([1])), TraceError, "gives: f32[2], not f32[1]");
  assert(error.place?.includes(here), error.message);
  gives = 1;
  assertEquals(await numbers(await f(tensor([4]))), [-4]);
});

test("withoutHost: what would be frozen is refused", async (on) => {
  await using reading = trace(async (x: Tensor) => mul(x, Number((await read(x)).data[0])), {
    on,
    withoutHost: true,
  });
  const frozen = await assertRejects(
    () => reading(tensor([2])),
    TraceError,
    "would freeze the value read at",
  );
  assert(frozen.message.includes(here) && frozen.place?.includes(here));
  const w = tensor([1, 2]);
  const model = (x: Tensor) => mul(x, w);
  await using capturing = trace(model, { on, withoutHost: true });
  const captured = await assertRejects(
    () => capturing(tensor([2])),
    TraceError,
    "f32[2], captured",
  );
  assert(captured.place?.includes(here));
  await using constant = trace(model, { on, withoutHost: true, captureAsConst: true });
  for (const k of [2, 3]) assertEquals(await numbers(await constant(tensor([k]))), [k, 2 * k]);
});

test("withoutHost: false stages on every call and compares", async (on) => {
  let runs = 0;
  await using f = trace((x: Tensor) => mul(x, ++runs), { on });
  await f(tensor([1]));
  const error = await assertRejects(() => f(tensor([1])), TraceError);
  assertEquals([runs, error.reason], [2, "tensors not equals"]);
});

test("comparator: called with both arrays of captured constants, not for numbers", async (on) => {
  const seen: number[][][] = [];
  const comparator = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    seen.push([a, b].map((list) => Array.from(list)));
    return Math.abs(a[1] - b[1]) < 1;
  };
  let w = tensor([1, 2]), k = 3;
  await using f = trace((x: Tensor) => mul(mul(x, w), k), { on, captureAsConst: true, comparator });
  await f(tensor([1, 1]));
  w = tensor([1, 2.5]);
  assertEquals(await numbers(await f(tensor([1, 1]))), [3, 6]);
  assertEquals(seen, [[[1, 2], [1, 2.5]]]);
  w = tensor([1, 4]);
  await assertRejects(() => f(tensor([1, 1])), TraceError, "tensors not equals");
  w = tensor([1, 2]);
  k = 4;
  await assertRejects(() => f(tensor([1, 1])), TraceError, "tensors not equals");
});

test("donate: results take the buffers over; reading one afterwards says where it went", async (on) => {
  await using make = trace((x: Tensor) => mul(x, 1), { on });
  await using step = trace(
    (s: { a: Tensor; b: Tensor }, k: Tensor) => ({ a: add(s.a, k), b: s.b }),
    {
      on,
      donate: [[0, "a"]],
    },
  );
  const a = await make(tensor([1, 2])), b = await make(tensor([3, 4]));
  const out = await step({ a, b }, tensor(1));
  assertEquals([await numbers(out.a), await numbers(b)], [[2, 3], [3, 4]]);
  const error = await assertRejects(() => read(a), DeviceError, "given away at");
  assert(error.place?.includes(here), error.message);
  let state = { a: out.a, b };
  await read((state = { ...await step(state, tensor(1)), b }).a);
  const before = bytesUsed(on);
  for (let i = 0; i < 100; i++) {
    const next = await step(state, tensor(1));
    next.b.dispose();
    state = { a: next.a, b };
  }
  assertEquals(await numbers(state.a), [103, 104]);
  assert(bytesUsed(on) <= before, `${bytesUsed(on)} bytes after ${before}`);
  await using g = trace((x: Tensor) => x, { on, donate: [[0, "missing"]] });
  await assertRejects(() => g(tensor([1])), OptionError, "Cannot donate 0.missing");
});

test("profiling: profile() has the calls, and without the option says so", async (on) => {
  await using f = trace((x: Tensor) => relu(x), { on, profiling: true });
  for (let i = 0; i < 2; i++) await f(tensor([1]));
  const { plans } = await f.profile();
  assertEquals(plans.map(({ calls }) => calls.length), [2]);
  await using g = trace((x: Tensor) => relu(x), { on });
  await assertRejects(() => g.profile(), TraceError, "none is collected");
});

test("on: where resident arguments live", async (on) => {
  await using make = trace((x: Tensor) => mul(x, 2), { on });
  await using f = trace((x: Tensor) => add(x, 1));
  const out = await f(await make(tensor([3])));
  assertEquals([await numbers(out), (out.node.data as { owner?: unknown }).owner], [[7], on]);
});
