/**
 * Traced functions: what comes back, what is compared, what is kept, and what is refused.
 * @module
 */
import { sizeOf } from "../../lib/core/type.ts";
import * as nn from "../../lib/model/nn.ts";
import {
  add,
  DeviceError,
  excludeFromTrace,
  isTracing,
  key,
  matmul,
  mul,
  OptionError,
  read,
  relu,
  ShapeError,
  softmax,
  StageError,
  sub,
  sum,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { random } from "../ops/case_values.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);
const here = "trace_test.ts:";

test("a value, a list and a record come back as they are, on every call", async (on) => {
  for (const symbolic of [false, true]) {
    const value = trace((x: Tensor) => mul(x, 2), { on, symbolic });
    const list = trace((x: Tensor) => [x, add(x, 1), x], { on, symbolic });
    const record = trace(
      ({ a, b }: { a: Tensor; b: Tensor[] }) => ({ sum: add(a, b[0]), deep: { n: 3, same: b[0] } }),
      { on, symbolic },
    );
    for (let i = 0; i < 3; i++) {
      const x = tensor([i, i + 1]);
      assertEquals(await numbers(await value(x)), [2 * i, 2 * i + 2]);
      const [p, q, r] = await list(x);
      assertEquals(await Promise.all([p, q, r].map(numbers)), [[i, i + 1], [i + 1, i + 2], [
        i,
        i + 1,
      ]]);
      const out = await record({ a: x, b: [tensor([1, 1])] });
      assertEquals([out.deep.n, await numbers(out.sum)], [3, [i + 1, i + 2]]);
      assertEquals(await numbers(out.deep.same), [1, 1]);
    }
    for (const f of [value, list, record]) f.dispose();
  }
});

test("results feed further operations and calls", async (on) => {
  await using step = trace((x: Tensor) => add(mul(x, 0.5), 1), { on });
  let x = await step(tensor([0, 8]));
  for (let i = 0; i < 4; i++) x = await step(mul(x, 1));
  assertEquals(await numbers(sub(x, 2)), [-0.0625, 0.1875]);
});

test("captured tensors are bound anew at each call, numbers are part of the program", async (on) => {
  let w = tensor([1, 2]), scalar = tensor(10), n = 1;
  await using f = trace((x: Tensor) => add(add(mul(x, w), scalar), n), { on });
  assertEquals(await numbers(await f(tensor([1, 1]))), [12, 13]);
  w = tensor([3, 4]);
  scalar = tensor(20);
  assertEquals(await numbers(await f(tensor([1, 1]))), [24, 25]);
  w = tensor([[3, 4]]);
  const changed = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(changed.reason, "tensors not equals");
  w = tensor([3, 4]);
  n = 2;
  const literal = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(literal.reason, "tensors not equals");
  n = 1;
  assertEquals(await numbers(await f(tensor([1, 1]))), [24, 25]);
});

test("captured tensors that become constants must stay, as the comparator sees them", async (on) => {
  let w = tensor([1, 2]);
  await using f = trace((x: Tensor) => mul(x, w), { on, captureAsConst: true });
  assertEquals(await numbers(await f(tensor([1, 1]))), [1, 2]);
  w = tensor([1, 2]);
  assertEquals(await numbers(await f(tensor([1, 1]))), [1, 2]);
  w = tensor([1, 2.5]);
  const error = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(error.reason, "tensors not equals");
  const seen: number[][] = [];
  const comparator = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    seen.push([a[1], b[1]]);
    return true;
  };
  w = tensor([1, 2]);
  await using g = trace((x: Tensor) => mul(x, w), { on, captureAsConst: true, comparator });
  await g(tensor([1, 1]));
  w = tensor([1, 2.5]);
  assertEquals(await numbers(await g(tensor([1, 1]))), [1, 2]);
  assertEquals(seen, [[2, 2.5]]);
  const flag = trace((x: Tensor, k: number) => mul(x, k), { on, captureAsConst: true });
  const refused = await assertRejects(() => flag(tensor(1), 3), TraceError, "argument 1: 3");
  assert(
    refused.message.includes("Only tensor arguments are supported when captureAsConst is set"),
  );
});

Deno.test("recordOnly stages: results have types, refuse to be read, and open no device", async () => {
  const f = trace((x: Tensor) => ({ y: softmax(x) }), { recordOnly: true });
  const { y } = await f(tensor([[1, 2]]));
  assertEquals([y.dtype, y.shape], ["f32", [1, 2]]);
  await assertRejects(() => read(y), StageError, "it depends on argument");
  assert(String(f.graph()).includes("softmax"));
  const reading = trace(async (x: Tensor) => mul(x, (await read(x)).data[0] as number), {
    recordOnly: true,
  });
  assertEquals(
    (await assertRejects(() => reading(tensor([1])), TraceError)).reason,
    "value unreadable",
  );
  const leaving = trace((x: Tensor) => excludeFromTrace((t: Tensor) => t, x), { recordOnly: true });
  const error = await assertRejects(() => leaving(tensor([1])), TraceError, "never runs");
  assert(error.place?.includes(here), error.message);
});

test("a call that differs from its record says how, and names both places", async (on) => {
  let variant = 0;
  const pick = <T>(...all: T[]) => all[variant];
  const two = (...fs: ((a: Tensor, b: Tensor) => unknown)[]) => (a: Tensor, b: Tensor) =>
    pick(...fs)(a, b);
  const pairs: [string, (a: Tensor, b: Tensor) => unknown][] = [
    ["operator mismatch", two((a, b) => add(a, b), (a, b) => mul(a, b))],
    ["tensors not equals", two((a) => add(a, 1), (a) => add(a, 2))],
    ["input id mismatch", two((a, b) => sub(a, b), (a, b) => sub(b, a))],
    ["expect internal node, got external", two((a, b) => mul(add(a, b), 2), (a) => mul(2, a))],
    ["expect external node, got internal", two((a) => mul(2, a), (a, b) => mul(add(a, b), 2))],
    ["too many instructions", two((a) => relu(a), (a) => relu(relu(a)))],
    ["mismature end", two((a) => relu(relu(a)), (a) => relu(a))],
    ["input size mismatch", two((a) => [a], (a) => [a, a])],
    ["name mismatch", two((a) => ({ p: a }), (a) => ({ q: a }))],
    ["value unreadable", async (a: Tensor) => {
      if (variant) await read(sum(a));
      return relu(a);
    }],
    ["data unreadable", async (a: Tensor) => {
      if (!variant) await read(sum(a));
      return relu(a);
    }],
  ];
  for (const [reason, f] of pairs) {
    await using traced = trace(f, { on });
    variant = 0;
    await traced(tensor([1]), tensor([2]));
    variant = 1;
    const error = await assertRejects(() => traced(tensor([1]), tensor([2])), TraceError);
    assertEquals(error.reason, reason);
    const lines = error.message.split("\n").slice(1);
    for (const line of lines) assert(line.includes(here), `${reason}: ${error.message}`);
    if (/operator|id mism|not equals|expect/.test(reason)) {
      assertEquals(lines.map((l) => l.trim().split(":")[0]), ["recorded", "found"]);
    }
    variant = 0;
    await traced(tensor([1]), tensor([2]));
  }
});

test("twenty calls that fail at random leave the good ones right", async (on) => {
  const next = random(11);
  let mood = 0;
  const own = new Error("from the model");
  await using f = trace(async (x: Tensor) => {
    if (mood === 1) throw own;
    if (mood === 2) return add(x, tensor([1, 2, 3]));
    if (mood === 3) return relu(x);
    if (mood === 4) await read(x);
    return mul(add(x, 1), 2);
  }, { on });
  await f(tensor([1, 2]));
  let failed = 0;
  while (failed < 20) {
    mood = Math.floor(next() * 5);
    if (mood === 0) assertEquals(await numbers(await f(tensor([failed, 1]))), [2 * failed + 2, 4]);
    else {
      failed++;
      const error = await assertRejects(() => f(tensor([1, 2])));
      if (mood === 1) assertStrictEquals(error, own);
      else assertEquals(error.name, mood === 2 ? "ShapeError" : "TraceError");
    }
  }
  mood = 0;
  assertEquals(await numbers(await f(tensor([0, 1]))), [2, 4]);
});

test("an error in the first call leaves the function usable, and is the caller's own", async (on) => {
  let broken = true;
  const own = { thrown: "as it is" };
  await using f = trace((x: Tensor) => {
    if (broken) throw own;
    return mul(x, 2);
  }, { on });
  const caught = await f(tensor([1])).then(() => undefined, (e) => e);
  assertStrictEquals(caught, own);
  broken = false;
  assertEquals(await numbers(await f(tensor([1]))), [2]);
  await using g = trace((a: Tensor, b: Tensor) => matmul(a, b), { on });
  const shape = await assertRejects(() => g(tensor([[1]]), tensor([[1], [2]])), ShapeError);
  assert(shape.place?.includes(here), shape.message);
  assertEquals(await numbers(await g(tensor([[2]]), tensor([[3]]))), [6]);
});

test("values read inside a call are this call's", async (on) => {
  await using f = trace(async (x: Tensor) => {
    const total = Number((await read(sum(x))).data[0]);
    const twice = Number((await read(mul(x, 2))).data[0]);
    return { y: mul(x, x), total, twice };
  }, { on });
  for (const k of [1, 5, -2]) {
    const { y, total, twice } = await f(tensor([k, 1]));
    assertEquals([total, twice, ...await numbers(y)], [k + 1, 2 * k, k * k, 1]);
  }
  await using symbolic = trace(async (x: Tensor) => mul(x, (await read(x)).data[0] as number), {
    on,
    symbolic: true,
  });
  const error = await assertRejects(() => symbolic(tensor([1])), TraceError, "Cannot read f32[1]");
  assertEquals(error.reason, "value unreadable");
});

test("an excluded region runs each time and only its types must stay", async (on) => {
  let factor = 1, shape = [2];
  const seen: boolean[] = [];
  for (const symbolic of [false, true]) {
    await using f = trace(async (x: Tensor) => {
      const y = add(x, 1);
      const z = await excludeFromTrace(async (t: Tensor) => {
        seen.push(isTracing(t), isTracing(y));
        const value = Number((await read(t)).data[0]);
        return factor % 2
          ? mul(t, factor)
          : tensor(new Float32Array(sizeOf(shape)).fill(value), shape);
      }, y);
      seen.push(isTracing(z));
      return mul(z, 10);
    }, { on, symbolic });
    factor = 1;
    shape = [2];
    assertEquals(await numbers(await f(tensor([1, 2]))), [20, 30]);
    factor = 2;
    assertEquals(await numbers(await f(tensor([1, 2]))), [20, 20]);
    factor = 3;
    assertEquals(await numbers(await f(tensor([1, 2]))), [60, 90]);
    factor = 2;
    shape = [3];
    assertEquals(
      (await assertRejects(() => f(tensor([1, 2])), TraceError)).reason,
      "tensors not equals",
    );
    factor = 1;
    assertEquals(await numbers(await f(tensor([1, 2]))), [20, 30]);
  }
  assertEquals(seen.slice(0, 3), [false, true, true]);
  assertEquals(await numbers(await excludeFromTrace((t: Tensor) => mul(t, 3), tensor([1]))), [3]);
  assertEquals(isTracing(tensor([1])), false);
});

test("a term of one call is refused in another, and after its own has ended", async (on) => {
  let kept: Tensor | undefined;
  await using keep = trace((x: Tensor) => {
    kept ??= mul(x, 2);
    return relu(x);
  }, { on });
  await keep(tensor([1]));
  const used = assertThrows(() => add(kept!, 1), TraceError, "belongs to another call");
  assertEquals(used.reason, "leaked");
  assert(used.place?.includes(here));
  for (const use of [() => read(kept!), () => keep(kept!)]) {
    assertEquals((await assertRejects(use, TraceError)).reason, "leaked");
  }
  await using other = trace((x: Tensor) => add(x, kept!), { on });
  assertEquals((await assertRejects(() => other(tensor([1])), TraceError)).reason, "leaked");
});

test("an argument may have another name, or none, on later calls", async (on) => {
  const p = nn.init({ w: nn.parameter([2], nn.onesInit) }, key(0));
  await using step = trace((s: typeof p) => ({ w: add(s.w, 1) }), { on });
  const next = await step(p);
  assertEquals(await numbers((await step(next)).w), [3, 3]);
});

test("a donated argument says where it went", async (on) => {
  await using f = trace((s: { a: Tensor; b: Tensor }) => ({ a: add(s.a, 1), b: s.b }), {
    on,
    donate: [[0, "a"]],
  });
  await using make = trace((x: Tensor) => mul(x, 1), { on });
  const a = await make(tensor([1, 2])), b = await make(tensor([3]));
  const out = await f({ a, b });
  assertEquals(await numbers(out.a), [2, 3]);
  assertEquals(await numbers(b), [3]);
  const error = await assertRejects(() => read(a), DeviceError, "given away at");
  assert(error.place?.includes(here), error.message);
  await using g = trace((x: Tensor) => x, { on, donate: [[0, "missing"]] });
  await assertRejects(() => g(tensor([1])), OptionError, "Cannot donate 0.missing");
});

test("without the host the function runs once for each key", async (on) => {
  let runs = 0;
  await using f = trace((x: Tensor, k: number) => {
    runs++;
    return mul(x, k);
  }, { on, withoutHost: true });
  for (let i = 0; i < 4; i++) assertEquals(await numbers(await f(tensor([i]), 3)), [3 * i]);
  assertEquals(runs, 1);
  assertEquals(await numbers(await f(tensor([2]), 4)), [8]);
  assertEquals(await numbers(await f(tensor([2, 3]), 4)), [8, 12]);
  assertEquals(runs, 3);
  await using reading = trace(async (x: Tensor) => mul(x, Number((await read(x)).data[0])), {
    on,
    withoutHost: true,
  });
  const frozen = await assertRejects(
    () => reading(tensor([2])),
    TraceError,
    "would freeze the value",
  );
  assert(frozen.message.includes(here));
  const w = tensor([1, 2]);
  await using capturing = trace((x: Tensor) => mul(x, w), { on, withoutHost: true });
  await assertRejects(() => capturing(tensor([2])), TraceError, "would freeze f32[2]");
  await using constant = trace((x: Tensor) => mul(x, w), {
    on,
    withoutHost: true,
    captureAsConst: true,
  });
  assertEquals(await numbers(await constant(tensor([2]))), [2, 4]);
});
