/**
 * Parameter tables, dtypes and scalars, from bytes to the plain data of `model.ts`, as `schema.ts`
 * says. Fields that a table leaves out get their defaults here.
 * @module
 */
import type { FieldValue, FileDType, FileScalar, Param } from "./model.ts";
import {
  fieldAt,
  follow,
  type Table,
  tableAt,
  tableField,
  u32s,
  type Vector,
  vectorField,
} from "./reader.ts";
import type { Region } from "./region.ts";
import { type Field, fileDTypes, isQuantized, paramTable } from "./schema.ts";

/** Reads a DType table. */
export function readDType(table: Table): FileDType {
  const number = scalar(table, 0, 1, 0, (p) => table.region.u8(p));
  const known = fileDTypes[number];
  if (known === undefined) throw table.region.fault(table.at, `there is no dtype ${number}`);
  const { name } = known;
  if (!isQuantized(name)) return { name };
  const param = tableField(table, 2);
  if (scalar(table, 1, 1, 0, (p) => table.region.u8(p)) !== 1 || param === undefined) {
    throw table.region.fault(table.at, `the dtype ${name} has no scale`);
  }
  const scale = scalar(param, 0, 4, 0, (p) => table.region.f32(p));
  const zeroPoint = scalar(param, 1, 1, 0, (p) => table.region.u8(p));
  return zeroPoint === 0 ? { name, scale } : { name, scale, zeroPoint };
}

/** An unsigned 32-bit field; 0 if it is left out. */
export function scalarU32(table: Table, slot: number): number {
  return scalar(table, slot, 4, 0, (p) => table.region.u32(p));
}

/** An unsigned 64-bit field; 0 if it is left out. */
export function scalarU64(table: Table, slot: number): bigint {
  return scalar(table, slot, 8, 0n, (p) => table.region.u64(p));
}

/** A number in a table, or what its absence means. */
export function scalar<T>(
  table: Table,
  slot: number,
  bytes: number,
  fallback: T,
  read: (at: number) => T,
): T {
  const at = fieldAt(table, slot, bytes);
  return at === 0 ? fallback : read(at);
}

/** The first parameter and the additional ones, in order. */
export function readParams(table: Table, typeSlot: number, extraSlot: number): Param[] {
  const { region } = table;
  const params: Param[] = [];
  const first = scalar(table, typeSlot, 1, 0, (p) => region.u8(p));
  const value = first === 0 ? undefined : tableField(table, typeSlot + 1);
  if (value !== undefined) params.push(readParam(value, first));
  const types = vectorField(table, extraSlot, 1);
  const values = vectorField(table, extraSlot + 1, 4);
  if (types?.length !== values?.length) {
    throw region.fault(table.at, "additional parameters and their types differ in number");
  }
  for (let i = 0; types && values && i < types.length; i++) {
    const type = region.u8(types.at + i);
    if (type === 0) continue;
    params.push(readParam(tableAt(region, follow(region, values.at + 4 * i)), type));
  }
  return params;
}

function readParam(table: Table, type: number): Param {
  const known = paramTable(type);
  if (known === undefined) return { table: `#${type}`, fields: {} };
  const fields: Record<string, FieldValue> = {};
  for (const [slot, field] of known.fields.entries()) {
    const value = readField(table, slot, field);
    if (value !== undefined) fields[field.name] = value;
  }
  return { table: known.name, fields };
}

function readField(table: Table, slot: number, field: Field): FieldValue | undefined {
  const { region } = table;
  const fallback = field.fallback;
  switch (field.type) {
    case "u32":
      return scalar(table, slot, 4, fallback, (p) => region.u32(p));
    case "i32":
      return scalar(table, slot, 4, fallback, (p) => region.i32(p));
    case "u64":
      return scalar(table, slot, 8, fallback, (p) => region.u64(p));
    case "f32":
      return scalar(table, slot, 4, fallback, (p) => region.f32(p));
    case "f64":
      return scalar(table, slot, 8, fallback, (p) => region.f64(p));
    case "bool":
      return scalar(table, slot, 1, fallback, (p) => region.u8(p) !== 0);
    case "i8":
      return scalar(table, slot, 1, fallback, (p) => (region.u8(p) << 24) >> 24);
    case "scalar": {
      const at = fieldAt(table, slot, 5, 1);
      return at === 0 ? undefined : readScalar(region, at);
    }
    case "dtype":
      return readDType(table);
    case "i32s":
      return u32s(table, slot).map((n) => n | 0);
    case "axisDescs":
      return items(region, vectorField(table, slot, 8, 4), 8, (p) => ({
        method: region.u8(p),
        axis: region.i32(p + 4),
      }));
    case "indexItems":
      return items(region, vectorField(table, slot, 5, 1), 5, (p) => ({
        axis: (region.u8(p) << 24) >> 24,
        begin: region.u8(p + 1) !== 0,
        end: region.u8(p + 2) !== 0,
        step: region.u8(p + 3) !== 0,
        idx: region.u8(p + 4) !== 0,
      }));
    default:
      return field.type satisfies never;
  }
}

function items<T>(
  region: Region,
  vector: Vector | undefined,
  bytes: number,
  read: (at: number) => T,
): T[] {
  if (vector === undefined) return [];
  region.pay(0, 64 * vector.length);
  return Array.from({ length: vector.length }, (_, i) => read(vector.at + bytes * i));
}

/** A PersistentDTypeScalar: a dtype number and four bytes. */
function readScalar(region: Region, at: number): FileScalar {
  const number = region.u8(at);
  const dtype = fileDTypes[number]?.name;
  const view = new DataView(region.bytes(at + 1, 4).buffer);
  switch (dtype) {
    case "Float32":
      return { dtype, value: view.getFloat32(0, true) };
    case "Float16":
      return { dtype, value: view.getFloat16(0, true) };
    case "Int32":
      return { dtype, value: view.getInt32(0, true) };
    case "Int16":
      return { dtype, value: view.getInt16(0, true) };
    case "Int8":
      return { dtype, value: view.getInt8(0) };
    case "Uint16":
      return { dtype, value: view.getUint16(0, true) };
    case "Uint8":
    case "Byte":
    case "Bool":
      return { dtype, value: view.getUint8(0) };
    default:
      throw region.fault(at, `a scalar has the dtype ${dtype ?? number}, which no scalar can have`);
  }
}
