/**
 * A function through the planner beside the interpreter.
 * @module
 */
import { resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Plan } from "../../lib/core/plan.ts";
import { pointsOf } from "../../lib/core/form.ts";
import { walk } from "../../lib/core/scalar.ts";
import type { Limits } from "../../lib/core/target.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { isFloat, printType, sizeOf } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { stage } from "../../lib/stage/stage.ts";
import { worst } from "../ops/case_values.ts";
import { assert, assertEquals } from "../std.ts";
import { runPlan } from "./run_plan.ts";

/** Limits like those of the software adapter, with a low cap so that splitting is exercised. */
export const limits: Limits = {
  bindings: 8,
  bindingBytes: 1 << 27,
  align: 256,
  workgroups: 65535,
  invocations: 256,
  sharedBytes: 16384,
  iterations: 60_000,
};

/** A function of tensors, erased. */
export type Fn = (...xs: Tensor[]) => unknown;

/** The plan of a function for the types of some values. */
export function planFor(
  f: Fn,
  hosts: readonly { readonly dtype: Host["dtype"]; readonly shape: readonly number[] }[],
  options: { readonly optLevel?: 0 | 1 | 2; readonly limits?: Limits } = {},
): Plan {
  const graph = stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
  return compilePlan(graph, options.limits ?? limits, { optLevel: options.optLevel });
}

/** How many kernels a plan runs. */
export function kernelsOf(plan: Plan): number {
  return plan.steps.filter((step) => step.kind === "kernel").length;
}

/** Fails unless every kernel binds, loops and holds no more than it may. */
export function assertWithin(plan: Plan, most: Limits = limits, body = 1200): void {
  for (const step of plan.steps) {
    if (step.kind !== "kernel") continue;
    const { form, slots, name } = step;
    assert(new Set(slots).size <= most.bindings, `${name} binds ${slots.length}`);
    let terms = 0;
    for (const out of form.outs) walk(out.body, () => terms++);
    if (form.kind === "reduce") walk(form.body, () => terms++);
    assert(terms <= body, `${name} holds ${terms} terms`);
    const loops = form.kind === "matmul"
      ? form.k
      : form.kind === "conv"
      ? form.c * sizeOf(form.kernel)
      : form.kind === "reduce"
      ? sizeOf(form.over)
      : form.kind === "rows"
      ? sizeOf(form.over) * (form.stages.length + 1)
      : 1;
    assert(loops <= most.iterations, `${name} loops ${loops} times at ${pointsOf(form)}`);
  }
}

/** Fails unless the plan gives what the interpreter gives, at levels 0 and 2. */
export async function assertAgrees(
  f: Fn,
  hosts: readonly Host[],
  tolerance: { readonly rtol?: number; readonly atol?: number } = {},
  levels: readonly (0 | 1 | 2)[] = [0, 2],
): Promise<Plan> {
  const { rtol = 1e-5, atol = 1e-5 } = tolerance;
  const graph = stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
  const want = evaluateNow(resultsOf(graph), new Map(graph.args.map((t, i) => [t.node, hosts[i]])));
  let plan: Plan | undefined;
  for (const optLevel of levels) {
    plan = compilePlan(graph, limits, { optLevel });
    assertWithin(plan);
    const got = await runPlan(plan, hosts);
    assertEquals(got.map(printType), want.map(printType));
    got.forEach((h, i) => {
      const float = isFloat(h.dtype);
      const bad = worst(h, want[i], float ? rtol : 0, float ? atol : 0);
      assert(!bad, `result ${i} at level ${optLevel}: ${JSON.stringify(bad)}\n${graph}`);
    });
  }
  return plan!;
}
