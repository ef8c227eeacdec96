/**
 * A folder of recorded values: which file holds which tensor, and the folder's own tolerance.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import { arrayEndings, arrayIn, openArrays } from "../io/arrays.ts";
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
  const found: string[] = [];
  for (const name of recordingNames(which)) {
    const info = await statOf(inFolder(folder, name));
    if (info && (name !== which || info.isDirectory)) found.push(name);
  }
  if (found.length > 1) {
    throw new FormatError(`Cannot read ${folder}: it has both ${found[0]} and ${found[1]}`);
  }
  if (found.length === 0) return new Map();
  const path = inFolder(folder, found[0]);
  return found[0] === which
    ? await plainValues(path, which, names)
    : await packedValues(path, which, names);
}

/** The names that recorded values have in a test's folder: a folder, or one file of all. */
export function recordingNames(which: "inputs" | "outputs"): readonly string[] {
  return [which, `${which}.safetensors`, `${which}.npz`];
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
  const arrays = await openArrays(path);
  if (arrays.kind === "one") throw new Error(`internal: ${path} holds arrays by name`);
  for (const key of arrays.names) {
    const name = names.includes(key) ? key : nameFor(key, names);
    if (name === undefined) throw stray(`${path} holds "${key}"`, which, names);
    found.set(name, await arrays.value(key));
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
  for await (const { name } of Deno.readDir(path)) if (endingOf(name)) files.push(name);
  for (const file of files.sort()) {
    const at = inFolder(path, file);
    const name = nameFor(file.slice(0, -endingOf(file)!.length), names);
    if (name === undefined) throw stray(`${at} is there`, which, names);
    if (found.has(name)) {
      throw new FormatError(`Cannot read ${path}: two of its files are for ${name}`);
    }
    found.set(name, await arrayIn(at, name));
  }
  return found;
}

/** The ending of a file of arrays; other files may lie beside them. */
function endingOf(file: string): string | undefined {
  return arrayEndings.find((ending) => file.endsWith(ending));
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
