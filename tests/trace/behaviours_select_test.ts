/**
 * Behaviours of traces, by their numbers: what chooses and rearranges. Results equal the untraced
 * ones and go on into further operations.
 * @module
 */
import { host } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import { f32, i32, sizeOf } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { clip } from "../../lib/ops/activation.ts";
import { addIndex, index, setIndex } from "../../lib/ops/indexing.ts";
import { repeat, split, tile } from "../../lib/ops/join.ts";
import { nms } from "../../lib/ops/nms.ts";
import { warpPerspective } from "../../lib/ops/remap.ts";
import { condTake } from "../../lib/ops/search.ts";
import { sort, topk } from "../../lib/ops/sort.ts";
import { norm } from "../../lib/ops/statistics.ts";
import {
  add,
  gt,
  key,
  mul,
  normal,
  read,
  slice,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { random } from "../ops/case_values.ts";
import { assertEquals, assertRejects } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);

function values(shape: readonly number[], seed: number): Tensor {
  const next = random(seed);
  const data = Float32Array.from({ length: sizeOf(shape) }, () => next() * 2 - 1);
  return constant(host(f32(shape), data));
}

/** Boxes by corner and extent, in pixels. */
function boxes(n: number): Tensor {
  const next = random(5);
  const data = Float32Array.from({ length: n * 4 }, () => Math.floor(next() * 20));
  for (let i = 0; i < n; i++) data[i * 4 + 2] += data[i * 4], data[i * 4 + 3] += data[i * 4 + 1];
  return constant(host(f32([n, 4]), data));
}

const mask = constant(host({ dtype: "bool", shape: [5] }, Uint8Array.of(1, 0, 0, 1, 1)));
const rows = constant(host(i32([3]), Int32Array.of(2, 0, -1)));

/** Functions of a matrix [5,4] that choose, and what they need besides. */
const choosing: Readonly<Record<string, (x: Tensor) => readonly Tensor[]>> = {
  topk: (x) => {
    const { values, indices } = topk(x, { k: 3 });
    return [values, indices];
  },
  sort: (x) => {
    const { values, indices } = sort(x, { axis: 0, descending: true });
    return [values, indices];
  },
  warpPerspective: (x) => {
    const mat = Float32Array.of(1, 0.1, 0.5, 0, 1, -0.25, 0.01, 0, 1);
    const image = index(x, [null, null]);
    return [warpPerspective(image, constant(host(f32([1, 3, 3]), mat)), { size: [3, 3] })];
  },
  nms: (x) => {
    const scores = index(x, [[], 0]);
    const { indices, count } = nms(boxes(5), scores, { iouThresh: 0.2, maxOutput: 4 });
    return [indices, count];
  },
  "condTake with a maximum": (x) => {
    const { values, indices, count } = condTake(x, gt(x, 0), { max: 12 });
    return [values, indices, count];
  },
  "integers and slices": (x) => [index(x, [1]), index(x, [[1, 4], -1]), index(x, [[], [3, , -2]])],
  "vectors": (x) => [index(x, [rows]), index(x, [rows, rows]), index(x, [rows, [0, 2]])],
  "masks with a maximum": (x) => [index(x, [gt(x, 0)], { max: 20 }), index(x, [mask])],
  "mixtures": (x) => [index(x, [rows, null, [1, 3]]), index(x, ["...", rows])],
  "setting": (x) => [
    setIndex(x, [rows, [0, 2]], 7),
    setIndex(x, [mask, 1], tensor([5, 6, 7])),
    addIndex(x, [rows], 1),
  ],
};

for (const [name, f] of Object.entries(choosing)) {
  test(`9.14 ${name}: traced as untraced`, async (on) => {
    const x = values([5, 4], 3);
    const wants = await evaluate(f(x));
    // Held by the target, so that it computes what would be folded of a constant.
    const held = await trace((x: Tensor) => mul(x, 1), { on })(x);
    const untraced: number[][] = [];
    for (const t of f(held)) untraced.push([...(await read(t, { on })).data].map(Number));
    await using traced = trace((x: Tensor) => f(x), { on });
    for (let call = 0; call < 2; call++) {
      const got = await traced(x);
      for (const [k, want] of wants.entries()) {
        const found = await numbers(got[k]);
        assertEquals(found, untraced[k], `${name}.${k}`);
        const close = found.map((v, i) => Math.abs(v - Number(want.data[i])) < 1e-5);
        assertEquals(
          [close.every(Boolean), found.length],
          [true, want.data.length],
          `${name}.${k}`,
        );
      }
    }
  });
}

test("9.14 random numbers are those of their key, traced or not", async (on) => {
  const f = (seed: Tensor) => normal(seed, [3, 5]);
  await using traced = trace(f, { on });
  const [want] = await evaluate([f(key(7))]);
  const got = await numbers(await traced(key(7)));
  assertEquals(got.map((v, i) => Math.abs(v - Number(want.data[i])) < 1e-5), got.map(() => true));
});

test("9.5 adding zero to the indices of topk keeps them, beside what is fused", async (on) => {
  const f = (x: Tensor) => {
    const { values, indices } = topk(mul(x, 2), { k: 3 });
    return [add(values, 1), add(indices, 0)];
  };
  await using traced = trace(f, { on });
  const [top, places] = await traced(tensor([[1, 4, 3, 2]]));
  assertEquals([await numbers(top), await numbers(places)], [[9, 7, 5], [1, 2, 3]]);
  assertEquals(places.dtype, "i32");
});

test("9.5 a norm inside a gradient", async (on) => {
  const slope = grad((x: Tensor) => norm(mul(x, 2)));
  await using traced = trace((x: Tensor) => slope(x), { on });
  assertEquals(await numbers(await traced(tensor([3, 4]))), [1.2, 1.6].map(Math.fround));
});

test("9.6 a repeat count given as a host number specialises", async (on) => {
  let count = 2;
  await using traced = trace((x: Tensor) => [repeat(x, { count }), tile(x, { counts: [count] })], {
    on,
  });
  const [twice, tiled] = await traced(tensor([1, 2]));
  assertEquals([await numbers(twice), await numbers(tiled)], [[1, 1, 2, 2], [1, 2, 1, 2]]);
  count = 3;
  await assertRejects(() => traced(tensor([1, 2])), TraceError);
  await using given = trace((x: Tensor, count: number) => repeat(x, { count }), { on });
  for (const n of [3, 2, 1, 3]) {
    const want = [1, 2].flatMap((v) => new Array(n).fill(v));
    assertEquals(await numbers(await given(tensor([1, 2]), n)), want);
  }
  assertEquals(given.plans, 3);
});

test("9.13 clip with crossed bounds: the lower one counts first", async (on) => {
  await using traced = trace(
    (x: Tensor, lower: Tensor, upper: Tensor) => clip(x, { lower, upper }),
    {
      on,
    },
  );
  const x = tensor([-3, 0.5, 4.5, 6]);
  assertEquals(await numbers(await traced(x, tensor([0]), tensor([1]))), [0, 0.5, 1, 1]);
  assertEquals(await numbers(await traced(x, tensor([5]), tensor([4]))), [5, 5, 5, 4]);
});

test("9.17 a strided slice that is returned, and parts of a split, go on", async (on) => {
  await using traced = trace((x: Tensor) => slice(x, [], [1, , 2]), { on });
  const part = await traced(constant(host(f32([2, 4]), Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7))));
  assertEquals(await numbers(add(part, part)), [2, 6, 10, 14]);
  await using parts = trace((x: Tensor) => [...split(x, { axis: 1, sizes: [1, 3] })], { on });
  const [one, three] = await parts(tensor([[1, 2, 3, 4]]));
  assertEquals([await numbers(one), await numbers(mul(three, 2))], [[1], [4, 6, 8]]);
});

test("9.14 indices outside that are known are an error, others take the nearest element", async (on) => {
  await using traced = trace((x: Tensor, i: Tensor) => index(x, [i]), { on });
  const far = constant(host(i32([3]), Int32Array.of(-9, 1, 9)));
  assertEquals(await numbers(await traced(tensor([1, 2, 3]), far)), [1, 2, 3]);
  await assertRejects(async () => await read(index(tensor([1, 2, 3]), [9])), Error, "9");
});
