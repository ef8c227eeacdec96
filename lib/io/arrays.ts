/**
 * Arrays in files, whatever holds them: `.npy` one, `.npz` and `.safetensors` several by name,
 * ONNX's `.pb` one that may have a name. The ending says what a file is, or else its first bytes.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { collect, type Host } from "../core/host.ts";
import { type ByteSource, openBytes, readAll } from "./bytes.ts";
import { pictureKind } from "./image.ts";
import { readNpy, readNpz } from "./npy.ts";
import { readOnnxTensor } from "./onnx/tensor.ts";
import { openSafetensors } from "./safetensors.ts";

/** What a file of values is. */
export type FileKind = "npy" | "npz" | "safetensors" | "pb" | "picture";

/** Arrays of a file: one without a name, or several with names. */
export type Arrays =
  | { readonly kind: "one"; readonly value: Host }
  | {
    readonly kind: "named";
    readonly names: readonly string[];
    value(name: string): Promise<Host>;
  };

/** The endings of files of arrays, as messages list them. */
export const arrayEndings: readonly string[] = [".npy", ".npz", ".safetensors", ".pb"];

/** The endings of pictures, as messages list them. */
export const pictureEndings: readonly string[] = [".png", ".jpg", ".webp", ".bmp"];

/** What a file is by its ending, or else by its first bytes; undefined if neither says. */
export async function fileKind(path: string, source: ByteSource): Promise<FileKind | undefined> {
  const ending = endingOf(path);
  if (ending === "npy" || ending === "npz" || ending === "safetensors" || ending === "pb") {
    return ending;
  }
  if (/^(png|jpe?g|webp|bmp)$/.test(ending)) return "picture";
  const head = await source.read(0, Math.min(16, source.size));
  const text = String.fromCharCode(...head);
  if (text.startsWith("\x93NUMPY")) return "npy";
  if (text.startsWith("PK\x03\x04")) return "npz";
  return pictureKind(head) === undefined ? undefined : "picture";
}

/** True for a path that its ending says holds arrays by name. */
export function isNamedArrays(path: string): boolean {
  return ["npz", "safetensors", "pb"].includes(endingOf(path));
}

/** Opens a file of arrays; one that is none is a FormatError. */
export async function openArrays(path: string): Promise<Arrays> {
  const source = await openBytes(path);
  return await arraysIn(path, source, await fileKind(path, source));
}

/** The arrays of an opened file of a kind; `path` is its name in messages. */
export async function arraysIn(
  path: string,
  source: ByteSource,
  kind: FileKind | undefined,
): Promise<Arrays> {
  switch (kind) {
    case "npy":
      return { kind: "one", value: readNpy(await readAll(source), path) };
    case "npz": {
      const arrays = readNpz(await readAll(source), path);
      return named([...arrays.keys()], (name) => Promise.resolve(arrays.get(name)!));
    }
    case "safetensors": {
      const { tensors } = await inFile(path, openSafetensors(source));
      return named([...tensors.keys()], (name) => inFile(path, collect(tensors.get(name)!)));
    }
    case "pb": {
      const value = readOnnxTensor(await readAll(source), path);
      return value.name
        ? named([value.name], () => Promise.resolve(value))
        : { kind: "one", value };
    }
    case "picture":
      throw notArrays(path, "it is a picture");
    case undefined:
      throw notArrays(path, "neither its ending nor its first bytes say what it is");
    default:
      return kind satisfies never;
  }
}

/** The array for a name: that of the name, or the only one there is. */
export async function arrayIn(path: string, name: string): Promise<Host> {
  return await arrayFor(await openArrays(path), path, name);
}

/** The same of arrays that are open. */
export async function arrayFor(arrays: Arrays, path: string, name: string): Promise<Host> {
  if (arrays.kind === "one") return arrays.value;
  const { names } = arrays;
  const found = names.includes(name) ? name : names.length === 1 ? names[0] : undefined;
  if (found !== undefined) return await arrays.value(found);
  throw new FormatError(
    `Cannot take ${name} from ${path}: it has the arrays ${names.join(", ") || "none"}`,
    { code: "format.missing" },
  );
}

/** Errors of a file's bytes say of which file they are. */
async function inFile<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof FormatError && !error.message.includes(path)) {
      error.message += `\n  in ${path}`;
    }
    throw error;
  }
}

function named(names: readonly string[], value: (name: string) => Promise<Host>): Arrays {
  return { kind: "named", names, value };
}

/** The ending of a path or URL, in small letters and without its dot. */
function endingOf(path: string): string {
  return /\.(\w+)(?:[?#][^/]*)?$/.exec(path)?.[1].toLowerCase() ?? "";
}

function notArrays(path: string, why: string): FormatError {
  const [last, ...rest] = arrayEndings.toReversed();
  return new FormatError(
    `Cannot take values from ${path}: ${why}; arrays are in ${rest.reverse().join(", ")} and ` +
      `${last} files`,
    { code: "format.kind" },
  );
}
