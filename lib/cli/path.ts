/**
 * Paths as commands meet them: whether a file is there, and names of tensors as names of files.
 * @module
 */
import { FormatError } from "../core/fault.ts";

/** A FormatError in plain words if there is no file at the path; the number of bytes if there is. */
export async function fileCheck(path: string): Promise<number> {
  const found = await statOf(path);
  if (!found) {
    throw new FormatError(`Cannot read ${path}: there is no such file; check the path`, {
      code: "format.missing",
    });
  }
  if (found.isDirectory) {
    throw new FormatError(`Cannot read ${path}: it is a folder; name a file in it`);
  }
  return found.size;
}

/** What is at a path, if anything. */
export async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // A path through a file, as in a.mge/b, is no folder either.
    if ((error as { code?: unknown }).code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Makes a folder and fills it; if that fails, what of it was not there before is gone again. */
export async function filled<T>(folder: string, fill: () => Promise<T>): Promise<T> {
  const missing = await topMissing(folder);
  await Deno.mkdir(folder, { recursive: true });
  try {
    return await fill();
  } catch (error) {
    if (missing !== undefined) await Deno.remove(missing, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** The uppermost folder on the way to one that is not there, as far as one may look. */
async function topMissing(folder: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let path = folder.replace(/\/+$/, ""); path !== ""; path = path.replace(/\/*[^/]*$/, "")) {
    try {
      if (await statOf(path)) return missing;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable && missing !== undefined) return missing;
      throw error;
    }
    missing = path;
  }
  return missing;
}

/** A path in a folder, with one slash between. */
export function inFolder(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** A tensor's name as a file's: every character outside `A-Za-z0-9._-` is percent-encoded. */
export function encodedName(name: string): string {
  const hex = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return name.replace(
    /[^A-Za-z0-9._-]/gu,
    (character) => [...new TextEncoder().encode(character)].map(hex).join(""),
  );
}

/** Names of files for tensors, without an ending: encoded names, or positions where these fail. */
export function fileNames(names: readonly string[]): readonly string[] {
  const encoded = names.map(encodedName);
  // File systems take 255 bytes, and some do not tell A from a.
  const distinct = new Set(encoded.map((name) => name.toLowerCase())).size === names.length;
  const fits = encoded.every((name) =>
    name.length > 0 && name.length <= 200 && !/^\.+$/.test(name)
  );
  return distinct && fits ? encoded : names.map((_, i) => String(i));
}
