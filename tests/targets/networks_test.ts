/**
 * Gradients of random networks of convolutions on WebAssembly: they agree with the interpreter, with
 * the same bits on any number of threads and with addresses of 64 bits.
 * @module
 */
import fc from "fast-check";
import { tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { stage } from "../../lib/stage/stage.ts";
import { mul, sum } from "../../mod.ts";
import { convProgram, convSteps, image } from "../plan/conv_programs.ts";
import { openTargets } from "../targets.ts";
import { loadShared, type OpenPlace, openPlace } from "../wasm/places.ts";
import { assertNear, assertSameBits, meant, valuesFrom } from "./judge.ts";

const { machine, test } = await openTargets("wasm, 1 thread", "wasm, not fused");
const places: OpenPlace[] = [];
Deno.test.beforeAll(() => {
  places.push(openPlace({ threads: 3 }), openPlace({ threads: 2, wide: true }));
});
Deno.test.afterAll(() => places.forEach((place) => place.dispose()));

const hosts = [image([2, 3, 6, 5], 1), image([1, 4, 7, 7], 2), image([1, 8, 4, 6], 3)];
/** Gradients are sums of terms of either sign. */
const near = { rtol: 1e-3, atol: 1e-3 };

test("wasm, 1 thread", "gradients of random networks agree with the interpreter's", async () => {
  await fc.assert(
    fc.asyncProperty(convSteps, async (list) => {
      const loss = (xs: Tensor[]) => {
        const y = convProgram(list, xs).at(-1) ?? xs[0];
        const some = Float32Array.from({ length: sizeOf(y.shape) }, (_, i) => (i % 5 - 2) / 4);
        return sum(mul(y, tensor(some, y.shape)));
      };
      const types = hosts.map(({ dtype, shape }) => ({ dtype, shape }));
      const graph = stage((...xs: Tensor[]) => grad(loss)(xs), types);
      const want = meant(graph, hosts);
      const loaded = await machine("wasm, 1 thread").compile(graph, { once: true });
      const one = await valuesFrom(loaded, hosts);
      loaded.dispose();
      assertNear(one, want, near, "one thread");
      for (const place of places) {
        const shared = await loadShared(place, graph, { once: true });
        assertSameBits(await valuesFrom(shared, hosts), one, "several threads");
        shared.dispose();
      }
      const plain = await machine("wasm, not fused").compile(graph, { once: true });
      assertNear(await valuesFrom(plain, hosts), want, near, "not fused");
      plain.dispose();
    }),
    { numRuns: 60, seed: 31 },
  );
});
