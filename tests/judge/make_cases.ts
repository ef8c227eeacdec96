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
import { dumpGraph } from "../../lib/mge/dump.ts";
import type { DumpOptions } from "../../lib/mge/dump_options.ts";
import { inferenceNames } from "../../lib/mge/infer/options.ts";
import { stage } from "../../lib/stage/stage.ts";
import { dump } from "../../lib/trace/dump.ts";
import { type DumpCase, dumpCases } from "../mge/dump_cases.ts";
import { networkCases, seeded } from "../mge/dump_networks.ts";
import { networks } from "../mge/inference_networks.ts";
import { dumpAgain, recordedDumps } from "../mge/remade.ts";
import { npy } from "../tools/unpack_cases.ts";

/** A graph as the bytes of a file, with the names of what it takes and gives. */
async function fileOf(graph: Graph, options: DumpOptions) {
  const dumped = dumpGraph(graph, { ...options, keepParamName: true });
  return { inputs: dumped.info.inputs, bytes: await gathered(dumped.emit()) };
}

/** The same function dumped with open sizes, and values for a batch of three more. */
async function writeFlexible(
  folder: string,
  one: DumpCase,
  options: DumpOptions,
): Promise<boolean> {
  const { model, types } = one.source!;
  const batch = types[0].shape[0];
  const stream = dump(model, types, options);
  const { reported, inputs, outputs } = await stream.info;
  const bytes = await gathered(stream);
  if (batch === undefined || reported.some((line) => line.startsWith("the sizes"))) return false;
  const more = (t: Type, i: number) =>
    t.shape[0] === batch || !reported.some((line) => line.includes(`arg_${i} is fixed`))
      ? { ...t, shape: t.shape.map((n, a) => a === 0 ? n + 3 : n) }
      : t;
  const others = types.map(more);
  const graph = stage(model, others);
  const values = others.map((t, i) => seeded(t, 5 + i));
  await writeValues(folder, graph, values, one, bytes, inputs, outputs);
  return true;
}

/** A case in the folder layout that `cli.ts check` reads. */
async function writeCase(folder: string, one: DumpCase, options: DumpOptions): Promise<void> {
  const { inputs, bytes } = await fileOf(one.graph, options);
  await writeValues(folder, one.graph, one.values, one, bytes, inputs);
}

async function writeValues(
  folder: string,
  graph: Graph,
  values: readonly Host[],
  { tolerance }: Pick<DumpCase, "tolerance">,
  bytes: Uint8Array,
  inputs: readonly string[],
  outputs: readonly string[] = [],
): Promise<void> {
  const given = new Map(graph.args.map((t, i) => [t.node, values[i]]));
  const results = resultsOf(graph);
  // The file has a record's results sorted by their names.
  const order = outputs.map((name) => graph.names.indexOf(name));
  const isRecord = order.length === results.length && order.every((i) => i >= 0);
  const outs = await evaluate(isRecord ? order.map((i) => results[i]) : results, given);
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

/** Layouts whose convolutions the released MegEngine runs on no CPU. */
const elsewhere: ReadonlySet<string> = new Set(["enableHwcd4", "enableChwn4"]);

/** The small networks with every option of inference that a CPU runs. */
function* inferenceCases(): Generator<readonly [DumpCase, DumpOptions]> {
  for (const [name, { model, types }] of Object.entries(networks)) {
    for (const option of inferenceNames) {
      if (elsewhere.has(option)) continue;
      const half = /16/.test(option);
      yield [{
        name: `${option}.${name}`,
        graph: stage(model as never, types),
        source: { model: model as never, types },
        values: types.map((t, i) => seeded(t, 77 + i)),
        tolerance: half ? { rtol: 2e-2, atol: 2e-2 } : { rtol: 2e-4, atol: 2e-5 },
      }, { [option]: true }];
    }
  }
}

/** The recorded dumps made again, with the values that MegEngine recorded of the function. */
async function writeRemade(folder: string, only: string | undefined): Promise<number> {
  const all = await recordedDumps();
  let written = 0;
  for (const one of all) {
    const name = `remade.${one.name.replace("/", ".")}`;
    if (only && !name.includes(only) || elsewhere.has(optionOf(one.name))) continue;
    // V2 files of the release compute some functions wrongly, V1 files do not
    const v1 = one.name.replace("/base.v2", "/base.v1").replace("/noopt.v2", "/noopt.v1");
    const { outputs } = all.find((o) => o.name === v1)!;
    const { bytes } = await dumpAgain(one);
    for (const part of ["inputs", "outputs"]) {
      await Deno.mkdir(`${folder}/${name}/${part}`, { recursive: true });
    }
    await Deno.writeFile(`${folder}/${name}/model.mge`, bytes);
    await Deno.writeTextFile(`${folder}/${name}/tolerance.json`, JSON.stringify(one.tolerance));
    for (const tensor of one.inputs) {
      await Deno.writeFile(`${folder}/${name}/inputs/${tensor.name}.npy`, npy(tensor));
    }
    for (const [k, tensor] of outputs.entries()) {
      await Deno.writeFile(`${folder}/${name}/outputs/${k}.npy`, npy(tensor));
    }
    written++;
  }
  return written;
}

/** The option of inference that a recorded dump is named by. */
function optionOf(name: string): string {
  const variant = name.split("/")[1].split(".")[0];
  return `enable${variant[0].toUpperCase()}${variant.slice(1)}`;
}

if (import.meta.main) {
  const [folder, only] = Deno.args;
  if (folder === undefined) throw new Error("give a folder to write to");
  let written = await writeRemade(folder, only);
  const plain = [...dumpCases(), ...networkCases()].map((one) => [one, {}] as const);
  for (const [one, more] of [...plain, ...inferenceCases()]) {
    if (only && !one.name.includes(only)) continue;
    for (const format of ["FBS", "FBS_V2"] as const) {
      const place = `${folder}/${one.name}.${format === "FBS" ? "v1" : "v2"}`;
      try {
        await writeCase(place, one, { ...more, format });
        written++;
        if (one.source && await writeFlexible(`${place}.open`, one, { ...more, format })) written++;
      } catch (error) {
        console.error(`${one.name} ${format}: ${(error as Error).stack}`);
      }
    }
  }
  console.log(`${written} cases in ${folder}`);
}
