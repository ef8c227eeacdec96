/**
 * Fusion: how many kernels common layers take, that kernels stay within the limits, and that fused
 * random programs agree with the interpreter.
 * @module
 */
import fc from "fast-check";
import type { Host } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, i32 } from "../../lib/core/type.ts";
import { stage } from "../../lib/stage/stage.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { resultsOf } from "../../lib/core/graph.ts";
import { init } from "../../lib/model/params.ts";
import * as nn from "../../lib/model/nn.ts";
import {
  add,
  batchNorm,
  concat,
  conv2d,
  exp,
  gather,
  key,
  layerNorm,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  softmax,
  sub,
  sum,
  tanh,
  tensor,
} from "../../mod.ts";
import { digits, spec, trainStep } from "../../examples/digits.ts";
import { sgd } from "../../lib/model/optim.ts";
import { openReference } from "../../lib/trace/reference.ts";
import { random, valueOf } from "../ops/case_values.ts";
import { assert, assertEquals, assertLess, assertLessOrEqual } from "../std.ts";
import { assertAgrees, assertWithin, type Fn, kernelsOf, limits, planFor } from "./agree.ts";
import { program, steps } from "./programs.ts";

const some = (shape: readonly number[], seed = 1): Host =>
  valueOf({ type: f32(shape), from: -1, to: 1 }, seed);

const layers: [string, number, Fn, readonly Host[]][] = [
  ["softmax", 1, (x) => softmax(x), [some([8, 10])]],
  [
    "layer norm",
    1,
    (x, w, b) => layerNorm(x, { dims: 1, weight: w, bias: b }),
    [some([8, 10]), some([10], 2), some([10], 3)],
  ],
  [
    "relu(x·a + b)",
    1,
    (x, a, b) => relu(add(matmul(x, a), b)),
    [some([4, 5]), some([5, 6], 2), some([6], 3)],
  ],
  [
    "conv, bias, relu",
    1,
    (x, w, b) => relu(conv2d(x, w, { bias: b })),
    [some([2, 3, 6, 6]), some([4, 3, 3, 3], 2), some([4], 3)],
  ],
  [
    "conv, batch norm, relu",
    1,
    (x, w) => {
      const own = (seed: number) =>
        tensor(Float32Array.from({ length: 4 }, (_, i) => 1 + seed + i));
      return relu(batchNorm(conv2d(x, w, { bias: own(0) }), own(1), own(2), {
        weight: own(3),
        bias: own(4),
      }));
    },
    [some([2, 3, 6, 6]), some([4, 3, 3, 3], 2)],
  ],
  [
    "a layer of a perceptron",
    1,
    (x, w, b) => relu(nn.linear({ weight: w, bias: b })(x)),
    [some([4, 5]), some([6, 5], 2), some([6], 3)],
  ],
  ["an elementwise chain", 1, (x) => mul(tanh(add(exp(x), 1)), x), [some([5, 7])]],
  ["sum of squares of differences", 1, (x, y) => sum(mul(sub(x, y), sub(x, y))), [
    some([5, 7]),
    some([5, 7], 2),
  ]],
];

for (const [name, kernels, f, hosts] of layers) {
  Deno.test(`fuse: ${name} is ${kernels} kernel${kernels === 1 ? "" : "s"}`, async () => {
    const plan = await assertAgrees(f, hosts);
    assertEquals(kernelsOf(plan), kernels, String(plan.steps.map((s) => "name" in s && s.name)));
    assert(kernelsOf(planFor(f, hosts, { optLevel: 0 })) >= kernels);
  });
}

Deno.test("fuse: the digit network takes 8 kernels at most, its training step 55", async () => {
  const p = init(spec, key(0));
  const forward = compilePlan(stage(digits(p), [f32([1, 1, 28, 28])]), limits);
  assertLessOrEqual(kernelsOf(forward), 8);
  assertWithin(forward);
  const step = trainStep(0.1, nn.training(key(1)), { on: openReference(), donate: [] });
  await step({ p, opt: sgd({ rate: 0.1 }).init(p) }, {
    data: tensor(some([4, 1, 28, 28]).data, [4, 1, 28, 28]),
    label: tensor(new Int32Array([1, 2, 3, 4])),
  });
  const { graph } = step as unknown as { graph(): Parameters<typeof compilePlan>[0] };
  const plan = compilePlan(graph(), limits);
  assertLessOrEqual(kernelsOf(plan), 55);
  assertWithin(plan);
});

Deno.test("fuse: a sum of 40 tensors stays within 8 bindings in few kernels", async () => {
  const hosts = Array.from({ length: 40 }, (_, i) => some([6], i + 1));
  const chain = await assertAgrees((...xs) => xs.reduce((a, b) => add(a, b)), hosts);
  assertLessOrEqual(kernelsOf(chain), 8);
  const tree = (xs: Tensor[]): Tensor =>
    xs.length === 1
      ? xs[0]
      : add(tree(xs.slice(0, xs.length >> 1)), tree(xs.slice(xs.length >> 1)));
  assertLessOrEqual(kernelsOf(await assertAgrees((...xs) => tree(xs), hosts)), 12);
  await assertAgrees((...xs) => softmax(xs.reduce((a, b) => add(a, b))), hosts);
  await assertAgrees((...xs) => concat(xs), hosts);
  const weights = [some([6, 6], 50), ...hosts];
  await assertAgrees(
    (w, ...xs) => xs.reduce((a, b) => add(a, b), matmul(reshape(xs[0], { shape: [1, 6] }), w)),
    weights,
  );
});

Deno.test("fuse: long chains compile quickly into bodies of bounded size", async () => {
  const x = some([4]);
  const chains: [string, Fn][] = [
    ["adds", (x) => Array.from({ length: 1000 }).reduce<Tensor>((y) => add(y, x), x)],
    ["products", (x) => Array.from({ length: 1000 }).reduce<Tensor>((y) => mul(y, 0.999), x)],
    ["after a matmul", (x) => {
      const y = matmul(reshape(x, { shape: [1, 4] }), reshape(x, { shape: [4, 1] }));
      return Array.from({ length: 1000 }).reduce<Tensor>((y) => add(mul(y, 0.5), 1), y);
    }],
    [
      "diamonds",
      (x) => Array.from({ length: 300 }).reduce<Tensor>((y) => mul(add(y, y), mul(y, 0.5)), x),
    ],
    ["doublings", (x) => Array.from({ length: 500 }).reduce<Tensor>((y) => mul(add(y, y), 0.5), x)],
    ["self-sums", (x) => Array.from({ length: 100 }).reduce<Tensor>((y) => add(y, y), x)],
    [
      "reductions",
      (x) => Array.from({ length: 500 }).reduce<Tensor>((y) => sub(x, mean(y, { keep: true })), x),
    ],
  ];
  for (const [name, f] of chains) {
    const from = performance.now();
    const plan = planFor(f, [x]);
    const took = performance.now() - from;
    assertLess(took, 2000, `${name} took ${took} ms`);
    await assertAgrees(f, [x], { rtol: 1e-3 }, [2]);
    const counts: Record<string, number> = { adds: 8, products: 8, doublings: 8, "self-sums": 2 };
    assertLessOrEqual(kernelsOf(plan), counts[name] ?? 510, name);
  }
});

Deno.test("fuse: random programs agree with the interpreter at levels 0 and 2", async () => {
  const hosts = [some([3, 4], 1), some([4], 2), some([4, 3], 3), some([1, 4], 4)];
  let nodes = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (list, pick) => {
      const f = (...xs: Tensor[]) => {
        const made = program(list, xs);
        nodes += made.length;
        return made.length ? [made[made.length - 1], made[pick % made.length]] : xs;
      };
      await assertAgrees(f, hosts, { rtol: 1e-4, atol: 1e-4 });
    }),
    { numRuns: 300, seed: 7 },
  );
  assert(nodes > 1500, `programs are not empty: ${nodes}`);
});

Deno.test("fuse: computed indices are read where they are used", async () => {
  const next = random(3);
  const table = some([20, 3]);
  const at: Host = {
    ...i32([7]),
    data: Int32Array.from({ length: 7 }, () => Math.floor(next() * 9)),
  };
  await assertAgrees(
    (t, i) => gather(t, add(i, mul(i, 1)), { axis: 0 }),
    [table, at],
  );
  await assertAgrees((t, i) => {
    const j = Array.from({ length: 12 }).reduce<Tensor>((y) => sub(add(y, y), y), i);
    return gather(t, j, { axis: 0 });
  }, [table, at]);
  assertEquals(resultsOf(stage((x: Tensor) => x, [f32([1])])).length, 1);
});
