/**
 * Every recorded model file that agrees on the reference agrees on the other targets too, through
 * `load`.
 * @module
 */
import { assertEquals } from "../std.ts";
import { constant } from "../../lib/core/leaf.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { goldenCases, pythonCases, type RecordedCase } from "../tools/unpack_cases.ts";
import { difference, hostOf } from "../mge/run_cases.ts";
import type { Machine } from "../../lib/core/target.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests("wasm", "wasm, not fused", "webgpu");

/** Runs the cases that have a meaning here; gives how many agree and which differ. */
async function runAll(on: Machine, cases: readonly RecordedCase[]) {
  let agrees = 0;
  const differing: string[] = [];
  for (const one of cases) {
    try {
      await using model = await load(one.model, { on, name: one.name });
      if (model.refusal) continue;
      const out = await model(...one.inputs.map((x) => constant(hostOf(x))));
      const values = Object.values(out);
      let wrong: string | undefined;
      for (const want of one.outputs) {
        const got = await read(values[want.position]);
        wrong ??= difference(got, hostOf(want), one.tolerance);
      }
      for (const t of values) t.dispose();
      if (wrong) differing.push(`${one.name}: ${wrong}`);
      else agrees++;
    } catch (error) {
      const { message } = error as Error;
      // Files of a rank past 7 have no meaning; the reference says so too.
      if (!/rank 8/.test(message)) differing.push(`${one.name}: ${message}`);
    }
  }
  return { agrees, differing };
}

test("files of the MegEngine core: 386 agree", async (on) => {
  const { agrees, differing } = await runAll(on, await goldenCases());
  assertEquals(differing.slice(0, 5), []);
  assertEquals(agrees, 386);
});

test("files of the Python package: all 218 agree", async (on) => {
  const { agrees, differing } = await runAll(on, await pythonCases());
  assertEquals(differing.slice(0, 5), []);
  assertEquals(agrees, 218);
});
