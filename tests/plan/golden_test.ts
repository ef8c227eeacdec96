/**
 * Canonical texts: graphs before and after the passes, plans, and what the digit network becomes.
 * @module
 */
import { optimize } from "../../lib/stage/level.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { init } from "../../lib/model/params.ts";
import {
  add,
  exp,
  f32,
  key,
  log,
  matmul,
  mul,
  neg,
  relu,
  softmax,
  stage,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { digits, spec } from "../../examples/digits.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { assert, assertEquals } from "../std.ts";
import { kernelsOf, limits } from "./agree.ts";

interface Snapshots {
  assertSnapshot(value: string): Promise<void>;
}

Deno.test("golden: a small program before and after the passes, and its plan", async (t) => {
  const snap = t as unknown as Snapshots;
  const w = tensor([[1, 2], [3, 4], [5, 6]]);
  const f = (x: Tensor) => {
    const y = relu(add(matmul(x, w), tensor([1, 2])));
    return { p: softmax(mul(y, 1)), q: log(exp(neg(neg(mul(x, add(exp(tensor([0, 0, 0])), 1)))))) };
  };
  const graph = stage(f, [f32([4, 3])]);
  await snap.assertSnapshot(String(graph));
  for (const level of [0, 1] as const) await snap.assertSnapshot(String(optimize(graph, level)));
  const plan = compilePlan(graph, limits);
  await snap.assertSnapshot(printPlan(plan));
  assertEquals(printPlan(compilePlan(stage(f, [f32([4, 3])]), limits)), printPlan(plan));
});

Deno.test("golden: the digit network's plan", async (t) => {
  const plan = compilePlan(stage(digits(init(spec, key(0))), [f32([1, 1, 28, 28])]), limits);
  assert(kernelsOf(plan) <= 8);
  await (t as unknown as Snapshots).assertSnapshot(printPlan(plan));
});
