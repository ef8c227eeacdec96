/**
 * Behaviours of traces, by their numbers: what a later call may not do. Of every reason a pair of
 * small functions, whose lines are found in this file, and recovery after failures of any kind.
 * @module
 */
import {
  add,
  cast,
  excludeFromTrace,
  isTracing,
  matmul,
  mul,
  read,
  relu,
  ShapeError,
  sub,
  sum,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { random } from "../ops/case_values.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);
const source = (await Deno.readTextFile(new URL(import.meta.url))).split("\n");

/** The place of a function's line, which ends in a remark. */
function placeOfLine(remark: string): string {
  const at = source.findIndex((line) => line.trimEnd().endsWith(`// ${remark}`));
  assert(at >= 0, remark);
  return `behaviours_mismatch_test.ts:${at + 1}:`;
}

type Two = (a: Tensor, b: Tensor) => unknown;
const constants = [tensor([1, 2]), tensor([1, 3])];

/** A reason, two functions of f32[2], what each line prints, and whether constants are captured. */
const pairs: readonly (readonly [string, Two, Two, string, string, boolean?])[] = [
  [
    "operator mismatch",
    (a, b) => add(a, b), // operator mismatch, recorded
    (a, b) => mul(a, b), // operator mismatch, found
    "add() f32[2]",
    "mul() f32[2]",
  ],
  [
    "tensors not equals",
    (a) => mul(a, constants[0]),
    (a) => mul(a, constants[1]),
    "data() f32[2]",
    "data() f32[2]",
    true,
  ],
  [
    "input id mismatch",
    (a, b) => sub(a, b), // input id mismatch, recorded
    (a, b) => sub(b, a), // input id mismatch, found
    "sub() f32[2]",
    "sub() f32[2]",
  ],
  [
    "expect internal node, got external",
    (a, b) => mul(add(a, b), 2), // expect internal node, got external, recorded
    (a) => mul(2, a), // expect internal node, got external, found
    "add() f32[2]",
    "data(literal=true) f32[]",
  ],
  [
    "expect external node, got internal",
    (a) => mul(2, a), // expect external node, got internal, recorded
    (a, b) => mul(add(a, b), 2), // expect external node, got internal, found
    "data(literal=true) f32[]",
    "add() f32[2]",
  ],
  [
    "too many instructions",
    (a) => relu(a), // too many instructions, recorded
    (a) => relu(relu(a)), // too many instructions, found
    "ends with the last relu() f32[2]",
    "relu() f32[2]",
  ],
  [
    "mismature end",
    (a) => relu(relu(a)), // mismature end, recorded
    (a) => relu(a), // mismature end, found
    "relu() f32[2]",
    "ends with the last relu() f32[2]",
  ],
  [
    "value unreadable",
    (a) => relu(a), // value unreadable, recorded
    async (a) => add(a, (await read(sum(a))).data[0]), // value unreadable, found
    "ends with the last relu() f32[2]",
    "reads sum(axis=[0], keep=false) f32[]",
  ],
  [
    "data unreadable",
    async (a) => add(a, (await read(sum(a))).data[0]), // data unreadable, recorded
    (a) => relu(a), // data unreadable, found
    "reads sum(axis=[0], keep=false) f32[]",
    "ends with the last relu() f32[2]",
  ],
  [
    "dtype mismatch",
    (a) => cast(a, { dtype: "i32" }), // dtype mismatch, recorded
    (a) => cast(a, { dtype: "f16" }), // dtype mismatch, found
    "cast(dtype=i32) i32[2]",
    "cast(dtype=f16) f16[2]",
  ],
  [
    "input size mismatch",
    (a) => [relu(a)], // input size mismatch, recorded
    (a) => twice(relu(a)), // input size mismatch, found
    "ends with the last relu() f32[2]",
    "ends with 2 results, the last relu() f32[2]",
  ],
  [
    "name mismatch",
    (a) => ({ p: relu(a) }), // name mismatch, recorded
    (a) => ({ q: relu(a) }), // name mismatch, found
    "gives as p relu() f32[2]",
    "gives as q relu() f32[2]",
  ],
];

function twice(t: Tensor): Tensor[] {
  return [t, t];
}

for (const [reason, recorded, found, before, now, captures = false] of pairs) {
  test(`9.18 ${reason}: both lines, both places, and the record holds`, async (on) => {
    let chosen = recorded;
    await using f = trace((a: Tensor, b: Tensor) => chosen(a, b), { on, captureAsConst: captures });
    const call = () => f(tensor([1, 2]), tensor([3, 4]));
    await call();
    for (let i = 0; i < 2; i++) {
      chosen = found;
      const error = await assertRejects(call, TraceError);
      assertEquals(error.reason, reason);
      const [head, first, second, ...more] = error.message.split("\n");
      assertStringIncludes(head, `differs from the record because ${reason}`);
      assertEquals(more, []);
      assertStringIncludes(first, `  recorded: ${before} at /`);
      assertStringIncludes(second, `  found: ${now} at /`);
      if (!captures) {
        assertStringIncludes(first, placeOfLine(`${reason}, recorded`));
        assertStringIncludes(second, placeOfLine(`${reason}, found`));
        assertStringIncludes(error.place!, placeOfLine(`${reason}, found`));
      } else assertStringIncludes(first, "behaviours_mismatch_test.ts:");
      assertEquals(Object.keys(error.values), ["recorded", "found"]);
      chosen = recorded;
      await call();
    }
    assertEquals(f.plans, 1);
  });
}

test("9.18 what reaches no result, read or hole is not compared", async (on) => {
  let extra = 0;
  await using f = trace((x: Tensor) => {
    for (let i = 0; i < extra; i++) relu(add(x, i));
    return mul(x, 2);
  }, { on });
  for (extra = 0; extra < 3; extra++) {
    assertEquals(await numbers(await f(tensor([extra]))), [2 * extra]);
  }
});

test("9.18 twenty calls that fail at random leave the good ones right", async (on) => {
  const next = random(11);
  let mood = 0;
  const own = new Error("from the model");
  await using f = trace(async (x: Tensor) => {
    if (mood === 1) throw own;
    if (mood === 2) return add(x, tensor([1, 2, 3]));
    if (mood === 3) return relu(x);
    if (mood === 4) await read(x);
    if (mood === 5) await excludeFromTrace((_: Tensor) => Promise.reject(own), x);
    return mul(add(x, 1), 2);
  }, { on });
  await f(tensor([1, 2]));
  const seen = new Set<string>();
  for (let failed = 0; failed < 20;) {
    mood = Math.floor(next() * 6);
    if (mood === 0) assertEquals(await numbers(await f(tensor([failed, 1]))), [2 * failed + 2, 4]);
    else {
      failed++;
      const error = await assertRejects(() => f(tensor([1, 2])));
      if (mood === 1 || mood === 5) assertStrictEquals(error, own);
      seen.add(`${mood} ${error.name}`);
    }
  }
  assertEquals([...seen].sort(), [
    ...["1 Error", "2 ShapeError", "3 TraceError", "4 TraceError", "5 Error"],
  ]);
  mood = 0;
  assertEquals(await numbers(await f(tensor([0, 1]))), [2, 4]);
});

test("9.18 calls that fail beside good ones in flight leave these right", async (on) => {
  await using f = trace(async (x: Tensor, fails: boolean) => {
    await new Promise((done) => setTimeout(done, 1));
    if (fails) throw new Error("on purpose");
    return mul(x, 3);
  }, { on });
  const calls = Array.from({ length: 24 }, (_, i) => f(tensor([i]), i % 3 === 1));
  for (const [i, result] of (await Promise.allSettled(calls)).entries()) {
    if (i % 3 === 1) assertEquals(result.status, "rejected");
    else if (result.status === "rejected") throw result.reason;
    else assertEquals(await numbers(result.value), [3 * i]);
  }
});

test("9.18 an exception in the first call is the caller's own, and the next call works", async (on) => {
  let broken = true;
  const own = { thrown: "as it is" };
  await using f = trace((x: Tensor) => {
    if (broken) throw own;
    return mul(x, 2);
  }, { on });
  assertStrictEquals(await f(tensor([1])).then(() => undefined, (e) => e), own);
  broken = false;
  assertEquals(await numbers(await f(tensor([1]))), [2]);
  await using g = trace((a: Tensor, b: Tensor) => {
    return matmul(a, b); // a shape that cannot be
  }, { on });
  const shape = await assertRejects(() => g(tensor([[1]]), tensor([[1], [2]])), ShapeError);
  assertStringIncludes(shape.place!, placeOfLine("a shape that cannot be"));
  assertEquals(await numbers(await g(tensor([[2]]), tensor([[3]]))), [6]);
  await using h = trace((x: Tensor) => mul(x, 2), { on, captureAsConst: true });
  await assertRejects(() => h(3 as never), TraceError, "argument 0: 3");
  assertEquals(await numbers(await h(tensor([3]))), [6], "a refused argument breaks nothing");
});

test("9.18 a tensor of one call used in another, or after its call, has leaked", async (on) => {
  let kept: Tensor | undefined;
  await using keep = trace((x: Tensor) => {
    kept ??= mul(x, 2);
    return relu(x);
  }, { on });
  await keep(tensor([1]));
  const used = assertThrows(() => add(kept!, 1), TraceError, "belongs to another call");
  assertEquals(used.reason, "leaked");
  await using other = trace((x: Tensor) => add(x, kept!), { on });
  for (const use of [() => read(kept!), () => keep(kept!), () => other(tensor([1]))]) {
    assertEquals((await assertRejects(use, TraceError)).reason, "leaked");
  }
  assertEquals(await numbers(await keep(tensor([-1]))), [0]);
});

test("isTracing: per call, across awaits of calls in flight, false in an excluded region", async (on) => {
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  const seen: boolean[] = [];
  await using f = trace(async (x: Tensor, ms: number) => {
    await pause(ms);
    const inside = await excludeFromTrace(async (t: Tensor) => {
      await pause(ms);
      seen.push(isTracing(t), isTracing(x));
      return mul(t, 2);
    }, x);
    await pause(ms);
    seen.push(isTracing(inside));
    return add(inside, x);
  }, { on });
  const outs = await Promise.all([5, 1, 3, 1].map((ms, i) => f(tensor([i]), ms)));
  for (const [i, out] of outs.entries()) assertEquals(await numbers(out), [3 * i]);
  assertEquals(seen.filter(Boolean).length, 8, "outside the region, of which x is a term too");
  assertEquals(seen.length, 12);
  assertEquals([isTracing(tensor([1])), isTracing(outs[0])], [false, false]);
});

test("excludeFromTrace: regions that end in another order than they began", async (on) => {
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  let turn = 0;
  await using f = trace(async (x: Tensor) => {
    const waits = turn++ % 2 ? [8, 1] : [1, 8];
    const [a, b] = await Promise.all(waits.map((ms, i) =>
      excludeFromTrace(async (t: Tensor) => {
        await pause(ms);
        return mul(t, i ? 10 : 1);
      }, x)
    ));
    return sub(a, b);
  }, { on });
  for (let i = 0; i < 4; i++) assertEquals(await numbers(await f(tensor([i]))), [i - 10 * i]);
});

test("excludeFromTrace: nested, or without a tensor of a call, it simply runs", async (on) => {
  assertEquals(await numbers(await excludeFromTrace((t: Tensor) => mul(t, 3), tensor([1]))), [3]);
  assertEquals(await excludeFromTrace(() => 7), 7);
  await using f = trace(async (x: Tensor) => {
    const outer = await excludeFromTrace(
      (t: Tensor) => excludeFromTrace(async (u: Tensor) => add(u, (await read(u)).data[0]), t),
      x,
    );
    return mul(outer, 2);
  }, { on });
  for (const k of [1, 2]) assertEquals(await numbers(await f(tensor([k]))), [4 * k]);
  assertEquals(f.graph().cuts.map(({ kind }) => kind), ["hole", "end"]);
});
