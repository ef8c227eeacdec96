/**
 * Maps, reductions and rows as kernels of every target that emits some: each variant agrees with the
 * interpreter of forms.
 * @module
 */
import { wgslJudge } from "../gpu/agree.ts";
import { type Bench, openBench } from "../gpu/run_kernel.ts";
import { wasmJudge } from "../kernels/wasm/agree.ts";
import { f32 } from "../../lib/core/type.ts";
import { s } from "../../lib/core/scalar.ts";
import { edges } from "./edges.ts";
import { mapForm, maps } from "./maps.ts";
import { reductions } from "./reductions.ts";
import { type FormCase, load } from "./values.ts";

const bench = await openBench();
const toWasm = wasmJudge();
const quick = wasmJudge({ thorough: "some" });

function gpuTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name: `wgsl() ${name}${bench ? "" : " (skipped: no WebGPU adapter)"}`,
    ignore: bench === undefined,
    // The device is shared by the tests of this file, so its operations outlive each of them.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => body(bench!),
  });
}

/** What does not hold yet, with the reason. */
const known: Readonly<Record<string, string>> = {
  "sums 60,000 elements within a few roundings":
    "sixteen sums of 3,700 equal elements each are off by 3.6e-5 of the whole",
};

for (const [name, list] of Object.entries(edges)) {
  Deno.test(`wasm() ${name}`, () => {
    for (const one of list()) quick(one);
  });
}

for (const [name, list] of Object.entries({ ...maps, ...reductions })) {
  gpuTest(name, async (bench) => {
    const judge = wgslJudge(bench);
    for (const one of list()) await judge(one);
  });

  Deno.test({
    name: `wasm() ${name}${known[name] ? ` (ignored: ${known[name]})` : ""}`,
    ignore: name in known,
    fn() {
      for (const one of list()) toWasm(one);
    },
  });
}

gpuTest("maps large spaces over two dimensions of work-groups", async (bench) => {
  const small = { ...bench, limits: { ...bench.limits, workgroups: 40 } };
  const type = f32([50_001]);
  const form = mapForm([50_001], [type], "f32", (at) => s.add(load(0, type, at), 1));
  const one: FormCase = { form, tolerance: { rtol: 1e-7, atol: 0 } };
  await wgslJudge(small)(one);
});
