/**
 * Every operation with every dtype that it takes: the first case with its f32 operands in another
 * dtype, on the device beside the interpreter. Integers and truth agree exactly.
 * @module
 */
import { assert, assertEquals } from "../std.ts";
import { resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import { constant, convert } from "../../lib/core/leaf.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { type DType, dtypes, isFloat, printType } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { checked } from "../../lib/op/field.ts";
import { ops } from "../../lib/ops/mod.ts";
import { stage } from "../../lib/stage/stage.ts";
import { isSmall, valuesOf, worst } from "../ops/case_values.ts";
import { machineTests } from "./adapter.ts";

const { test, machine } = await machineTests();

/** Operands of a case with what was f32 (else i32) in another dtype; unsigned ones get no negatives. */
function recast(hosts: readonly Host[], to: DType): Host[] {
  const from = hosts.some(({ dtype }) => dtype === "f32") ? "f32" : "i32";
  const unsigned = to === "u8" || to === "u16" || to === "bool";
  return hosts.map((h) => {
    if (h.dtype !== from) return h;
    const scaled = Float32Array.from(
      h.data as Float32Array,
      (x) => isFloat(to) ? x : unsigned ? Math.abs(Math.round(x * 2)) : Math.round(x * 2),
    );
    return { dtype: to, shape: h.shape, data: convert(scaled, to) };
  });
}

for (const op of ops) {
  test(`webgpu: ${op.name} in every dtype it takes agrees with the interpreter`, async () => {
    const c = op.cases.find((one) => isSmall(one));
    if (!c || c.ins.length === 0) return;
    for (const to of dtypes) {
      const hosts = recast(valuesOf(c), to);
      const f = (...xs: Tensor[]) => apply(op, xs, checked(op.name, op.fields, c.attrs ?? {}, xs));
      try {
        op.infer(
          hosts.map((h) => constant(h)),
          checked(op.name, op.fields, c.attrs ?? {}, hosts),
        );
      } catch {
        continue; // a dtype that it refuses
      }
      const graph = stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
      const given = new Map(graph.args.map((t, k): [typeof t.node, Host] => [t.node, hosts[k]]));
      const wants = evaluateNow(resultsOf(graph), given);
      const loaded = await machine().compile(graph);
      const outs = await loaded.run(hosts);
      for (const [k, want] of wants.entries()) {
        const got = await outs[k].read();
        outs[k].dispose();
        assertEquals(printType(got), printType(want));
        const float = isFloat(want.dtype);
        const half = to === "f16" || want.dtype === "f16";
        // f16 results round once more here or there: one unit in the last place is 1e-3.
        const { rtol, atol } = c.tolerance ?? { rtol: 1e-5, atol: 1e-6 };
        const bad = worst(
          got,
          want,
          float ? Math.max(rtol, half ? 2e-3 : 0) : 0,
          float ? Math.max(atol, half ? 1e-3 : 0) : 0,
        );
        assert(!bad, `${op.name}.${k} of ${to}: ${JSON.stringify(bad)}`);
      }
      loaded.dispose();
    }
  });
}
