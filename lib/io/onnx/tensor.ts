/**
 * ONNX's serialized tensors (`TensorProto`, the `.pb` files of its test data), with the values in
 * `raw_data` or in the field of their kind. What refers to another file is refused by that name.
 * @module
 */
import { FormatError } from "../../core/fault.ts";
import { type Host, host } from "../../core/host.ts";
import { sizeOf } from "../../core/type.ts";
import { decode, dtypeOf, type Stored, storedBytes } from "../element.ts";
import { type Field, fieldsOf, varintsOf } from "./wire.ts";

/** A tensor that came from a `TensorProto`. */
export interface OnnxTensor extends Host {
  /** Its name; empty if it has none. */
  readonly name: string;
  /** ONNX's name of its element type, as in `INT64`; it may be wider than `dtype`. */
  readonly stored: string;
}

/** Where typed values stand: the fields of `TensorProto` that are no `raw_data`. */
type Typed = "float_data" | "int32_data" | "int64_data" | "double_data" | "uint64_data";

interface Kind {
  readonly name: string;
  readonly stored: Stored;
  readonly typed: Typed;
}

const kind = (name: string, stored: Stored, typed: Typed): Kind => ({ name, stored, typed });

const kinds: Readonly<Record<number, Kind>> = {
  1: kind("FLOAT", "f4", "float_data"),
  2: kind("UINT8", "u1", "int32_data"),
  3: kind("INT8", "i1", "int32_data"),
  4: kind("UINT16", "u2", "int32_data"),
  5: kind("INT16", "i2", "int32_data"),
  6: kind("INT32", "i4", "int32_data"),
  7: kind("INT64", "i8", "int64_data"),
  9: kind("BOOL", "b1", "int32_data"),
  10: kind("FLOAT16", "f2", "int32_data"),
  11: kind("DOUBLE", "f8", "double_data"),
  12: kind("UINT32", "u4", "uint64_data"),
  13: kind("UINT64", "u8", "uint64_data"),
  16: kind("BFLOAT16", "bf2", "int32_data"),
};

/** Element types that ONNX has and the library has no dtype for. */
const foreign: Readonly<Record<number, string>> = {
  ...{ 0: "of no stated type", 8: "STRING", 14: "COMPLEX64", 15: "COMPLEX128", 17: "FLOAT8E4M3FN" },
  ...{ 18: "FLOAT8E4M3FNUZ", 19: "FLOAT8E5M2", 20: "FLOAT8E5M2FNUZ", 21: "UINT4", 22: "INT4" },
  ...{ 23: "FLOAT4E2M1" },
};

const typedFields: Readonly<Record<number, Typed>> = {
  4: "float_data",
  5: "int32_data",
  7: "int64_data",
  10: "double_data",
  11: "uint64_data",
};

/** No tensor has more; a hostile list of extents would fill the messages. */
const mostAxes = 64;

/** What the fields say, before it is known whether they agree. */
interface Parts {
  readonly dims: bigint[];
  dataType: number;
  name: string;
  raw?: Uint8Array;
  readonly typed: Map<Typed, Field[]>;
  /** Where the values are, if they are in another file. */
  external?: string;
}

/**
 * Reads a serialized `TensorProto`. 64-bit integers and uint32 become i32 where every value fits,
 * double and bfloat16 f32. Damaged bytes, other element types and values in another file are a
 * FormatError; `what` names the tensor in messages.
 */
export function readOnnxTensor(bytes: Uint8Array, what: string = "this ONNX tensor"): OnnxTensor {
  const parts = partsOf(bytes, what);
  const { name, dataType, raw, typed, external } = parts;
  if (external !== undefined) {
    throw refused(what, `its values are in another file, ${external}; store them in this one`);
  }
  const kind = kinds[dataType];
  if (!kind) {
    const known = Object.values(kinds).map(({ name }) => name);
    const found = foreign[dataType] ?? `type ${dataType}`;
    throw refused(
      what,
      `its elements are ${found}; save it as one of ${known.join(" ")}`,
      "format.dtype",
    );
  }
  const shape = shapeOf(parts.dims, what);
  const given = [...typed.keys()];
  const other = given.find((field) => field !== kind.typed);
  if (other) throw refused(what, `its elements are ${kind.name}, and it has ${other}`);
  if (raw?.length && given.length > 0) throw refused(what, `it has raw_data and ${given[0]}`);
  const item = storedBytes(kind.stored);
  const values = raw ?? typedBytes(typed.get(kind.typed) ?? [], kind, what);
  const want = sizeOf(shape) * item;
  if (values.length !== want) {
    throw refused(
      what,
      `${kind.name} [${shape}] takes ${want} bytes, its values have ${values.length}`,
      "format.bounds",
    );
  }
  const type = { dtype: dtypeOf(kind.stored), shape };
  return { ...host(type, decode(values, kind.stored, what)), name, stored: kind.name };
}

function partsOf(bytes: Uint8Array, what: string): Parts {
  const parts: Parts = { dims: [], dataType: 0, name: "", typed: new Map() };
  let elsewhere = false;
  for (const field of fieldsOf(bytes, what)) {
    const typed = typedFields[field.number];
    if (typed) {
      const list = parts.typed.get(typed);
      if (list) list.push(field);
      else parts.typed.set(typed, [field]);
      continue;
    }
    switch (field.number) {
      case 1:
        for (const extent of numbersOf(field, what)) parts.dims.push(extent);
        break;
      case 2:
        parts.dataType = Number(varintOf(field, what));
        break;
      case 3:
        throw refused(what, "it is no whole tensor, but a segment, a sequence or an optional");
      case 8:
        parts.name = textOf(field, what);
        break;
      case 9:
        parts.raw = bytesOf(field, what);
        break;
      case 13:
        parts.external = locationOf(bytesOf(field, what), what) ?? parts.external;
        break;
      case 14:
        elsewhere = varintOf(field, what) === 1n;
        break;
    }
  }
  return elsewhere ? { ...parts, external: parts.external ?? "which it does not name" } : parts;
}

/** The path in an entry of `external_data`, if it is the entry that holds it. */
function locationOf(bytes: Uint8Array, what: string): string | undefined {
  let [key, value] = ["", ""];
  for (const field of fieldsOf(bytes, what)) {
    if (field.number === 1) key = textOf(field, what);
    if (field.number === 2) value = textOf(field, what);
  }
  return key === "location" ? value : undefined;
}

function shapeOf(dims: readonly bigint[], what: string): readonly number[] {
  if (dims.length > mostAxes) throw refused(what, `it has ${dims.length} axes`, "format.bounds");
  return dims.map((bits) => {
    const extent = BigInt.asIntN(64, bits);
    if (extent < 0n || extent > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw refused(what, `${extent} is no extent`, "format.bounds");
    }
    return Number(extent);
  });
}

/** Values from their typed field as the little-endian bytes that `raw_data` would have. */
function typedBytes(fields: readonly Field[], kind: Kind, what: string): Uint8Array {
  if (kind.typed === "float_data" || kind.typed === "double_data") {
    const item = storedBytes(kind.stored);
    const chunks = fields.map((field) => fixedOf(field, item, what));
    const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) out.set(chunk, at), at += chunk.length;
    return out;
  }
  const values = fields.flatMap((field) => numbersOf(field, what));
  const item = storedBytes(kind.stored);
  const out = new Uint8Array(values.length * item);
  const view = new DataView(out.buffer);
  const [low, high] = rangeOf(kind.stored);
  values.forEach((bits, i) => {
    const value = kind.typed === "uint64_data" ? bits : BigInt.asIntN(64, bits);
    if (value < low || value > high) {
      throw refused(
        what,
        `element ${i} of its ${kind.typed} is ${value}, which is no ${kind.name}`,
      );
    }
    if (item === 8) view.setBigUint64(i * 8, BigInt.asUintN(64, value), true);
    else if (item === 4) view.setUint32(i * 4, Number(value), true);
    else if (item === 2) view.setUint16(i * 2, Number(value), true);
    else view.setUint8(i, Number(value));
  });
  return out;
}

/** Halves stand in int32_data as their bits. */
function rangeOf(stored: Stored): [low: bigint, high: bigint] {
  if (stored === "b1") return [0n, 1n];
  const bits = 8n * BigInt(storedBytes(stored));
  if (stored.startsWith("i")) return [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
  return [0n, (1n << bits) - 1n];
}

/** Repeated numbers come packed, or one a field. */
function numbersOf(field: Field, what: string): readonly bigint[] {
  return field.wire === "bytes" ? varintsOf(field.value, what) : [varintOf(field, what)];
}

function fixedOf(field: Field, item: number, what: string): Uint8Array {
  if (field.wire === "varint" || field.value.length % item !== 0) throw wrongWire(field, what);
  return field.value;
}

function varintOf(field: Field, what: string): bigint {
  if (field.wire !== "varint") throw wrongWire(field, what);
  return field.value;
}

function bytesOf(field: Field, what: string): Uint8Array {
  if (field.wire !== "bytes") throw wrongWire(field, what);
  return field.value;
}

function textOf(field: Field, what: string): string {
  return new TextDecoder().decode(bytesOf(field, what));
}

function wrongWire({ number, at, wire }: Field, what: string): FormatError {
  return refused(what, `field ${number} at byte ${at} is ${wire}, so this is no TensorProto`);
}

function refused(what: string, why: string, code: string = "format"): FormatError {
  return new FormatError(`Cannot read ${what}: ${why}`, { code });
}
