/**
 * Lock-step comparison: each reason from a pair of small functions.
 * @module
 */
import { difference, type Reason } from "../../lib/core/compare.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, i32 } from "../../lib/core/type.ts";
import { add, mul, sub } from "../../lib/ops/arithmetic.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { cast } from "../../lib/ops/select.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { record } from "../../lib/trace/record.ts";
import { stage } from "../../lib/stage/stage.ts";
import { read } from "../../lib/trace/read.ts";
import { hostOf, tensor } from "../../lib/core/leaf.ts";
import { assert, assertEquals } from "../std.ts";

const types = [f32([2]), f32([2])];
type Two = (a: Tensor, b: Tensor) => unknown;
const of = (f: Two, with_ = types) => stage(f as (...args: never[]) => unknown, with_);
const values = (...xs: number[]) =>
  constant({ dtype: "f32", shape: [2], data: Float32Array.from(xs) });

const pairs: [Reason, string, Two, Two][] = [
  ["operator mismatch", "another operation", (a, b) => add(a, b), (a, b) => mul(a, b)],
  [
    "operator mismatch",
    "another attribute",
    (a) => sum(a, { axis: 0 }),
    (a) => sum(a, { axis: 0, keep: true }),
  ],
  ["tensors not equals", "another number", (a) => add(a, 1), (a) => add(a, 2)],
  ["tensors not equals", "0 and -0", (a) => add(a, 0), (a) => add(a, -0)],
  [
    "tensors not equals",
    "other values",
    (a) => add(a, values(1, 2)),
    (a) => add(a, values(1, 3)),
  ],
  ["input id mismatch", "operands change places", (a, b) => sub(a, b), (a, b) => sub(b, a)],
  ["input id mismatch", "another result", (a) => [softmax(a), a], (a) => [a, softmax(a)]],
  ["expect internal node, got external", "a value where a term was", (a, b) => {
    const c = add(a, b);
    return mul(c, c);
  }, (a, b) => {
    const c = values(1, 2);
    return mul(c, add(a, b));
  }],
  [
    "expect external node, got internal",
    "a term where a value was",
    (a, b) => mul(values(1, 2), add(a, b)),
    (a, b) => mul(add(a, b), add(a, b)),
  ],
  ["too many instructions", "one more", (a) => softmax(a), (a) => mul(softmax(a), softmax(a))],
  ["mismature end", "one less", (a) => mul(softmax(a), softmax(a)), (a) => softmax(a)],
  [
    "dtype mismatch",
    "another dtype",
    (a) => cast(a, { dtype: "i32" }),
    (a) => cast(a, { dtype: "f16" }),
  ],
  ["input size mismatch", "one more result", (a, b) => [a, b], (a, b) => [a, b, a]],
  ["name mismatch", "another name", (a) => ({ x: a }), (a) => ({ y: a })],
];

for (const [reason, what, f, g] of pairs) {
  Deno.test(`difference(): ${reason}, ${what}`, () => {
    assertEquals(difference(of(f), of(f)), undefined);
    assertEquals(difference(of(g), of(g)), undefined);
    const found = difference(of(f), of(g));
    assertEquals(found?.reason, reason);
    if (reason === "operator mismatch") assert(found?.recorded && found.found);
  });
}

Deno.test("difference(): dtype mismatch of arguments", () => {
  const f: Two = (a) => a;
  assertEquals(difference(of(f), of(f, [i32([2]), f32([2])]))?.reason, "dtype mismatch");
});

Deno.test("difference(): a read more and a read less", async () => {
  const one = async (a: Tensor) => {
    await read(sum(a));
    return a;
  };
  const none = (a: Tensor) => Promise.resolve(a);
  const t = tensor([1, 2]);
  const compute = () => Promise.resolve([hostOf(tensor(3))!]);
  const [a, b] = await Promise.all(
    [one, none].map((f) => record(f as (...args: never[]) => unknown, [t], { compute })),
  );
  assertEquals(difference(b.graph, a.graph)?.reason, "value unreadable");
  assertEquals(difference(a.graph, b.graph)?.reason, "data unreadable");
});

Deno.test("difference() gives both arrays to a comparator, and NaN equals NaN by default", () => {
  const f: Two = (a) => add(a, values(1, NaN));
  const g: Two = (a) => add(a, values(1.0001, NaN));
  assertEquals(difference(of(f), of(f)), undefined);
  let seen: ArrayLike<number>[] = [];
  const near = (x: ArrayLike<number>, y: ArrayLike<number>) => {
    seen = [x, y];
    return Math.abs(x[0] - y[0]) < 1e-3;
  };
  assertEquals(difference(of(f), of(g), near), undefined);
  assertEquals(seen.map((x) => x.length), [2, 2]);
  assertEquals(difference(of(f), of(g))?.reason, "tensors not equals");
});
