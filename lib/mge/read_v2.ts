/**
 * Reads V2: one flatbuffer with the tensors' bytes between its tables. Only pages with tables are
 * fetched; values stay in the file until they are asked for.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { ByteSource } from "../io/bytes.ts";
import { type RawOpr, readFormat, readMetadata, readOpr, readTensor, slotsV2 } from "./decode.ts";
import { scalarU32 } from "./decode_params.ts";
import { countedOutputs, operatorOfV2 } from "./ids.ts";
import type { FileModel, FileOpr, FileOutput, FileTensor } from "./model.ts";
import { assemble, checkInputs, checkOutputs, type ReadGraph, valueIn } from "./read_v1.ts";
import { follow, offsetsField, stringField, tableAt, tableField, vectorField } from "./reader.ts";
import { openRegion, type Region } from "./region.ts";
import { tensorBytes } from "./schema.ts";

/** Where a V2 dump that starts at a position ends, as its size prefix says. */
export async function endOfV2(source: ByteSource, start: number): Promise<number> {
  const bytes = await source.read(start, 4);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (start + 4 + size > source.size || size < 21) {
    throw new FormatError(
      `Cannot read the model file: it states ${size} bytes from byte ${start + 4}, but the file ` +
        `has ${source.size} bytes; if it was cut short, try another copy`,
      { code: "format.bounds", place: `byte ${start}` },
    );
  }
  return start + 4 + size;
}

/** Reads a V2 dump that starts at a position. */
export async function readV2(source: ByteSource, start: number): Promise<ReadGraph> {
  const end = await endOfV2(source, start);
  const region = openRegion(source, start, end - start);
  const { oprs: positions, middle, outputsAt, aliasAt, ...head } = await region.take(
    () => readHead(region),
  );
  const oprs: FileOpr[] = [];
  let nextId = 0;
  for (const position of positions) {
    const raw = await region.take(() => readOpr(region, position, slotsV2));
    const tensors: FileTensor[] = [];
    for (const tensor of raw.tensors) {
      tensors.push(await region.take(() => readTensorV2(region, tensor, source)));
    }
    const ids = outputIds(region, raw, nextId);
    const outputs: FileOutput[] = [];
    for (const id of ids) {
      const at = middle[id];
      outputs.push(at === undefined ? { id } : await region.take(() => readMiddle(region, at, id)));
    }
    checkInputs(region, raw, nextId);
    nextId += ids.length;
    const known = operatorOfV2(raw.typeId, raw.version);
    const opr = assemble(raw, known?.alias ?? raw.type ?? "", outputs, tensors);
    const unknown = { typeId: raw.typeId, version: raw.version };
    oprs.push(known === undefined ? { ...opr, unknown } : opr);
  }
  const outputs: { compact: number; original: number }[] = [];
  for (const at of outputsAt) outputs.push(await region.take(() => readOutput(region, at)));
  const outputAlias: { id: number; name: string }[] = [];
  for (const at of aliasAt) outputAlias.push(await region.take(() => readAlias(region, at)));
  checkOutputs(region, outputs, nextId);
  return { model: { ...head, oprs, outputs, outputAlias }, end };
}

interface Head extends Omit<FileModel, "oprs" | "outputs" | "outputAlias"> {
  /** Positions of the Operator tables. */
  readonly oprs: number[];
  /** Positions of the MiddleTensor tables, by variable id. */
  readonly middle: number[];
  /** Positions of the OutputVar tables. */
  readonly outputsAt: number[];
  /** Positions of the OutputAlias tables. */
  readonly aliasAt: number[];
}

function readHead(region: Region): Head {
  const model = tableAt(region, follow(region, 4));
  const metadata = tableField(model, 7);
  return {
    format: "V2",
    version: scalarU32(model, 0),
    modelVersion: scalarU32(model, 1),
    oprs: offsetsField(model, 2),
    middle: offsetsField(model, 3),
    outputsAt: offsetsField(model, 4),
    aliasAt: offsetsField(model, 5),
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata, 3, 2) }),
    sharedTensors: scalarU32(model, 6),
  };
}

function readOutput(region: Region, at: number): { compact: number; original: number } {
  const output = tableAt(region, at);
  return { compact: scalarU32(output, 0), original: scalarU32(output, 1) };
}

function readAlias(region: Region, at: number): { id: number; name: string } {
  const alias = tableAt(region, at);
  return { id: scalarU32(alias, 0), name: stringField(alias, 1) ?? "" };
}

/** Ids of the outputs; they must be the next ones, listed or not. */
function outputIds(region: Region, raw: RawOpr, nextId: number): readonly number[] {
  if (raw.outputs !== undefined) {
    for (const [i, id] of raw.outputs.entries()) {
      if (id !== nextId + i) {
        throw region.fault(raw.at, `an operator makes variable ${id}, ${nextId + i} is next`);
      }
    }
    return raw.outputs;
  }
  const known = operatorOfV2(raw.typeId, raw.version);
  const count = known &&
    countedOutputs(known.alias, raw.params, raw.inputs.length, raw.tensors.length);
  if (count === undefined || count > raw.inputs.length + raw.tensors.length + 8) {
    throw region.fault(raw.at, "nothing says how many outputs an operator has");
  }
  return Array.from({ length: count }, (_, i) => nextId + i);
}

function readMiddle(region: Region, at: number, id: number): FileOutput {
  const table = tableAt(region, at);
  const { name, shape, dtype } = readTensor(table);
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(shape.length === 0 ? {} : { shape }),
    ...(dtype === undefined ? {} : { dtype }),
  };
}

function readTensorV2(region: Region, position: number, source: ByteSource): FileTensor {
  const table = tableAt(region, position);
  const { name, shape, dtype, compNode } = readTensor(table);
  if (dtype === undefined) throw region.fault(position, "a tensor has no dtype");
  if (compNode === undefined) throw region.fault(position, "a tensor has no comp node");
  const format = readFormat(table, 4);
  const data = vectorField(table, 6, 1);
  const dense = tensorBytes(dtype, shape);
  if (data !== undefined && format === undefined && data.length !== dense) {
    throw region.fault(
      position,
      `a tensor of ${dense} bytes has a value of ${data.length} bytes`,
    );
  }
  return {
    ...(name === undefined ? {} : { name }),
    shape,
    dtype,
    compNode,
    ...(format === undefined ? {} : { format }),
    ...(data === undefined ? {} : { value: valueIn(source, region.start + data.at, data.length) }),
  };
}
