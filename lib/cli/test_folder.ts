/**
 * A folder of recorded values: which file holds which tensor, and the folder's own tolerance.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { collect, type Host } from "../core/host.ts";
import { readNpy } from "../io/npy.ts";
import { openSafetensors } from "../io/safetensors.ts";
import type { Tolerance } from "./compare_values.ts";
import { encodedName, inFolder, statOf } from "./path.ts";

/**
 * The recorded values of `inputs` or `outputs` by the model's names, as many as there are. A file
 * that belongs to no name is a FormatError: it would otherwise be passed over in silence.
 */
export async function recordedValues(
  folder: string,
  which: "inputs" | "outputs",
  names: readonly string[],
): Promise<ReadonlyMap<string, Host>> {
  const packed = inFolder(folder, `${which}.safetensors`);
  const plain = inFolder(folder, which);
  const [isPacked, isPlain] = [await statOf(packed), (await statOf(plain))?.isDirectory];
  if (isPacked && isPlain) {
    throw new FormatError(`Cannot read ${folder}: it has both ${which}/ and ${which}.safetensors`);
  }
  if (isPacked) return await packedValues(packed, which, names);
  return isPlain ? await plainValues(plain, which, names) : new Map();
}

/** The tolerance that `tolerance.json` states, if it is there. */
export async function folderTolerance(folder: string): Promise<Partial<Tolerance>> {
  const path = inFolder(folder, "tolerance.json");
  if (!await statOf(path)) return {};
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FormatError(`Cannot read ${path}: it is no JSON (${error.message})`);
  }
  const { rtol, atol } = (value ?? {}) as Record<string, unknown>;
  for (const [name, x] of Object.entries({ rtol, atol })) {
    if (x === undefined || (typeof x === "number" && x >= 0)) continue;
    throw new FormatError(`Cannot read ${path}: ${name} must be a number from 0 on, found ${x}`);
  }
  return {
    ...(rtol === undefined ? {} : { rtol: rtol as number }),
    ...(atol === undefined ? {} : { atol: atol as number }),
  };
}

async function packedValues(
  path: string,
  which: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Host>> {
  const found = new Map<string, Host>();
  for (const [key, source] of (await openSafetensors(path)).tensors) {
    const name = names.includes(key) ? key : nameFor(key, names);
    if (name === undefined) throw stray(`${path} holds "${key}"`, which, names);
    found.set(name, await collect(source));
  }
  return found;
}

async function plainValues(
  path: string,
  which: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Host>> {
  const found = new Map<string, Host>();
  const files: string[] = [];
  for await (const { name } of Deno.readDir(path)) if (name.endsWith(".npy")) files.push(name);
  for (const file of files.sort()) {
    const at = inFolder(path, file);
    const name = nameFor(file.slice(0, -".npy".length), names);
    if (name === undefined) throw stray(`${at} is there`, which, names);
    if (found.has(name)) {
      throw new FormatError(`Cannot read ${path}: two of its files are for ${name}`);
    }
    found.set(name, readNpy(await Deno.readFile(at), at));
  }
  return found;
}

/** The name that is encoded so, or else the one at that position. */
function nameFor(key: string, names: readonly string[]): string | undefined {
  return names.find((name) => encodedName(name) === key) ??
    (/^(0|[1-9]\d*)$/.test(key) ? names[Number(key)] : undefined);
}

function stray(found: string, which: string, names: readonly string[]): FormatError {
  return new FormatError(
    `Cannot use the recorded ${which}: ${found}, the model's ${which} are ` +
      (names.join(", ") || "none"),
    { code: "format.testcase" },
  );
}
