/**
 * Where the algebra of level 1 and what IEEE arithmetic says differ, on purpose: level 0 computes
 * what was written.
 * @module
 */
import { add, div, exp, log, mul, read, sub, type Tensor, tensor, trace } from "../mod.ts";
import { assertEquals } from "./std.ts";

async function at(optLevel: 0 | 1, f: (x: Tensor) => Tensor, ...xs: number[]): Promise<number[]> {
  await using run = trace(f, { optLevel });
  return [...(await read(await run(tensor(xs)))).data].map(Number);
}

Deno.test("footgun: y / y is 1 even where y is 0, infinite or NaN", async () => {
  const f = (x: Tensor) => div(x, x);
  assertEquals(await at(0, f, 0, Infinity, NaN, 3), [NaN, NaN, NaN, 1]);
  assertEquals(await at(1, f, 0, Infinity, NaN, 3), [1, 1, 1, 1]);
});

Deno.test("footgun: log(exp x) is x even where exp x overflows or vanishes", async () => {
  const f = (x: Tensor) => log(exp(x));
  assertEquals(await at(0, f, 1000, -1000), [Infinity, -Infinity]);
  assertEquals(await at(1, f, 1000, -1000), [1000, -1000]);
});

Deno.test("footgun: -0 + 0 keeps its sign, which IEEE drops", async () => {
  const f = (x: Tensor) => div(1, add(x, 0));
  assertEquals(await at(0, f, -0, 0), [Infinity, Infinity]);
  assertEquals(await at(1, f, -0, 0), [-Infinity, Infinity]);
  const g = (x: Tensor) => div(1, sub(x, -0));
  assertEquals(await at(0, g, -0), [Infinity]);
  assertEquals(await at(1, g, -0), [-Infinity]);
});

Deno.test("no footgun: x · 0 is not 0 where x is NaN or infinite", async () => {
  const f = (x: Tensor) => mul(x, 0);
  for (const level of [0, 1] as const) {
    assertEquals(await at(level, f, NaN, Infinity, -2), [NaN, NaN, -0]);
  }
});
