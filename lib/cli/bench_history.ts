/**
 * The stored history of benches: JSON lines, one file for each target and what it ran on.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { writeTo } from "../io/sink.ts";
import type { BenchColumn } from "./bench_suite.ts";
import { inFolder, statOf } from "./path.ts";

/** Milliseconds of each row in the last stored run; none where nothing is stored. */
export async function stored(
  folder: string,
  column: BenchColumn,
): Promise<ReadonlyMap<string, number>> {
  const path = fileOf(folder, column);
  if (!(await statOf(path))) return new Map();
  const line = (await Deno.readTextFile(path)).trim().split("\n").pop()!;
  try {
    const { results } = JSON.parse(line) as Pick<BenchColumn, "results">;
    return new Map(results.map(({ name, ms }) => [name, Number(ms)]));
  } catch (error) {
    throw new FormatError(
      `Cannot read the history ${path}: its last line is none (${(error as Error).message})`,
      { code: "format.history" },
    );
  }
}

/** Adds a run to the history, whole or not at all; gives the file. */
export async function store(
  folder: string,
  column: BenchColumn,
  signal: AbortSignal,
): Promise<string> {
  const { target, place: adapter, results } = column;
  await Deno.mkdir(folder, { recursive: true });
  const file = fileOf(folder, column);
  const [date, deno] = [new Date().toISOString(), Deno.version.deno];
  const line = JSON.stringify({ date, deno, target, adapter, results }) + "\n";
  await writeTo(file, [new TextEncoder().encode(line)], { append: true, signal });
  return file;
}

/** Files of adapters have no prefix. */
function fileOf(folder: string, { target, place }: BenchColumn): string {
  const slug = place.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();
  return inFolder(folder, `${target === "webgpu" ? "" : `${target}-`}${slug}.jsonl`);
}
