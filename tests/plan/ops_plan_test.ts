/**
 * Every operation's cases through the planner: fused with what stands before and after, the plan
 * agrees with the interpreter.
 * @module
 */
import { assert, assertEquals } from "../std.ts";
import { resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Limits } from "../../lib/core/target.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { isFloat, printType } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { checked } from "../../lib/op/field.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { ops } from "../../lib/ops/mod.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { stage } from "../../lib/stage/stage.ts";
import { caseName, isSmall, valuesOf, worst } from "../ops/case_values.ts";
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

for (const op of ops) {
  Deno.test(`plan: ${op.name} agrees with the interpreter, alone and fused`, async () => {
    for (const [i, c] of op.cases.entries()) {
      if (!isSmall(c)) continue;
      const hosts = valuesOf(c);
      const build = (around: boolean) => (...xs: Tensor[]) => {
        const scaled = around ? xs.map((x) => isFloat(x.dtype) ? mul(x, 1) : x) : xs;
        const moved = around ? scaled.map((x) => isFloat(x.dtype) ? add(x, 0.25) : x) : scaled;
        const ys = apply(op, moved, checked(op.name, op.fields, c.attrs ?? {}, moved));
        return ys.map((y) => around && isFloat(y.dtype) ? add(mul(y, 0.5), y) : y);
      };
      for (const around of [false, true]) {
        const graph = stage(build(around), hosts.map(({ dtype, shape }) => ({ dtype, shape })));
        const given = new Map(graph.args.map((t, k): [typeof t.node, Host] => [t.node, hosts[k]]));
        const wants = evaluateNow(resultsOf(graph), given);
        for (const optLevel of [0, 2] as const) {
          const gots = await runPlan(compilePlan(graph, limits, { optLevel }), hosts);
          for (const [k, want] of wants.entries()) {
            assertEquals(printType(gots[k]), printType(want));
            const { rtol, atol } = c.tolerance ?? { rtol: 1e-5, atol: 1e-6 };
            const float = isFloat(want.dtype);
            const bad = worst(gots[k], want, float ? rtol : 0, float ? atol : 0);
            const how = `level ${optLevel}${around ? " fused" : ""}`;
            assert(!bad, `${caseName(op, i)}.${k} ${how}: ${JSON.stringify(bad)}`);
          }
        }
      }
    }
  });
}
