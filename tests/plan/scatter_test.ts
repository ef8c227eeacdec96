/**
 * Long scatters are sorted: their plans loop within the limits and give what the short form gives.
 * @module
 */
import { type Host, host } from "../../lib/core/host.ts";
import { f16, f32, i32, sizeOf } from "../../lib/core/type.ts";
import { gather, putAlongAxis, scatterAdd } from "../../lib/ops/gather.ts";
import { lastHit } from "../../lib/ops/scatter.ts";
import { sortFn } from "../../lib/ops/sort.ts";
import { random, valueOf } from "../ops/case_values.ts";
import { assertEquals } from "../std.ts";
import { assertAgrees, kernelsOf, planFor } from "./agree.ts";

function indices(shape: readonly number[], size: number, seed: number): Host {
  const next = random(seed);
  const list = Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(next() * size * 1.1));
  return host(i32(shape), list.map((i) => i >= size ? i - 2 * size : i));
}

const updates = (shape: readonly number[]) => valueOf({ type: f32(shape), from: -1, to: 1 }, 3);

Deno.test("scatter: many updates of many places, rows shared", async () => {
  const f = (u: never, i: never) => scatterAdd(u, i, { axis: 0, size: 3000 });
  const values = [updates([2000, 8]), indices([2000], 3000, 1)];
  await assertAgrees(f as never, values, { rtol: 1e-5, atol: 1e-5 }, [2]);
  const whole = (u: never, i: never) => scatterAdd(u, i, { axis: 1, size: 700 });
  const more = [updates([40, 50, 30, 2]), indices([50, 30], 700, 2)];
  await assertAgrees(whole as never, more, { rtol: 1e-5, atol: 1e-5 }, [2]);
});

Deno.test("scatter: every line with indices of its own", async () => {
  const f = (u: never, i: never) => putAlongAxis(u, i, { axis: 1, size: 900 });
  const values = [updates([20, 1000, 2]), indices([20, 1000, 2], 900, 4)];
  await assertAgrees(f as never, values, { rtol: 1e-5, atol: 1e-5 }, [2]);
});

Deno.test("scatter: halves are added up as f32, integers wrap", async () => {
  const f = (u: never, i: never) => scatterAdd(u, i, { axis: 0, size: 6000 });
  const i = indices([6000], 6000, 5);
  const half = valueOf({ type: f16([6000]), from: -1, to: 1 }, 6);
  await assertAgrees(f as never, [half, i], { rtol: 2e-3, atol: 1e-3 }, [2]);
  const whole = valueOf({ type: i32([6000]), from: -(2 ** 31), to: 2 ** 31 }, 7);
  await assertAgrees(f as never, [whole, i], {}, [2]);
});

Deno.test("scatter: the last index of each place", async () => {
  const f = (i: never) => lastHit(i, { size: 9000 });
  await assertAgrees(f as never, [indices([8000], 9000, 8)], {}, [2]);
});

Deno.test("scatter: an index list longer than the cap of loops is sorted, a short one is not", () => {
  const f = (u: never, i: never) => scatterAdd(u, i, { axis: 0, size: 10 });
  const kernels = (n: number) => kernelsOf(planFor(f as never, [f32([n]), i32([n])] as Host[]));
  assertEquals(kernels(100), 1);
  assertEquals(kernels(40_000) > 20, true);
});

Deno.test("sort: rows of many lengths and both orders agree, in a few kernels", async () => {
  for (const n of [1, 2, 63, 64, 65, 128, 257, 1000]) {
    for (const descending of [false, true]) {
      const f = (x: never) => sortFn(x, { axis: 0, descending });
      const plan = await assertAgrees(f as never, [updates([n, 3])], {}, [2]);
      const merges = n <= 256 ? 0 : Math.ceil(Math.log2(n / 64));
      assertEquals(kernelsOf(plan), 3 + 2 * merges + Number(merges > 0), `${n}`);
    }
  }
  const rows = (x: never, i: never) => gather(x, i, { axis: 0 });
  await assertAgrees(rows as never, [updates([5, 2]), indices([4], 5, 9)]);
});
