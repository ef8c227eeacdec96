/**
 * Random forms as kernels of each target against the interpreter of forms.
 * @module
 */
import { wgslJudge } from "../gpu/agree.ts";
import { openBench } from "../gpu/run_kernel.ts";
import { wasmJudge } from "../kernels/wasm/agree.ts";
import { randomForm } from "./random.ts";

const bench = await openBench();

Deno.test("wasm() computes random forms", () => {
  const judge = wasmJudge({ thorough: "some" });
  for (let seed = 0; seed < 800; seed++) judge(randomForm(seed));
});

Deno.test({
  name: `wgsl() computes random forms${bench ? "" : " (skipped: no WebGPU adapter)"}`,
  ignore: !bench,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const judge = wgslJudge(bench!);
    for (let seed = 0; seed < 40; seed++) await judge(randomForm(seed));
  },
});
