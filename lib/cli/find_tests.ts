/**
 * The tests below some paths: model files that may hold cases, and folders of a model with its
 * recorded inputs and outputs.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { onnxRefusal } from "./model_argument.ts";
import { inFolder, statOf } from "./path.ts";
import { recordingNames } from "./test_folder.ts";

/** A place where tests are. */
export type TestPlace =
  /** A model file with embedded cases, or without any. */
  | { readonly kind: "file"; readonly name: string; readonly path: string }
  /** A folder with `model.mge` and recorded values. */
  | { readonly kind: "folder"; readonly name: string; readonly path: string };

/** What a folder that is a test may hold besides its model. */
const recordings: readonly string[] = [...recordingNames("inputs"), ...recordingNames("outputs")];

/**
 * Every test below the paths, in the order of their names. A path that is not there and a test in
 * ONNX's layout whose name the filter lets through are a FormatError.
 */
export async function findTests(
  paths: readonly string[],
  filter: RegExp = /(?:)/,
  signal?: AbortSignal,
): Promise<readonly TestPlace[]> {
  const found = new Map<string, TestPlace>();
  for (const path of paths) {
    for await (const place of placesAt(path, filter, signal)) found.set(place.path, place);
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

async function* placesAt(
  given: string,
  filter: RegExp,
  signal: AbortSignal | undefined,
): AsyncGenerator<TestPlace> {
  const path = given.length > 1 ? given.replace(/\/+$/, "") : given;
  const info = await statOf(path);
  if (!info) {
    throw new FormatError(`Cannot check ${path}: there is no such file or folder; check the path`, {
      code: "format.missing",
    });
  }
  if (info.isDirectory) {
    yield* below(path, filter, signal);
    return;
  }
  if (/\.onnx$/i.test(path)) throw onnxRefusal(path);
  yield { kind: "file", name: path, path };
}

async function* below(
  folder: string,
  filter: RegExp,
  signal: AbortSignal | undefined,
): AsyncGenerator<TestPlace> {
  signal?.throwIfAborted();
  const entries: Deno.DirEntry[] = [];
  for await (const entry of Deno.readDir(folder)) entries.push(entry);
  const names = new Set(entries.map(({ name }) => name));
  if (names.has("model.onnx") && filter.test(folder)) {
    throw onnxRefusal(inFolder(folder, "model.onnx"));
  }
  if (names.has("model.mge") && recordings.some((name) => names.has(name))) {
    yield { kind: "folder", name: folder, path: folder };
    return;
  }
  for (const { name, isDirectory, isSymlink } of entries) {
    const path = inFolder(folder, name);
    // A link may lead back up, so only links to files are followed.
    const file = !isDirectory && (!isSymlink || (await statOf(path))?.isFile);
    if (isDirectory) yield* below(path, filter, signal);
    else if (file && name.endsWith(".mge")) yield { kind: "file", name: path, path };
  }
}
