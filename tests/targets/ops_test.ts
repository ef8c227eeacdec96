/**
 * Every operation's cases on each target: alone and fused they agree with the interpreter within the
 * case's tolerance, and a second run gives the same bits. On WebAssembly so do any number of threads,
 * every step shared among them; without fused multiply-add values stay within the tolerance.
 * @module
 */
import type { Graph } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import type { Case, Op } from "../../lib/core/op.ts";
import type { Machine } from "../../lib/core/target.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { isFloat } from "../../lib/core/type.ts";
import { checked } from "../../lib/op/field.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { ops } from "../../lib/ops/mod.ts";
import { stage } from "../../lib/stage/stage.ts";
import { caseName, isSmall, valuesOf } from "../ops/case_values.ts";
import { openTargets } from "../targets.ts";
import { loadShared, type OpenPlace, openPlace } from "../wasm/places.ts";
import { assertNear, assertSameBits, meant, usual, valuesFrom } from "./judge.ts";

const { machine, test } = await openTargets(
  ...["wasm", "wasm, 1 thread", "wasm, not fused", "webgpu"] as const,
);
// More threads than this machine may have cores, and than many results have rows.
let three: OpenPlace | undefined;
Deno.test.beforeAll(() => void (three = openPlace({ threads: 3 })));
Deno.test.afterAll(() => three?.dispose());

/** A case as a graph: the operation alone, or between elementwise ones that fuse with it. */
function graphOf(op: Op, c: Case, hosts: readonly Host[], around: boolean): Graph {
  const f = (...xs: Tensor[]) => {
    const ins = around ? xs.map((x) => isFloat(x.dtype) ? add(mul(x, 1), 0.25) : x) : xs;
    const ys = apply(op, ins, checked(op.name, op.fields, c.attrs ?? {}, ins));
    return ys.map((y) => around && isFloat(y.dtype) ? add(mul(y, 0.5), y) : y);
  };
  return stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
}

/** Small cases of an operation with a name each. */
function* casesOf(op: Op): Generator<{ c: Case; graph: Graph; hosts: Host[]; name: string }> {
  for (const [i, c] of op.cases.entries()) {
    if (!isSmall(c, 20000)) continue;
    const hosts = valuesOf(c);
    for (const around of [false, true]) {
      const name = `${caseName(op, i)}${around ? " fused" : ""}`;
      yield { c, hosts, name, graph: graphOf(op, c, hosts, around) };
    }
  }
}

/** The results of two runs, which have the same bits. */
async function twice(on: Machine, graph: Graph, hosts: readonly Host[], name: string) {
  const loaded = await on.compile(graph);
  const got = await valuesFrom(loaded, hosts);
  assertSameBits(await valuesFrom(loaded, hosts), got, `${name}, again`);
  loaded.dispose();
  return got;
}

for (const op of ops) {
  test("webgpu", `${op.name} agrees with the interpreter, twice`, async () => {
    for (const { c, graph, hosts, name } of casesOf(op)) {
      const got = await twice(machine("webgpu"), graph, hosts, name);
      assertNear(got, meant(graph, hosts), c.tolerance ?? usual, name);
    }
  });

  test(
    "wasm",
    `${op.name} agrees with the interpreter, bit for bit on 1 to 3 threads`,
    async () => {
      for (const { c, graph, hosts, name } of casesOf(op)) {
        const want = meant(graph, hosts);
        const one = await twice(machine("wasm, 1 thread"), graph, hosts, name);
        assertNear(one, want, c.tolerance ?? usual, name);
        assertSameBits(await twice(machine("wasm"), graph, hosts, name), one, `${name}, 2 threads`);
        for (const place of [machine("wasm").places()[0], three!]) {
          const loaded = await loadShared(place, graph);
          const got = await valuesFrom(loaded, hosts);
          assertSameBits(got, one, `${name}, shared by ${place.threads.count} threads`);
          loaded.dispose();
        }
      }
    },
  );

  test("wasm, not fused", `${op.name} agrees with the interpreter`, async () => {
    for (const { c, graph, hosts, name } of casesOf(op)) {
      const got = await twice(machine("wasm, not fused"), graph, hosts, name);
      assertNear(got, meant(graph, hosts), c.tolerance ?? usual, name);
    }
  });

  if (op.cases.some((c) => !isSmall(c, 20000))) {
    test("wasm", `${op.name} of large operands has the same bits on 1 and 2 threads`, async () => {
      for (const [i, c] of op.cases.entries()) {
        if (isSmall(c, 20000)) continue;
        const hosts = valuesOf(c);
        const graph = graphOf(op, c, hosts, false);
        const one = await twice(machine("wasm, 1 thread"), graph, hosts, caseName(op, i));
        const two = await twice(machine("wasm"), graph, hosts, caseName(op, i));
        assertSameBits(two, one, caseName(op, i));
      }
    });
  }
}
