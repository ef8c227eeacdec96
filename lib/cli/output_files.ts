/**
 * Outputs of a run as files: a `.npy` each in a folder, or one `.safetensors` for all.
 * @module
 */
import { writeNpy } from "../io/npy.ts";
import { safetensors } from "../io/safetensors.ts";
import { writeTo } from "../io/sink.ts";
import { fileNames, filled, inFolder } from "./path.ts";
import type { NamedValue } from "./runnable.ts";

/** Writes the outputs and gives the file of each; every file appears whole or not at all. */
export async function writeOutputs(
  target: string,
  outputs: readonly NamedValue[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  if (/\.safetensors$/i.test(target)) {
    const file = safetensors(outputs.map(({ name, value }) => [name, value] as const));
    await writeTo(target, file.open(), { signal });
    return outputs.map(() => target);
  }
  const files = fileNames(outputs.map(({ name }) => name)).map((name) =>
    inFolder(target, `${name}.npy`)
  );
  return await filled(target, async () => {
    for (const [i, { value }] of outputs.entries()) {
      await writeTo(files[i], [writeNpy(value)], { signal });
    }
    return files;
  });
}

/** Writes a value as JSON; the file appears whole or not at all. */
export async function writeJson(path: string, value: unknown, signal: AbortSignal): Promise<void> {
  const text = JSON.stringify(value, null, 1) + "\n";
  await writeTo(path, [new TextEncoder().encode(text)], { signal });
}
