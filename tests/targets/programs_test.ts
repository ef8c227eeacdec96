/**
 * Random programs and networks on each target: they agree with the interpreter; on WebAssembly with
 * the same bits on any number of threads, with addresses of 32 bits and of 64.
 * @module
 */
import fc from "fast-check";
import type { Host } from "../../lib/core/host.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { stage } from "../../lib/stage/stage.ts";
import { valueOf } from "../ops/case_values.ts";
import { program, steps } from "../plan/programs.ts";
import { assert } from "../std.ts";
import { openTargets } from "../targets.ts";
import { loadShared, type OpenPlace, openPlace } from "../wasm/places.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "./judge.ts";

const { machine, test } = await openTargets("wasm, 1 thread", "wasm, not fused", "webgpu");
const places = new Map<string, OpenPlace>();
Deno.test.beforeAll(() => {
  places.set("3 threads", openPlace({ threads: 3 }));
  places.set("64 bits", openPlace({ threads: 2, wide: true }));
});
Deno.test.afterAll(() => places.forEach((place) => place.dispose()));

const near = { rtol: 1e-4, atol: 1e-4 };
const some = (shape: readonly number[], seed: number): Host =>
  valueOf({ type: f32(shape), from: -1, to: 1 }, seed);
const hosts = [some([3, 4], 1), some([4], 2), some([4, 3], 3), some([1, 4], 4)];

/** Runs a body on the graphs of random programs. */
async function programs(
  numRuns: number,
  body: (graph: ReturnType<typeof stage>, want: readonly Host[]) => Promise<void>,
): Promise<void> {
  let nodes = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (list, pick) => {
      const f = (...xs: Tensor[]) => {
        const made = program(list, xs);
        nodes += made.length;
        return made.length ? [made[made.length - 1], made[pick % made.length]] : xs;
      };
      const graph = stage(f, hosts.map(({ dtype, shape }) => ({ dtype, shape })));
      await body(graph, meant(graph, hosts));
    }),
    { numRuns, seed: 23 },
  );
  assert(nodes > 4 * numRuns, `programs are not empty: ${nodes}`);
}

test(
  "wasm, 1 thread",
  "random programs have the same bits on 3 threads and with 64 bits",
  async () => {
    await programs(200, async (graph, want) => {
      const loaded = await machine("wasm, 1 thread").compile(graph, { once: true });
      const one = await valuesFrom(loaded, hosts);
      loaded.dispose();
      assertNear(one, want, near, "one thread");
      for (const [name, place] of places) {
        const shared = await loadShared(place, graph, { once: true });
        assertSameBits(await valuesFrom(shared, hosts), one, name);
        shared.dispose();
      }
    });
  },
);

for (const [target, numRuns] of [["wasm, not fused", 100], ["webgpu", 40]] as const) {
  test(target, "random programs agree with the interpreter", async () => {
    await programs(numRuns, async (graph, want) => {
      const loaded = await machine(target).compile(graph);
      assertNear(await valuesFrom(loaded, hosts), want, near, target);
      loaded.dispose();
    });
  });
}
