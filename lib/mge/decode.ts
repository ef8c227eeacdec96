/**
 * Tables that V1 and V2 share, from bytes to the plain data of `model.ts`.
 * @module
 */
import { readDType, readParams, scalar, scalarU32 } from "./decode_params.ts";
import type { FileDType, FileLayoutFormat, FileMetadata, Param } from "./model.ts";
import {
  fieldAt,
  offsetsField,
  stringBytes,
  stringField,
  stringsField,
  type Table,
  tableAt,
  tableField,
  u32s,
  vectorField,
} from "./reader.ts";
import type { Region } from "./region.ts";

/** Fields that the Operator table has in every version, by the slot of each. */
type CommonSlots = Record<
  | "typeId"
  | "name"
  | "param"
  | "extra"
  | "inputs"
  | "compNode"
  | "outputDtype"
  | "tensors"
  | "priority"
  | "blobs",
  number
>;

/** Slots of the Operator table; V1 alone has `outputNames`, V2 alone the other three. */
export type OprSlots = Readonly<
  CommonSlots & Partial<Record<"type" | "outputs" | "version" | "outputNames", number>>
>;

/** Slots of Operator in V0 and V1. */
export const slotsV1: OprSlots = {
  typeId: 0,
  param: 1,
  inputs: 3,
  compNode: 4,
  outputNames: 5,
  outputDtype: 6,
  tensors: 7,
  priority: 8,
  blobs: 9,
  extra: 10,
  name: 12,
};

/** Slots of Operator in V2. */
export const slotsV2: OprSlots = {
  type: 0,
  typeId: 1,
  name: 2,
  param: 3,
  extra: 5,
  inputs: 7,
  outputs: 8,
  compNode: 9,
  outputDtype: 10,
  tensors: 11,
  version: 12,
  priority: 13,
  blobs: 14,
};

/** An Operator table as it stands in the file. */
export interface RawOpr {
  /** Where the table is. */
  readonly at: number;
  /** The recorded type, V2 only. */
  readonly type?: string;
  /** The recorded type id. */
  readonly typeId: bigint;
  /** Version of the record; 0 in V1. */
  readonly version: number;
  /** Name of the operator. */
  readonly name?: string;
  /** Parameter tables in order. */
  readonly params: readonly Param[];
  /** Variable ids of the inputs. */
  readonly inputs: readonly number[];
  /** Ids of the outputs, where the table lists them. */
  readonly outputs?: readonly number[];
  /** Names of the outputs, V1 only. */
  readonly outputNames?: readonly string[];
  /** Explicit devices. */
  readonly compNodes: readonly string[];
  /** Stated dtype of the result. */
  readonly outputDtype?: FileDType;
  /** Positions of the Tensor tables. */
  readonly tensors: readonly number[];
  /** Priority; 0 if it is left out. */
  readonly priority: number;
  /** Bytes of the blobs. */
  readonly blobs: readonly Uint8Array[];
}

/** What Tensor and MiddleTensor share. */
export interface RawTensor {
  /** Its name, where kept. */
  readonly name?: string;
  /** Extents. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype?: FileDType;
  /** Device locator. */
  readonly compNode?: string;
}

/** Reads an Operator table, without its tensors. */
export function readOpr(region: Region, at: number, slots: OprSlots): RawOpr {
  const table = tableAt(region, at);
  const listed = slots.outputs !== undefined && fieldAt(table, slots.outputs, 4) !== 0;
  const dtype = tableField(table, slots.outputDtype);
  return {
    at,
    type: slots.type === undefined ? undefined : stringField(table, slots.type),
    typeId: scalar(table, slots.typeId, 8, 0n, (p) => region.u64(p)),
    version: slots.version === undefined ? 0 : scalarU32(table, slots.version),
    name: stringField(table, slots.name),
    params: readParams(table, slots.param, slots.extra),
    inputs: u32s(table, slots.inputs),
    outputs: listed ? u32s(table, slots.outputs!) : undefined,
    outputNames: slots.outputNames === undefined
      ? undefined
      : stringsField(table, slots.outputNames),
    compNodes: offsetsField(table, slots.compNode).map((p) => locator(tableAt(region, p))),
    outputDtype: dtype && readDType(dtype),
    tensors: offsetsField(table, slots.tensors),
    priority: scalar(table, slots.priority, 4, 0, (p) => region.i32(p)),
    blobs: offsetsField(table, slots.blobs).map((p) => {
      const data = vectorField(tableAt(region, p), 0, 1);
      return data === undefined ? new Uint8Array(0) : region.bytes(data.at, data.length);
    }),
  };
}

/** Reads name, shape, comp node and dtype, the first four slots of both tensor tables. */
export function readTensor(table: Table): RawTensor {
  const shape = u32s(table, 1);
  if (shape.length > 7) {
    throw table.region.fault(table.at, `a tensor has rank ${shape.length}, at most 7 is legal`);
  }
  const compNode = tableField(table, 2);
  const dtype = tableField(table, 3);
  return {
    name: stringField(table, 0),
    shape,
    compNode: compNode && locator(compNode),
    dtype: dtype && readDType(dtype),
  };
}

/** Reads a tensor format of the V2 union; undefined for the default one. */
export function readFormat(table: Table, slot: number): FileLayoutFormat | undefined {
  const kind = scalar(table, slot, 1, 0, (p) => table.region.u8(p));
  const value = kind === 2 || kind === 3 ? tableField(table, slot + 1) : undefined;
  if (kind < 2) return undefined;
  if (value === undefined) {
    throw table.region.fault(table.at, `a tensor has no or an unknown format (${kind})`);
  }
  const byte = (at: number) => scalar(value, at, 1, 0, (p) => table.region.u8(p));
  return kind === 2
    ? { kind: "image2d", alignAxis: byte(0) }
    : { kind: "lowbits", sizeNbits: byte(0), alignSizeInBits: byte(1) };
}

/** Reads a Metadata table; V1 and V2 order the last two fields differently. */
export function readMetadata(table: Table, infoSlot: number, optionsSlot: number): FileMetadata {
  const flag = (slot: number) => scalar(table, slot, 1, 0, (p) => table.region.u8(p)) !== 0;
  return {
    isValid: flag(0),
    graphModified: flag(1),
    userInfo: stringBytes(table, infoSlot) ?? new Uint8Array(0),
    optimizeOptions: scalar(table, optionsSlot, 8, 0n, (p) => table.region.u64(p)),
  };
}

function locator(table: Table): string {
  return stringField(table, 0) ?? "";
}
