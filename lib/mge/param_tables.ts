/**
 * Parameter tables, from the plain data of `model.ts` to npm:flatbuffers' Builder, as `schema.ts`
 * says. Values equal to the default are left out, as MegEngine leaves them out.
 * @module
 */
import type { Builder } from "flatbuffers";
import type {
  AxisDesc,
  FieldValue,
  FileDType,
  FileOpr,
  FileScalar,
  IndexItem,
  Param,
} from "./model.ts";
import { dtypeNumber, type Field, paramTable } from "./schema.ts";
import { refuse, type Tables, u32Vector, writeDType } from "./shared_tables.ts";

/** Writes a parameter table; returns its union number and where it is. */
export function writeParam(tables: Tables, opr: FileOpr, param: Param): { id: number; at: number } {
  const known = paramTable(param.table);
  if (known === undefined) throw refuse(opr, `there is no parameter table ${param.table}`);
  const bad = Object.keys(param.fields).find((name) => !known.fields.some((f) => f.name === name));
  if (bad !== undefined) throw refuse(opr, `the parameter table ${known.name} has no field ${bad}`);
  if (known.name === "DType") {
    return { id: known.id, at: writeDType(tables, param.fields.dtype as FileDType) };
  }
  const { builder } = tables;
  const vectors = known.fields.map((field) => writeVector(builder, field, param.fields));
  builder.startObject(known.fields.length);
  // Slots in order of size, largest first, need the least padding.
  for (const bytes of [8, 4, 1]) {
    for (const [slot, field] of known.fields.entries()) {
      const value = param.fields[field.name];
      if (fieldBytes(field) !== bytes || value === undefined) continue;
      if (vectors[slot] !== 0) builder.addFieldOffset(slot, vectors[slot], 0);
      else addField(builder, slot, field, value, opr);
    }
  }
  return { id: known.id, at: builder.endObject() };
}

function fieldBytes(field: Field): number {
  switch (field.type) {
    case "u64":
    case "f64":
      return 8;
    case "bool":
    case "i8":
    case "scalar":
      return 1;
    default:
      return 4;
  }
}

function addField(b: Builder, slot: number, field: Field, value: FieldValue, opr: FileOpr): void {
  const wrong = () => refuse(opr, `its parameter ${field.name} cannot be ${String(value)}`);
  if (field.type === "scalar") return writeScalar(b, slot, value as FileScalar);
  const stored = field.type === "f32" ? Math.fround(Number(value)) : value;
  if (Object.is(stored, field.fallback)) return;
  const whole = (low: number, high: number) => {
    const n = Number(value);
    if (!Number.isInteger(n) || n < low || n > high) throw wrong();
    return n;
  };
  switch (field.type) {
    case "u32":
      b.addInt32(whole(0, 0xffffffff));
      break;
    case "i32":
      b.addInt32(whole(-0x80000000, 0x7fffffff));
      break;
    case "u64":
      if (typeof value === "number") whole(0, Number.MAX_SAFE_INTEGER);
      b.addInt64(BigInt.asUintN(64, BigInt(value as number | bigint)));
      break;
    case "f32":
    case "f64":
      if (typeof value !== "number") throw wrong();
      if (field.type === "f32") b.addFloat32(value);
      else b.addFloat64(value);
      break;
    case "bool":
      b.addInt8(value ? 1 : 0);
      break;
    case "i8":
      b.addInt8(whole(-128, 127));
      break;
    case "dtype":
    case "i32s":
    case "axisDescs":
    case "indexItems":
      throw wrong(); // these were written before the table began
    default:
      return field.type satisfies never;
  }
  b.slot(slot);
}

function writeVector(b: Builder, field: Field, fields: Param["fields"]): number {
  const value = fields[field.name];
  if (value === undefined) return 0;
  switch (field.type) {
    case "i32s":
      return u32Vector(b, value as readonly number[]);
    case "axisDescs": {
      const list = value as readonly AxisDesc[];
      b.startVector(8, list.length, 4);
      for (const { method, axis } of list.toReversed()) {
        b.prep(4, 8);
        b.writeInt32(axis);
        b.pad(3);
        b.writeInt8(method);
      }
      return b.endVector();
    }
    case "indexItems": {
      const list = value as readonly IndexItem[];
      b.startVector(5, list.length, 1);
      for (const { axis, begin, end, step, idx } of list.toReversed()) {
        b.prep(1, 5);
        for (const flag of [idx, step, end, begin]) b.writeInt8(flag ? 1 : 0);
        b.writeInt8(axis);
      }
      return b.endVector();
    }
    default:
      return 0;
  }
}

/** A struct of a dtype and four bytes, inside its table. */
function writeScalar(b: Builder, slot: number, { dtype, value }: FileScalar): void {
  const bytes = new DataView(new ArrayBuffer(4));
  if (dtype === "Float32") bytes.setFloat32(0, value, true);
  else if (dtype === "Float16") bytes.setFloat16(0, value, true);
  else bytes.setInt32(0, value, true);
  b.prep(1, 5);
  for (const i of [3, 2, 1, 0]) b.writeInt8(bytes.getUint8(i));
  b.writeInt8(dtypeNumber(dtype));
  b.addFieldStruct(slot, b.offset(), 0);
}
