/**
 * Files dumped with each option of inference compute on each target what they compute on the
 * reference.
 * @module
 */
import { resultsOf } from "../../lib/core/graph.ts";
import { constant } from "../../lib/core/leaf.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { gathered } from "../../lib/io/stream.ts";
import { dumpGraph } from "../../lib/mge/dump.ts";
import { inferenceNames } from "../../lib/mge/infer/options.ts";
import { stage } from "../../lib/stage/stage.ts";
import { load } from "../../lib/trace/load.ts";
import { read } from "../../lib/trace/read.ts";
import { worst } from "../ops/case_values.ts";
import { assertEquals } from "../std.ts";
import { targetTests } from "../targets.ts";
import { seeded } from "../mge/dump_networks.ts";
import { networks } from "../mge/inference_networks.ts";

const test = await targetTests("wasm", "webgpu");

test("inference: files of every option agree", async (on) => {
  for (const name of ["varied", "uneven", "photo"]) {
    const { model, types } = networks[name];
    const graph = stage(model as never, types);
    const values = types.map((t, i) => seeded(t, 7 + i));
    const bound = graph.args.map((t, i) => [t.node, values[i]] as const);
    const wants = await evaluate(resultsOf(graph), new Map(bound));
    for (const option of inferenceNames) {
      const bytes = await gathered(dumpGraph(graph, { [option]: true }).emit());
      await using file = await load(bytes, { on, name: option });
      const outs = Object.values(await file(...values.map((v) => constant(v))));
      const within = option.includes("16") ? 1e-2 : 1e-5;
      for (const [k, out] of outs.entries()) {
        const got = await read(out);
        assertEquals(worst(got, wants[k], within, within), undefined, `${name} ${option} ${k}`);
        out.dispose();
      }
    }
  }
});
