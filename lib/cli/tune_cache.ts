/**
 * `--tune-cache`: kernel choices that one process measured, for the next.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { Machine, Tuning } from "../core/target.ts";
import { writeTo } from "../io/sink.ts";
import { statOf } from "./path.ts";

/** The choices that a file holds; none where there is no file yet. */
export async function readTuning(path: string): Promise<Tuning> {
  if (!(await statOf(path))) return {};
  const refuse = (why: string) =>
    new FormatError(
      `Cannot read the tune cache ${path}: ${why}\n  try another file, or remove this one`,
      { code: "format.tuning" },
    );
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const kernels = (value as { kernels?: unknown } | null)?.kernels;
  if (typeof kernels !== "object" || kernels === null) throw refuse("it has no kernels");
  for (const [key, entry] of Object.entries(kernels)) {
    const { variant, ns } = entry as { variant?: unknown; ns?: unknown } ?? {};
    if (typeof variant !== "string" || typeof ns !== "object" || ns === null) {
      throw refuse(`its entry ${key.slice(0, 60)} states no variant`);
    }
  }
  return kernels as Tuning;
}

/** Keeps the choices; the file appears whole or stays what it was. */
export async function writeTuning(
  path: string,
  kernels: Tuning,
  signal: AbortSignal,
): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(kernels).sort(([a], [b]) => a < b ? -1 : 1));
  const text = JSON.stringify({ kernels: sorted }, null, 1) + "\n";
  await writeTo(path, [new TextEncoder().encode(text)], { signal });
}

/** Says so where `--fast-run` finds nothing to choose from. */
export async function noteChoices(
  machine: Machine,
  log: (line: string) => Promise<void>,
): Promise<void> {
  if (machine.tuning) return;
  await log(`note: ${machine.name} has no kernels to choose from; --fast-run changes nothing`);
}
