/**
 * Writes our own dumps for the judge: every case of every operation, and small networks, in V1 and
 * V2, with the values that the CPU reference gives.
 *
 *     deno run -A tests/judge/make_cases.ts FOLDER [NAME]
 * @module
 */
import { type Graph, resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import { isFloat } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { writeNpy } from "../../lib/io/npy.ts";
import { gathered } from "../../lib/io/stream.ts";
import { layOut } from "../../lib/mge/layout.ts";
import { writeModel } from "../../lib/mge/write.ts";
import { dumpCases } from "../mge/dump_cases.ts";

/** A graph as the bytes of a file, with the names of what it takes and gives. */
async function fileOf(graph: Graph, format: "V1" | "V2") {
  const written = writeModel(graph, {
    ...{ format, keepVarName: 1, keepOprName: false, keepParamName: true },
    keepOprPriority: false,
    metadata: {
      ...{ isValid: true, graphModified: false, optimizeOptions: 0x40n },
      userInfo: Uint8Array.of(0x80, 2, 0x4e, 0x2e),
    },
  });
  return { written, bytes: await gathered(layOut(written.model).emit()) };
}

/** A case in the folder layout that `cli.ts check` reads. */
async function writeCase(
  folder: string,
  graph: Graph,
  values: readonly Host[],
  format: "V1" | "V2",
  tolerance: { readonly rtol: number; readonly atol: number },
): Promise<void> {
  const { written, bytes } = await fileOf(graph, format);
  const given = new Map(graph.args.map((t, i) => [t.node, values[i]]));
  const outs = await evaluate(resultsOf(graph), given);
  await Deno.mkdir(`${folder}/inputs`, { recursive: true });
  await Deno.mkdir(`${folder}/outputs`, { recursive: true });
  await Deno.writeFile(`${folder}/model.mge`, bytes);
  const ranked = (h: Host): Host => h.shape.length ? h : { ...h, shape: [1] };
  for (const [k, i] of written.used.entries()) {
    await Deno.writeFile(`${folder}/inputs/${written.inputs[k]}.npy`, writeNpy(ranked(values[i])));
  }
  for (const [k, out] of outs.entries()) {
    await Deno.writeFile(`${folder}/outputs/${k}.npy`, writeNpy(ranked(out)));
  }
  const loose = outs.some(({ dtype }) => isFloat(dtype));
  if (loose) await Deno.writeTextFile(`${folder}/tolerance.json`, JSON.stringify(tolerance));
}

if (import.meta.main) {
  const [folder, only] = Deno.args;
  if (folder === undefined) throw new Error("give a folder to write to");
  let written = 0;
  for (const one of dumpCases()) {
    if (only && !one.name.includes(only)) continue;
    for (const format of ["V1", "V2"] as const) {
      const place = `${folder}/${one.name}.${format.toLowerCase()}`;
      try {
        await writeCase(place, one.graph, one.values, format, one.tolerance);
        written++;
      } catch (error) {
        console.error(`${one.name} ${format}: ${(error as Error).stack}`);
      }
    }
  }
  console.log(`${written} cases in ${folder}`);
}
