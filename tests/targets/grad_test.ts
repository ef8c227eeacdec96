/**
 * Gradients on each target: the staged gradient of every operation's cases agrees with what the
 * interpreter makes of the same function, whose own gradients are held to finite differences.
 * @module
 */
import type { Graph } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Op } from "../../lib/core/op.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { valueAndGrad } from "../../lib/grad/vjp.ts";
import { ops } from "../../lib/ops/mod.ts";
import { stage } from "../../lib/stage/stage.ts";
import { isDifferentiable, isVaried, lossOf } from "../grad/loss.ts";
import { caseName, valuesOf } from "../ops/case_values.ts";
import { openTargets } from "../targets.ts";
import { loadShared } from "../wasm/places.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "./judge.ts";

const { machine, test } = await openTargets("wasm", "wasm, 1 thread", "webgpu");

/** Gradients add terms of either sign, so their error is held to the size of their terms. */
const near = { rtol: 2e-5, atol: 1e-5 };

/** Value and gradients of an operation's cases, at most so many. */
function* gradientsOf(
  op: Op,
  most: number,
): Generator<{ name: string; graph: Graph; floats: Host[] }> {
  let count = 0;
  for (const [i, c] of op.cases.entries()) {
    const hosts = valuesOf(c, 7);
    if (!isDifferentiable(op, c, hosts) || count++ === most) continue;
    const floats = hosts.filter((x, k) => isVaried(c, x, k));
    const both = valueAndGrad(lossOf(op, c, hosts, 3));
    const graph = stage(
      (...xs: Tensor[]) => {
        const [value, gradients] = both(xs);
        return [value, ...gradients];
      },
      floats.map(({ dtype, shape }) => ({ dtype, shape })),
    );
    yield { name: caseName(op, i), graph, floats };
  }
}

for (const op of ops.filter((op) => !gradientsOf(op, 1).next().done)) {
  test("wasm", `gradients of ${op.name} agree with the interpreter's`, async () => {
    for (const { name, graph, floats } of gradientsOf(op, Infinity)) {
      const loaded = await machine("wasm, 1 thread").compile(graph, { once: true });
      const one = await valuesFrom(loaded, floats);
      loaded.dispose();
      assertNear(one, meant(graph, floats), near, name);
      const shared = await loadShared(machine("wasm").places()[0], graph, { once: true });
      assertSameBits(await valuesFrom(shared, floats), one, `${name} on 2 threads`);
      shared.dispose();
    }
  });

  test("webgpu", `gradients of ${op.name} agree with the interpreter's`, async () => {
    for (const { name, graph, floats } of gradientsOf(op, 1)) {
      const loaded = await machine("webgpu").compile(graph);
      const got = await valuesFrom(loaded, floats);
      loaded.dispose();
      assertNear(got, meant(graph, floats), near, name);
    }
  });
}
