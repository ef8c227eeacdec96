/**
 * Writes our own dumps for the judge: every case of every operation, and small networks, in V1 and
 * V2, with the values that the CPU reference gives.
 *
 *     deno run -A tests/judge/make_cases.ts FOLDER [NAME]
 * @module
 */
import { type Graph, resultsOf } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import { isFloat, type Type } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { writeNpy } from "../../lib/io/npy.ts";
import { gathered } from "../../lib/io/stream.ts";
import { layOut } from "../../lib/mge/layout.ts";
import { writeModel } from "../../lib/mge/write.ts";
import { stage } from "../../lib/stage/stage.ts";
import { dump } from "../../lib/trace/dump.ts";
import { type DumpCase, dumpCases } from "../mge/dump_cases.ts";
import { networkCases, seeded } from "../mge/dump_networks.ts";

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

/** The same function dumped with open sizes, and values for a batch of three more. */
async function writeFlexible(folder: string, one: DumpCase, format: "V1" | "V2"): Promise<boolean> {
  const { model, types } = one.source!;
  const batch = types[0].shape[0];
  const stream = dump(model, types, { format: format === "V1" ? "FBS" : "FBS_V2" });
  const { reported, inputs } = await stream.info;
  const bytes = await gathered(stream);
  if (batch === undefined || reported.some((line) => line.startsWith("the sizes"))) return false;
  const more = (t: Type, i: number) =>
    t.shape[0] === batch || !reported.some((line) => line.includes(`arg_${i} is fixed`))
      ? { ...t, shape: t.shape.map((n, a) => a === 0 ? n + 3 : n) }
      : t;
  const others = types.map(more);
  const graph = stage(model, others);
  const values = others.map((t, i) => seeded(t, 5 + i));
  await writeValues(folder, graph, values, one, bytes, inputs);
  return true;
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
  await writeValues(folder, graph, values, { tolerance }, bytes, written.inputs);
}

async function writeValues(
  folder: string,
  graph: Graph,
  values: readonly Host[],
  { tolerance }: Pick<DumpCase, "tolerance">,
  bytes: Uint8Array,
  inputs: readonly string[],
): Promise<void> {
  const given = new Map(graph.args.map((t, i) => [t.node, values[i]]));
  const outs = await evaluate(resultsOf(graph), given);
  await Deno.mkdir(`${folder}/inputs`, { recursive: true });
  await Deno.mkdir(`${folder}/outputs`, { recursive: true });
  await Deno.writeFile(`${folder}/model.mge`, bytes);
  const ranked = (h: Host): Host => h.shape.length ? h : { ...h, shape: [1] };
  for (const name of inputs) {
    const value = values[Number(name.slice("arg_".length))];
    await Deno.writeFile(`${folder}/inputs/${name}.npy`, writeNpy(ranked(value)));
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
  for (const one of [...dumpCases(), ...networkCases()]) {
    if (only && !one.name.includes(only)) continue;
    for (const format of ["V1", "V2"] as const) {
      const place = `${folder}/${one.name}.${format.toLowerCase()}`;
      try {
        await writeCase(place, one.graph, one.values, format, one.tolerance);
        written++;
        if (one.source && await writeFlexible(`${place}.open`, one, format)) written++;
      } catch (error) {
        console.error(`${one.name} ${format}: ${(error as Error).stack}`);
      }
    }
  }
  console.log(`${written} cases in ${folder}`);
}
