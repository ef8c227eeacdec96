/**
 * Recurrent layers take two kernels a step, one where nothing but sums is kept, all steps the same;
 * their gradients over all weights are products over all steps at once.
 * @module
 */
import { printForm } from "../../lib/core/form.ts";
import type { Plan } from "../../lib/core/plan.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { add } from "../../lib/ops/arithmetic.ts";
import { square } from "../../lib/ops/math.ts";
import { lstm, rnn } from "../../lib/ops/recurrent.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { valueOf } from "../ops/case_values.ts";
import { assert } from "../std.ts";
import { assertAgrees, assertWithin, kernelsOf, planFor } from "./agree.ts";

const steps = 48;
const [x, h, lstmWeights, rnnWeights] = [
  f32([steps, 2, 3]),
  f32([2, 2, 4]),
  f32([16, 2 * (3 + 4 + 2)]),
  f32([4, 2 * (3 + 4 + 2)]),
];
const both = { bidirectional: true };

/** Kernels of a plan within bounds, of few kinds. */
function assertSteps(plan: Plan, most: number, kinds: number): void {
  assertWithin(plan);
  const forms = plan.steps.flatMap((step) => step.kind === "kernel" ? [printForm(step.form)] : []);
  assert(kernelsOf(plan) <= most * steps, `${kernelsOf(plan)} kernels`);
  assert(new Set(forms).size <= kinds, `${new Set(forms).size} kinds of kernels`);
}

Deno.test("recurrent: kernels of a step, forth and back", () => {
  const long = (x: Tensor, h: Tensor, c: Tensor, w: Tensor) => lstm(x, h, c, w, both);
  const slope = (x: Tensor, h: Tensor, c: Tensor, w: Tensor) =>
    grad((v: Tensor) => sum(square(lstm(x, h, c, v, both)[0])))(w);
  const types = [x, h, h, lstmWeights];
  assertSteps(planFor(long as never, types), 2.5, 16);
  assertSteps(planFor(slope as never, types), 5, 40);
  const plain = (x: Tensor, h: Tensor, w: Tensor) => rnn(x, h, w, both);
  const back = (x: Tensor, h: Tensor, w: Tensor) =>
    grad((v: Tensor) => sum(square(rnn(x, h, v, both)[0])))(w);
  assertSteps(planFor(plain as never, [x, h, rnnWeights]), 1.5, 16);
  assertSteps(planFor(back as never, [x, h, rnnWeights]), 3, 40);
});

Deno.test("recurrent: plans agree with the interpreter, gradients of layers too", async () => {
  const values = [f32([8, 2, 3]), f32([4, 2, 2]), f32([4, 2, 2]), f32([8, 2 * (7 + 8)])]
    .map((type, i) => valueOf({ type, from: -0.5, to: 0.5 }, i));
  const f = (x: Tensor, h: Tensor, c: Tensor, w: Tensor) =>
    grad((all: readonly Tensor[]) => {
      const [output, , cell] = lstm(all[0], all[1], all[2], all[3], both);
      return add(sum(square(output)), sum(square(cell)));
    })([x, h, c, w]);
  await assertAgrees(f as never, values, { rtol: 1e-4, atol: 1e-5 }, [1, 2]);
});
