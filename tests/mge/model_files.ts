/**
 * Model files for the tests of `lib/mge/`, and models with their values read, for comparing.
 * @module
 */
import { arrayBytes } from "../../lib/io/bytes.ts";
import type { FileModel, FileOpr, FileTensor, FileValue } from "../../lib/mge/model.ts";
import { type ReadFile, readModel } from "../../lib/mge/open_file.ts";

/** A file with its name. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A file under `tests/data`. */
export function dataFile(path: string): Promise<Uint8Array> {
  return Deno.readFile(new URL(`../data/${path}`, import.meta.url));
}

/** All model files of a folder under `tests/data`, in order of their names. */
export async function modelFiles(folder: string): Promise<NamedFile[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(new URL(`../data/${folder}`, import.meta.url))) {
    if (entry.name.endsWith(".mge")) names.push(entry.name);
  }
  const files = names.sort().map(async (name) => ({
    name: `${folder}/${name}`,
    bytes: await dataFile(`${folder}/${name}`),
  }));
  return await Promise.all(files);
}

/** Reads a file in memory. */
export function readBytes(bytes: Uint8Array): Promise<ReadFile> {
  return readModel(arrayBytes(bytes));
}

/** All chunks as one array. */
export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(ReadableStream.from(chunks)).arrayBuffer());
}

/** A value of bytes in memory. */
export function valueOf(bytes: Uint8Array): FileValue {
  return { bytes: bytes.length, open: () => ReadableStream.from([bytes]) };
}

/** A model with the bytes of every value, so that models can be compared. */
export async function withValues(model: FileModel): Promise<object> {
  const oprs = await Promise.all(model.oprs.map(async (opr) => ({
    ...opr,
    tensors: await Promise.all(opr.tensors.map(async (tensor) => ({
      ...tensor,
      value: tensor.value && await joined(tensor.value.open()),
    }))),
  })));
  return { ...model, oprs };
}

/** A tensor of f32 values, on any device. */
export function f32Tensor(shape: readonly number[], value?: FileValue): FileTensor {
  return { shape, dtype: { name: "Float32" }, compNode: "xpux:0", value };
}

/** A model that holds the given tensors and outputs the first. */
export function holding(format: FileModel["format"], tensors: readonly FileTensor[]): FileModel {
  const oprs = tensors.map((tensor, id): FileOpr => ({
    type: "SharedDeviceTensor",
    params: [],
    inputs: [],
    outputs: [{ id, name: `w${id}` }],
    compNodes: [],
    tensors: [tensor],
    blobs: [],
  }));
  return {
    format,
    version: 101300,
    ...(format === "V2" ? { modelVersion: 2 } : {}),
    oprs,
    outputs: [{ compact: 0, original: 7 }],
    outputAlias: [],
    metadata: {
      isValid: true,
      graphModified: false,
      userInfo: Uint8Array.of(0x80, 4, 0x4e, 0x2e, 0, 0xff),
      optimizeOptions: 0x40n,
    },
    sharedTensors: tensors.length,
  };
}
