/**
 * Reads V0 and V1: a header, the bytes of all tensors one after another, and the tables. Variable
 * ids are implicit, so every operator type has to be known.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { bytesBetween, type ByteSource } from "../io/bytes.ts";
import { type RawOpr, readMetadata, readOpr, readTensor, slotsV1 } from "./decode.ts";
import { scalarU32, scalarU64 } from "./decode_params.ts";
import { countedOutputs, isFormatted, isHolder, operatorOfV0, operatorOfV1 } from "./ids.ts";
import type { FileLayoutFormat, FileModel, FileOpr, FileTensor, FileValue } from "./model.ts";
import { follow, offsetsField, tableAt, tableField, vectorField } from "./reader.ts";
import { openRegion, type Region } from "./region.ts";
import { tensorBytes } from "./schema.ts";

/** A graph and the position behind it. */
export interface ReadGraph {
  /** The graph. */
  readonly model: FileModel;
  /** Where the next dump would start. */
  readonly end: number;
}

/** Where the parts of a V0 or V1 dump are. */
export interface SpanV1 {
  /** First byte of the tensors. */
  readonly blob: number;
  /** The size prefix of the tables. */
  readonly tables: number;
  /** Behind the tables. */
  readonly end: number;
}

/** Finds the parts of a V0 or V1 dump that starts at a position; both must be inside. */
export async function spanV1(source: ByteSource, start: number, old: boolean): Promise<SpanV1> {
  const header = old ? 16 : 24;
  const cut = (at: number, what: string) =>
    new FormatError(
      `Cannot read the model file: ${what}, but the file has ${source.size} bytes; ` +
        "if it was cut short, try another copy",
      { code: "format.bounds", place: `byte ${at}` },
    );
  if (start + header > source.size) throw cut(source.size, `its header has ${header} bytes`);
  const view = viewOf(await source.read(start + header - 8, 8));
  const blob = start + header;
  const blobBytes = view.getBigUint64(0, true);
  // Compared as a bigint, since 2^64 - 1 plus something is a legal u64 here.
  if (blobBytes > BigInt(source.size - blob) || blob + Number(blobBytes) + 8 > source.size) {
    throw cut(start + header - 8, `its tables start ${blobBytes} bytes after byte ${blob}`);
  }
  const tables = blob + Number(blobBytes);
  const size = viewOf(await source.read(tables, 4)).getUint32(0, true);
  const end = tables + 4 + size;
  if (end > source.size) throw cut(tables, `its tables take ${size} bytes from ${tables + 4}`);
  return { blob, tables, end };
}

/** Reads a V0 (`old`) or V1 dump that starts at a position. */
export async function readV1(source: ByteSource, start: number, old: boolean): Promise<ReadGraph> {
  const span = await spanV1(source, start, old);
  const region = openRegion(source, span.tables, span.end - span.tables);
  const { oprs: positions, ...head } = await region.take(() => readHead(region, old));
  const oprs: FileOpr[] = [];
  let nextId = 0;
  let at = span.blob;
  for (const position of positions) {
    const raw = await region.take(() => readOpr(region, position, slotsV1));
    const known = old ? operatorOfV0(raw.typeId) : operatorOfV1(raw.typeId);
    if (known === undefined) {
      throw new FormatError(
        `Cannot read the model file: its operator ${oprs.length} has the unknown type ` +
          `${raw.typeId}, and this format numbers variables by operator types`,
        { code: "format.operator", place: `byte ${region.start + position}`, values: { ...raw } },
      );
    }
    const type = known.alias;
    const formats = readFormats(region, raw, type);
    const tensors: FileTensor[] = [];
    for (const [i, tensor] of raw.tensors.entries()) {
      const read = await region.take(() => readTensorV1(region, tensor, source, at, type));
      at += read.dataBytes;
      if (at > span.tables) {
        throw region.fault(tensor, `tensors take ${at - span.blob} bytes, more than there are`);
      }
      const format = formats[i];
      tensors.push(format === undefined ? read.tensor : { ...read.tensor, format });
    }
    const count = outputCount(region, raw, type);
    const outputs = Array.from({ length: count }, (_, i) => {
      const name = raw.outputNames?.[i];
      return name === undefined ? { id: nextId + i } : { id: nextId + i, name };
    });
    checkInputs(region, raw, nextId);
    nextId += count;
    oprs.push(assemble(raw, type, outputs, tensors));
  }
  checkOutputs(region, head.outputs, nextId);
  return { model: { ...head, oprs }, end: span.end };
}

/** An operator of the model from its table; leaves out what the table leaves out. */
export function assemble(
  raw: RawOpr,
  type: string,
  outputs: FileOpr["outputs"],
  tensors: readonly FileTensor[],
): FileOpr {
  return {
    type,
    ...(raw.name === undefined ? {} : { name: raw.name }),
    ...(raw.priority === 0 ? {} : { priority: raw.priority }),
    params: raw.params,
    inputs: raw.inputs,
    outputs,
    ...(raw.outputDtype === undefined ? {} : { outputDtype: raw.outputDtype }),
    compNodes: raw.compNodes,
    tensors,
    blobs: isHolder(type) || isFormatted(type) ? [] : raw.blobs,
  };
}

/** Throws if an operator uses a variable that no operator before it makes. */
export function checkInputs(region: Region, raw: RawOpr, nextId: number): void {
  const bad = raw.inputs.find((id) => id >= nextId);
  if (bad !== undefined) {
    throw region.fault(raw.at, `an operator reads variable ${bad} before it is made`);
  }
}

/** Throws if a graph output is a variable that no operator makes. */
export function checkOutputs(region: Region, outputs: FileModel["outputs"], count: number): void {
  const bad = outputs.find((output) => output.compact >= count);
  if (bad !== undefined) {
    throw region.fault(0, `the graph output ${bad.compact} is none of its ${count} variables`);
  }
}

/** Bytes of a tensor in the file, read when they are asked for. */
export function valueIn(source: ByteSource, at: number, bytes: number): FileValue {
  return { bytes, open: () => bytesBetween(source, at, bytes) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readHead(region: Region, old: boolean): Omit<FileModel, "oprs"> & { oprs: number[] } {
  if (region.size < 12) throw region.fault(0, "the tables are shorter than their header");
  const identifier = region.u32(8);
  if (identifier !== 0x3162676d) throw region.fault(8, "the tables lack the identifier mgb1");
  const graph = tableAt(region, follow(region, 4));
  const hash = scalarU64(graph, 1);
  if (hash === 0n) throw region.fault(graph.at, "the graph hash is 0, its dump went wrong");
  const outputs = vectorField(graph, 4, 8, 4);
  const metadata = tableField(graph, 5);
  region.pay(0, 64 * (outputs?.length ?? 0));
  return {
    format: old ? "V0" : "V1",
    version: scalarU32(graph, 0),
    hash,
    oprs: offsetsField(graph, 3),
    outputs: Array.from({ length: outputs?.length ?? 0 }, (_, i) => ({
      compact: region.u32(outputs!.at + 8 * i),
      original: region.u32(outputs!.at + 8 * i + 4),
    })),
    outputAlias: [],
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata, 2, 3) }),
    sharedTensors: scalarU32(graph, 2),
  };
}

function outputCount(region: Region, raw: RawOpr, type: string): number {
  const count = countedOutputs(type, raw.params, raw.inputs.length, raw.tensors.length) ??
    raw.outputNames?.length;
  if (count === undefined) {
    throw region.fault(raw.at, `nothing says how many outputs the ${type} has`);
  }
  // A field states the count of CondExecMerge; each output needs an input in every branch.
  if (count > raw.inputs.length + raw.tensors.length + 8 && raw.outputNames === undefined) {
    throw region.fault(raw.at, `a ${type} states ${count} outputs`);
  }
  if (raw.outputNames !== undefined && raw.outputNames.length < count) {
    throw region.fault(raw.at, `a ${type} names ${raw.outputNames.length} of ${count} outputs`);
  }
  return count;
}

function readTensorV1(
  region: Region,
  position: number,
  source: ByteSource,
  at: number,
  type: string,
): { tensor: FileTensor; dataBytes: number } {
  const table = tableAt(region, position);
  const { name, shape, dtype, compNode } = readTensor(table);
  if (dtype === undefined) throw region.fault(position, "a tensor has no dtype");
  if (compNode === undefined) throw region.fault(position, "a tensor has no comp node");
  const dataBytes = scalarU32(table, 4);
  const offset = scalarU32(table, 5);
  const tensor = name === undefined ? { shape, dtype, compNode } : { name, shape, dtype, compNode };
  const dense = tensorBytes(dtype, shape);
  // No bytes mean no value, but for constants without elements.
  if (dataBytes === 0 && (dense > 0 || type === "Host2DeviceCopy")) return { tensor, dataBytes };
  const held = dataBytes - offset;
  if (held < (isFormatted(type) ? 0 : dense)) {
    throw region.fault(
      position,
      `a ${type} of ${dense} bytes has a value of ${held} bytes`,
    );
  }
  const value = valueIn(source, at + offset, isFormatted(type) ? held : dense);
  return { tensor: { ...tensor, value }, dataBytes };
}

/** Formats of the tensors of an operator, which V1 keeps in blobs. */
function readFormats(
  region: Region,
  raw: RawOpr,
  type: string,
): readonly (FileLayoutFormat | undefined)[] {
  let blobs = raw.blobs;
  if (isHolder(type)) {
    const [first, ...rest] = blobs;
    if (first?.length !== 4 || viewOf(first).getUint32(0, true) !== raw.tensors.length) {
      throw region.fault(raw.at, `a ${type} states another number of tensors than it has`);
    }
    blobs = rest;
  }
  if (!isFormatted(type)) return [];
  if (blobs.length !== raw.tensors.length) {
    throw region.fault(raw.at, `a ${type} has ${blobs.length} formats`);
  }
  return blobs.map((blob) => {
    const kind = blob.length < 4 ? -1 : viewOf(blob).getUint32(0, true);
    if (kind === 0) return undefined;
    if (kind === 1 && blob.length >= 5) return { kind: "image2d", alignAxis: blob[4] };
    if (kind === 2 && blob.length >= 6) {
      return { kind: "lowbits", sizeNbits: blob[4], alignSizeInBits: blob[5] };
    }
    throw region.fault(raw.at, `a ${type} has an unknown tensor format`);
  });
}
