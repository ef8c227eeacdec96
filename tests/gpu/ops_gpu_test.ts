/**
 * Every operation's cases on the device: alone and fused they agree with the interpreter within
 * the case's tolerance, and a second run gives the same bits.
 * @module
 */
import { assert, assertEquals } from "../std.ts";
import { resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { isFloat, printType } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { checked } from "../../lib/op/field.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { ops } from "../../lib/ops/mod.ts";
import { stage } from "../../lib/stage/stage.ts";
import { caseName, isSmall, valuesOf, worst } from "../ops/case_values.ts";
import { machineTests } from "./adapter.ts";

const { test, machine } = await machineTests();

for (const op of ops) {
  test(`webgpu: ${op.name} agrees with the interpreter, twice`, async () => {
    for (const [i, c] of op.cases.entries()) {
      if (!isSmall(c, 20000)) continue;
      const hosts = valuesOf(c);
      for (const around of [false, true]) {
        const f = (...xs: Tensor[]) => {
          const ins = around ? xs.map((x) => isFloat(x.dtype) ? add(mul(x, 1), 0.25) : x) : xs;
          const ys = apply(op, ins, checked(op.name, op.fields, c.attrs ?? {}, ins));
          return ys.map((y) => around && isFloat(y.dtype) ? add(mul(y, 0.5), y) : y);
        };
        const graph = stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
        const given = new Map(
          graph.args.map((t, k): [typeof t.node, Host] => [t.node, hosts[k]]),
        );
        const wants = evaluateNow(resultsOf(graph), given);
        const loaded = await machine().compile(graph);
        const [gots, again] = [await runOnce(loaded, hosts), await runOnce(loaded, hosts)];
        loaded.dispose();
        for (const [k, want] of wants.entries()) {
          const got = gots[k];
          assertEquals(printType(got), printType(want));
          assertEquals(got.data, again[k].data, `${caseName(op, i)} is not repeatable`);
          const float = isFloat(want.dtype);
          const { rtol, atol } = c.tolerance ?? { rtol: 1e-5, atol: 1e-6 };
          const bad = worst(got, want, float ? rtol : 0, float ? atol : 0);
          assert(!bad, `${caseName(op, i)}.${k}${around ? " fused" : ""}: ${JSON.stringify(bad)}`);
        }
      }
    }
    await machine().gpu.readback.settled();
  });
}

async function runOnce(
  loaded: {
    run(args: readonly Host[]): Promise<readonly { read(): Promise<Host>; dispose(): void }[]>;
  },
  hosts: readonly Host[],
): Promise<readonly Host[]> {
  const outs = await loaded.run(hosts);
  const values: Host[] = [];
  for (const out of outs) {
    values.push(await out.read());
    out.dispose();
  }
  return values;
}
