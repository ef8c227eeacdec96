/**
 * Every operation with every dtype that it takes: the first case with its f32 operands in another
 * dtype, on each target beside the interpreter. Integers and truth agree exactly.
 * @module
 */
import type { Host } from "../../lib/core/host.ts";
import { constant, convert } from "../../lib/core/leaf.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { type DType, dtypes, isFloat } from "../../lib/core/type.ts";
import { checked } from "../../lib/op/field.ts";
import { ops } from "../../lib/ops/mod.ts";
import { stage } from "../../lib/stage/stage.ts";
import { isSmall, valuesOf } from "../ops/case_values.ts";
import { targetTests } from "../targets.ts";
import { assertNear, meant, usual, valuesFrom } from "./judge.ts";

const test = await targetTests("wasm", "webgpu");

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
  test(`${op.name} in every dtype it takes agrees with the interpreter`, async (on) => {
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
      const want = meant(graph, hosts);
      const loaded = await on.compile(graph, { once: true });
      const got = await valuesFrom(loaded, hosts);
      loaded.dispose();
      const half = to === "f16" || want.some(({ dtype }) => dtype === "f16");
      // f16 results round once more here or there: one unit in the last place is 1e-3.
      const { rtol, atol } = c.tolerance ?? usual;
      const near = half
        ? { rtol: Math.max(rtol, 2e-3), atol: Math.max(atol, 1e-3) }
        : { rtol, atol };
      assertNear(got, want, near, `${op.name} of ${to}`);
    }
  });
}
