/**
 * Long reductions and contractions: split, they agree with the interpreter and stay under the cap.
 * @module
 */
import { arrayOf, type Host } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { bool, f16, f32, i32, i8, sizeOf, type Type, u8 } from "../../lib/core/type.ts";
import {
  all,
  any,
  argmax,
  argmin,
  conv2d,
  grad,
  matmul,
  max,
  mean,
  min,
  mul,
  softmax,
  sum,
  sumSquares,
} from "../../mod.ts";
import { random, valueOf } from "../ops/case_values.ts";
import { assert, assertEquals } from "../std.ts";
import { assertAgrees, type Fn, kernelsOf } from "./agree.ts";

const range: Readonly<Record<string, readonly [number, number]>> = {
  f32: [-1, 1],
  f16: [-1, 1],
  i32: [-1000, 1000],
  i8: [-100, -5],
  u8: [5, 200],
  bool: [0, 2],
};

const some = (type: Type, seed = 1): Host => {
  const [from, to] = range[type.dtype];
  return valueOf({ type, from, to }, seed);
};

// Prime lengths leave a remainder, which is padded with what does not change the result.
const reductions: [string, Fn, readonly Type[]][] = [
  ["sum", (x) => sum(x), [f32([100_000]), f32([1_000_000]), f32([99_991]), i32([1_000_000])]],
  ["max", (x) => max(x), [f32([100_000]), f32([999_983]), i8([99_991]), u8([99_991])]],
  ["min", (x) => min(x), [f32([99_991]), i8([99_991]), u8([99_991]), i32([1_000_000])]],
  ["mean", (x) => mean(x), [f32([1_000_000]), f32([99_991]), i32([99_991]), u8([100_000])]],
  ["sum of squares", (x) => sumSquares(x), [f32([99_991])]],
  ["argmax", (x) => argmax(x), [f32([100_000]), f32([1_000_000]), i8([99_991])]],
  ["argmin", (x) => argmin(x), [f32([100_000]), i32([99_991])]],
  ["any", (x) => any(x), [bool([1_000_000]), bool([99_991])]],
  ["all", (x) => all(x), [bool([1_000_000]), bool([99_991])]],
  ["sum of truth", (x) => sum(x), [bool([100_000])]],
  ["sum along one axis", (x) => sum(x, { axis: 1, keep: true }), [f32([3, 70_001, 2])]],
  ["argmax along one axis", (x) => argmax(x, { axis: 1 }), [f32([3, 70_001, 2])]],
  ["softmax of a long row", (x) => softmax(x), [f32([2, 100_000])]],
];

for (const [name, f, types] of reductions) {
  Deno.test(`split: ${name}`, async () => {
    for (const type of types) {
      const n = sizeOf(type.shape);
      const plan = await assertAgrees(f, [some(type)], { rtol: 1e-4, atol: 1e-5 * Math.sqrt(n) }, [
        2,
      ]);
      assert(kernelsOf(plan) >= 2, `${name} of ${n} is split`);
    }
  });
}

Deno.test("split: all-true and all-false are not changed by padding", async () => {
  for (const value of [0, 1]) {
    const x: Host = { ...bool([99_991]), data: new Uint8Array(99_991).fill(value) };
    await assertAgrees((x) => [all(x), any(x)], [x], {}, [2]);
  }
});

Deno.test("split: halves are summed as f32, so that parts do not overflow", async () => {
  const x: Host = { ...f16([100_000]), data: (arrayOf("f16", 100_000) as Float16Array).fill(10) };
  await assertAgrees((x) => mean(x), [x], {}, [2]);
  const tiny: Host = { ...x, data: (arrayOf("f16", 100_000) as Float16Array).fill(0.125) };
  await assertAgrees((x) => sum(x), [tiny], {}, [2]);
});

Deno.test("split: positions of ties and of NaN are the first", async () => {
  const data = new Float32Array(100_000).fill(1);
  data[70_000] = 3;
  data[80_000] = 3;
  const x: Host = { ...f32([100_000]), data };
  const both: Fn = (x) => [argmax(x), argmin(x)];
  await assertAgrees(both, [x], {}, [2]);
  const broken = { ...x, data: data.slice() };
  broken.data[50_000] = NaN;
  broken.data[60_000] = NaN;
  await assertAgrees(both, [broken], {}, [2]);
});

Deno.test("split: products along a long axis, also a prime one", async () => {
  for (const k of [200_000, 70_001]) {
    const a = some(f32([3, k])), b = some(f32([k, 2]), 2);
    await assertAgrees((a, b) => matmul(a, b), [a, b], { rtol: 1e-4, atol: 1e-2 }, [2]);
  }
  const k = 70_000;
  const [a, b] = [some(f32([2, k, 2])), some(f32([3, k]), 2)];
  const transposed: Fn = (a, b) => matmul(a, b, { transposeA: true, transposeB: true });
  await assertAgrees(transposed, [a, b], { rtol: 1e-4, atol: 1e-2 }, [2]);
  const [v, w] = [some(f32([k])), some(f32([k]), 2)];
  await assertAgrees((v, w) => matmul(v, w), [v, w], { rtol: 1e-4, atol: 1e-2 }, [2]);
  const ints = [some(i32([2, k])), some(i32([k, 2]), 2)];
  await assertAgrees((a, b) => matmul(a, b), ints, {}, [2]);
});

Deno.test("split: the gradient by a kernel sums over a long batch and large images", async () => {
  const gradient = (x: Tensor, w: Tensor) =>
    grad((w: Tensor) => sum(mul(conv2d(x, w), conv2d(x, w))))(w);
  const next = random(5);
  const w = { ...f32([1, 1, 2, 2]), data: Float32Array.from({ length: 4 }, () => next()) };
  for (const shape of [[200, 1, 21, 21], [2, 1, 260, 260], [1, 1, 2, 40_000]]) {
    await assertAgrees(gradient, [some(f32(shape)), w], { rtol: 1e-3, atol: 0.1 }, [2]);
  }
});

Deno.test("split: short reductions stay whole", async () => {
  const plan = await assertAgrees((x) => sum(x), [some(f32([4000]))], { atol: 1e-3 });
  assertEquals(kernelsOf(plan), 1);
});
