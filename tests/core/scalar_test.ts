/**
 * Scalar terms: what constructors refuse, and texts that keep every value apart.
 * @module
 */
import { call, kindOf, lit, narrow, printScalar, s, type Scalar } from "../../lib/core/scalar.ts";
import type { DType } from "../../lib/core/type.ts";
import { mapLeaves, printNumber, walk } from "../../lib/core/term.ts";
import { compile, environment } from "../../lib/cpu/scalar.ts";
import { assertEquals, assertLess, assertStrictEquals, assertThrows } from "../std.ts";

const f = s.arg(0, "f32"), i = s.arg(1, "i32"), u = s.arg(2, "u32"), b = s.arg(3, "bool");

Deno.test("constructors refuse terms of the wrong kind", () => {
  const wrong: [string, () => Scalar][] = [
    ["add f i", () => s.add(f, i)],
    ["add b b", () => s.add(b, b)],
    ["lt f i", () => s.lt(f, i)],
    ["eq b f", () => s.eq(b, f)],
    ["select f", () => s.select(f, f, f)],
    ["select b f i", () => s.select(b, f, i)],
    ["not f", () => s.not(f)],
    ["sqrt i", () => s.sqrt(i)],
    ["isNan i", () => s.isNan(i)],
    ["shl by i", () => s.shl(i, i)],
    ["and f", () => s.and(f, b)],
    ["pow i", () => s.pow(i, 2)],
    ["roundF16 i", () => s.roundF16(i)],
    ["neg b", () => s.neg(b)],
  ];
  for (const [name, make] of wrong) assertThrows(make, TypeError, "cannot take", name);
  assertThrows(() => call("add", f), TypeError, "takes 2 terms");
  assertThrows(() => call("neg", f, f), TypeError, "takes 1 terms");
});

Deno.test("a bare number takes the kind of its neighbour", () => {
  assertEquals([s.add(f, 1).type, s.add(1, i).type, s.mul(u, 2).type], ["f32", "i32", "u32"]);
  assertEquals(s.lt(i, 3).type, "bool");
  assertEquals(s.select(b, 1, i).type, "i32");
  assertEquals(
    [s.f(0.1), s.i(2 ** 31), s.u(-1), s.b(true)].map((t) => (t as { value: number }).value),
    [
      Math.fround(0.1),
      -(2 ** 31),
      2 ** 32 - 1,
      1,
    ],
  );
});

Deno.test("texts keep -0, NaN and the infinities", () => {
  const values = [-0, 0, NaN, Infinity, -Infinity, 1e-45, 0.1, 1e21, -1.5];
  const texts = values.map((x) => printScalar(lit("f32", x)));
  assertEquals(new Set(texts).size, values.length);
  for (const [k, x] of values.entries()) {
    assertEquals(texts[k], printNumber(x));
    assertStrictEquals(Number(texts[k]), x);
  }
  assertEquals([lit("i32", 3), lit("u32", 3), lit("f32", 3)].map(printScalar), ["3i", "3u", "3"]);
  assertEquals(printScalar(s.b(false)), "false");
});

Deno.test("a term whose parts are shared prints in a line of bounded length", () => {
  let term: Scalar = f;
  for (let k = 0; k < 100; k++) term = s.add(s.mul(term, term), term);
  const text = printScalar(term);
  assertLess(text.length, 6000);
  let parts = 0;
  walk(term, () => parts++);
  assertEquals(parts, 201);
  const env = environment();
  env.args[0] = 0;
  assertEquals(compile(mapLeaves(term, (x) => x === f ? s.f(0) : undefined))(env), 0);
});

Deno.test("narrow() rounds or wraps to what a dtype stores", () => {
  const of = (dtype: DType, x: number) => {
    const kind = kindOf(dtype);
    const env = environment();
    env.args[0] = x;
    return compile(narrow(s.arg(0, kind), dtype))(env);
  };
  const wrapped = [of("i8", 128), of("u8", 256 + 7), of("i16", 40000), of("u16", -1)];
  assertEquals(wrapped, [-128, 7, 40000 - 65536, 65535]);
  assertEquals([of("f16", 2049), of("f16", 1e6), of("f32", 0.5)], [2048, Infinity, 0.5]);
});
