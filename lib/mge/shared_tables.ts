/**
 * The small tables that everything else refers to: comp nodes and dtypes, each written once, and
 * vectors.
 * @module
 */
import { Builder } from "flatbuffers";
import { FormatError } from "../core/fault.ts";
import type { FileDType, FileMetadata, FileOpr } from "./model.ts";
import { dtypeNumber, isQuantized } from "./schema.ts";

/** A builder and the tables that are shared so far. */
export interface Tables {
  /** Where the bytes go, back to front. */
  readonly builder: Builder;
  /** CompNode and DType tables by what they say. */
  readonly shared: Map<string, number>;
}

/** Starts an empty buffer. */
export function newTables(): Tables {
  return { builder: new Builder(4096), shared: new Map() };
}

/** An error about an operator that cannot be written. */
export function refuse(opr: FileOpr, why: string): FormatError {
  const name = opr.outputs[0]?.name ?? opr.name;
  const who = name === undefined ? opr.type : `${opr.type} "${name}"`;
  return new FormatError(`Cannot write ${who}: ${why}`, { code: "format.write" });
}

/** Writes a CompNode table, once for each locator. */
export function writeCompNode(tables: Tables, locator: string): number {
  return once(tables, `node ${locator}`, (builder) => {
    const text = builder.createString(locator);
    builder.startObject(1);
    builder.addFieldOffset(0, text, 0);
    return builder.endObject();
  });
}

/** Writes a DType table, once for each dtype. */
export function writeDType(tables: Tables, dtype: FileDType): number {
  const quantized = isQuantized(dtype.name);
  const key = `dtype ${dtype.name} ${quantized ? `${dtype.scale} ${dtype.zeroPoint ?? 0}` : ""}`;
  return once(tables, key, (builder) => {
    let param = 0;
    if (quantized) {
      builder.startObject(2);
      builder.addFieldFloat32(0, dtype.scale ?? 0, 0);
      builder.addFieldInt8(1, dtype.zeroPoint ?? 0, 0);
      param = builder.endObject();
    }
    builder.startObject(3);
    builder.addFieldInt8(0, dtypeNumber(dtype.name), 0);
    builder.addFieldInt8(1, quantized ? 1 : 0, 0);
    builder.addFieldOffset(2, param, 0);
    return builder.endObject();
  });
}

/** Writes a Metadata table with the slots of a version. */
export function writeMetadata(
  { builder }: Tables,
  metadata: FileMetadata,
  infoSlot: number,
  optionsSlot: number,
): number {
  // The bytes of a pickle, stored as a string without being UTF-8.
  const info = builder.createString(metadata.userInfo);
  builder.startObject(4);
  builder.addFieldInt64(optionsSlot, metadata.optimizeOptions, 0n);
  builder.addFieldOffset(infoSlot, info, 0);
  builder.addFieldInt8(0, metadata.isValid ? 1 : 0, 0);
  builder.addFieldInt8(1, metadata.graphModified ? 1 : 0, 0);
  return builder.endObject();
}

/** A vector of table offsets. */
export function offsetVector(builder: Builder, offsets: readonly number[]): number {
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]);
  return builder.endVector();
}

/** A vector of unsigned 32-bit numbers. */
export function u32Vector(builder: Builder, numbers: readonly number[]): number {
  builder.startVector(4, numbers.length, 4);
  for (let i = numbers.length - 1; i >= 0; i--) builder.addInt32(numbers[i]);
  return builder.endVector();
}

/** A vector of bytes. */
export function bytesVector(builder: Builder, bytes: ArrayLike<number>): number {
  builder.startVector(1, bytes.length, 1);
  for (let i = bytes.length - 1; i >= 0; i--) builder.addInt8(bytes[i]);
  return builder.endVector();
}

function once(tables: Tables, key: string, make: (builder: Builder) => number): number {
  const at = tables.shared.get(key) ?? make(tables.builder);
  tables.shared.set(key, at);
  return at;
}
