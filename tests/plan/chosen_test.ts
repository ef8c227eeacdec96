/**
 * Fusions chosen by hand: kernels of small functions, and random programs under every choice.
 * @module
 */
import fc from "fast-check";
import { resultsOf } from "../../lib/core/graph.ts";
import type { GraphOpt } from "../../lib/core/target.ts";
import { f32, isFloat } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { stage } from "../../lib/stage/stage.ts";
import { add, broadcastTo, matmul, max, mul, relu, softmax, sum, transpose } from "../../mod.ts";
import { random, valueOf, worst } from "../ops/case_values.ts";
import { assert, assertEquals } from "../std.ts";
import { assertWithin, type Fn, kernelsOf, limits } from "./agree.ts";
import { program, steps } from "./programs.ts";
import { runPlan } from "./run_plan.ts";

const off: GraphOpt = { jitFuseDimshuffle: false, jitFuseReduce: false };

/** A function of f32[4,6], and its kernels: as levels decide, dimshuffle, reduce, both apart. */
const counts: readonly (readonly [string, Fn, readonly [number, number, number, number]])[] = [
  ["a sum of squares", (x) => sum(mul(x, x), { axis: 1 }), [1, 1, 2, 2]],
  ["a sum over a transpose", (x) => sum(relu(transpose(x)), { axis: 1 }), [1, 2, 2, 3]],
  ["relu of a transposed sum", (x) => relu(add(transpose(x), 1)), [1, 2, 1, 2]],
  ["a product with a transpose", (x) => matmul(x, transpose(x)), [1, 2, 1, 2]],
  ["a transposed product", (x) => transpose(matmul(x, transpose(x))), [1, 3, 1, 3]],
  ["softmax of a sum", (x) => softmax(add(x, 1)), [1, 1, 2, 2]],
  [
    "a broadcast maximum",
    (x) => add(x, broadcastTo(max(relu(x), { axis: 1, keep: true }), { shape: [4, 6] })),
    [2, 3, 3, 4],
  ],
  ["elementwise alone", (x) => relu(mul(add(x, 1), 2)), [1, 1, 1, 1]],
];

for (const [name, f, want] of counts) {
  Deno.test(`graphOpt: ${name} is ${want.join(", ")} kernels`, () => {
    const graph = stage(f, [f32([4, 6])]);
    const choices: GraphOpt[] = [{}, { jitFuseDimshuffle: false }, { jitFuseReduce: false }, off];
    const found = choices.map((graphOpt) => kernelsOf(compilePlan(graph, limits, { graphOpt })));
    assertEquals(found, [...want]);
  });
}

Deno.test("graphOpt: random programs agree with the interpreter under every choice", async () => {
  const next = random(3);
  const xs = [[3, 4], [4], [1, 4]].map((shape, i) =>
    valueOf({ type: f32(shape), from: -1, to: 1 }, i + 1)
  );
  const truths = [true, false, undefined];
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const graph = stage((...ts) => program(list, ts as never), xs.map((x) => f32(x.shape)));
      const given = new Map(graph.args.map((t, i) => [t.node, xs[i]]));
      const wants = evaluateNow(resultsOf(graph), given);
      const pick = () => truths[Math.floor(next() * 3)];
      const graphOpt = { jitFuseDimshuffle: pick(), jitFuseReduce: pick() };
      for (const optLevel of [0, 2] as const) {
        const plan = compilePlan(graph, limits, { optLevel, graphOpt });
        assertWithin(plan);
        const gots = await runPlan(plan, xs);
        gots.forEach((got, i) => {
          const [r, a] = isFloat(got.dtype) ? [1e-5, 1e-5] : [0, 0];
          const bad = worst(got, wants[i], r, a);
          const how = JSON.stringify(graphOpt);
          assert(!bad, `${i} at ${optLevel} with ${how}: ${JSON.stringify(bad)}\n${graph}`);
        });
      }
    }),
    { numRuns: 150, seed: 5 },
  );
});
