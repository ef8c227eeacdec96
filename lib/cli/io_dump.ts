/**
 * `--io-dump`: every value of a run, as text with a line each, or as a folder of arrays.
 * @module
 */
import { hex64, xxh64 } from "../core/hash.ts";
import type { Graph } from "../core/graph.ts";
import { bytesIn, collect, type Host, isHost, isSource } from "../core/host.ts";
import type { Machine } from "../core/target.ts";
import { writeNpy } from "../io/npy.ts";
import { writeTo } from "../io/sink.ts";
import { stage } from "../stage/stage.ts";
import { isExpected, type TestCase } from "../trace/testcase.ts";
import { computedValues, everyValue, type ProgramValue } from "../trace/values.ts";
import { withLeaves } from "./module_model.ts";
import type { Opened } from "./opened.ts";
import { writeJson } from "./output_files.ts";
import { encodedName, filled, inFolder, statOf } from "./path.ts";
import { valueText } from "./value_text.ts";

/** The graph of every value of a model for some inputs, in the order in which they are computed. */
export function graphOfRun(opened: Opened, inputs: readonly Host[]): Graph {
  if (opened.kind === "file") return opened.model.variables(inputs);
  const { source, types, inputs: named } = opened.module;
  const given = withLeaves(types, inputs.map((type, i) => ({ ...named[i], shape: type.shape })));
  return everyValue(stage(source, given));
}

/** The values of a model for some inputs. */
function valuesOfRun(
  opened: Opened,
  inputs: readonly Host[],
  machine: Machine,
): AsyncIterable<ProgramValue> {
  return computedValues(graphOfRun(opened, inputs), inputs, machine);
}

/** The inputs of an embedded case in the model's order. */
export async function inputsOfCase(
  names: readonly string[],
  { values }: TestCase,
): Promise<readonly Host[]> {
  const found: Host[] = [];
  for (const name of names) {
    if (isExpected(name)) continue;
    const { data } = values[name].node;
    if (isHost(data)) found.push(data);
    else if (isSource(data)) found.push(await collect(data));
    else throw new TypeError(`internal: the value of ${name} is not in the file`);
  }
  return found;
}

/** True if the values go to a folder: one that is there, or a path that ends with a slash. */
export async function isFolderTarget(path: string): Promise<boolean> {
  return path.endsWith("/") || ((await statOf(path))?.isDirectory ?? false);
}

/** Writes the values of each run; a file appears whole or not at all. */
export async function writeRuns(
  target: string,
  opened: Opened,
  runs: readonly (readonly Host[])[],
  machine: Machine,
  signal: AbortSignal,
): Promise<void> {
  if (!(await isFolderTarget(target))) {
    const all = async function* () {
      for (const [i, inputs] of runs.entries()) {
        if (runs.length > 1) yield encoded(`case ${i}`);
        for await (const value of valuesOfRun(opened, inputs, machine)) yield encoded(line(value));
      }
    };
    await writeTo(target, all(), { signal });
    return;
  }
  await filled(target, async () => {
    for (const [i, inputs] of runs.entries()) {
      const folder = runs.length > 1 ? inFolder(target, String(i)) : target;
      await writeFolder(folder, valuesOfRun(opened, inputs, machine), signal);
    }
  });
}

/** An array each, and what they are in `index.json`. */
async function writeFolder(
  folder: string,
  values: AsyncIterable<ProgramValue>,
  signal: AbortSignal,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const index: unknown[] = [];
  for await (const { value, ...about } of values) {
    signal.throwIfAborted();
    const number = String(about.index).padStart(4, "0");
    const file = `${number}-${encodedName(about.name).slice(0, 100)}.npy`;
    await writeTo(inFolder(folder, file), [writeNpy(value)], { signal });
    index.push({ ...about, dtype: value.dtype, shape: value.shape, file });
  }
  await writeJson(inFolder(folder, "index.json"), index, signal);
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\n");
}

/** Number, name, operation, hash of the bytes, what the elements are like. */
function line({ index, name, operation, place, value }: ProgramValue): string {
  const hash = hex64(xxh64(bytesIn(value.data)));
  const at = place ? ` at ${place}` : "";
  return `${index} ${JSON.stringify(name)} ${operation} #${hash} ${valueText(value)}${at}`;
}
