/**
 * The stored history: JSON lines, one file for each target and what it ran on. WebGPU runs on an
 * adapter; the other targets run on a processor, which is named by the system's own words and its
 * number of cores.
 * @module
 */
import type { Result } from "./facts.ts";

const folder = new URL("./results/", import.meta.url).pathname;

/** What a target runs on, in words. */
export async function placeOf(target: string): Promise<string> {
  if (target !== "webgpu") return processor();
  return (await navigator.gpu?.requestAdapter())?.info.description ?? "none";
}

/** Milliseconds of each row in the last stored run; none where nothing is stored. */
export async function stored(target: string, place: string): Promise<Map<string, number>> {
  try {
    const lines = (await Deno.readTextFile(fileOf(target, place))).trim().split("\n");
    const { results } = JSON.parse(lines[lines.length - 1]) as { results: Result[] };
    return new Map(results.map(({ name, ms }) => [name, ms]));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Map();
  }
}

/** Adds a run to the history; gives the file's name. */
export async function store(
  target: string,
  place: string,
  results: readonly Result[],
): Promise<string> {
  const file = fileOf(target, place);
  const [date, deno] = [new Date().toISOString(), Deno.version.deno];
  const line = JSON.stringify({ date, deno, target, adapter: place, results });
  await Deno.writeTextFile(file, `${line}\n`, { append: true });
  return `results/${file.slice(folder.length)}`;
}

/** Files of adapters have no prefix. */
function fileOf(target: string, place: string): string {
  const slug = place.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();
  return `${folder}${target === "webgpu" ? "" : `${target}-`}${slug}.jsonl`;
}

/** Hypervisors give many processors one model name; family and model tell them apart. */
function processor(): string {
  const cores = `${navigator.hardwareConcurrency} cores`;
  try {
    const text = Deno.readTextFileSync("/proc/cpuinfo");
    const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(text)?.[1];
    const name = field("model name");
    if (name) return `${name}, family ${field("cpu family")} model ${field("model")}, ${cores}`;
  } catch {
    // Not Linux.
  }
  return `${Deno.build.os} ${Deno.build.arch}, ${cores}`;
}
