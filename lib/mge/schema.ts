/**
 * Parameter tables, enums and element types of the file format as data. The texts in `params.ts`
 * and `enums.ts` are the tables of the format's definition; this file makes records of them.
 * @module
 */
import { elemwiseText, enumText } from "./enums.ts";
import type { FileDType, FileDTypeName } from "./model.ts";
import { paramText } from "./params.ts";

/** How a field is stored. */
export type FieldType =
  | "u32"
  | "i32"
  | "u64"
  | "f32"
  | "f64"
  | "bool"
  | "i8"
  | "scalar"
  | "dtype"
  | "i32s"
  | "axisDescs"
  | "indexItems";

/** One field of a parameter table. */
export interface Field {
  /** Its name. */
  readonly name: string;
  /** How it is stored. */
  readonly type: FieldType;
  /** Name of the enum whose members it takes. */
  readonly enumName?: string;
  /** What an absent scalar field means. */
  readonly fallback: number | bigint | boolean;
}

/** A parameter table. */
export interface ParamTable {
  /** Its number in the operator parameter union. */
  readonly id: number;
  /** Its name; number 51 is called `param.DType`, number 67 `DType`. */
  readonly name: string;
  /** Fields in slot order. */
  readonly fields: readonly Field[];
}

/** Element types in the order of their numbers, each with the bits of one element. */
export const fileDTypes: readonly { readonly name: FileDTypeName; readonly bits: number }[] = [
  { name: "Float32", bits: 32 },
  { name: "Uint8", bits: 8 },
  { name: "Int8", bits: 8 },
  { name: "Int16", bits: 16 },
  { name: "Int32", bits: 32 },
  { name: "IntB1", bits: 1 },
  { name: "IntB2", bits: 2 },
  { name: "IntB4", bits: 4 },
  { name: "Byte", bits: 8 },
  { name: "Float16", bits: 16 },
  { name: "UintB4", bits: 4 },
  { name: "Quantized8Asymm", bits: 8 },
  { name: "QuantizedS32", bits: 32 },
  { name: "QuantizedS8", bits: 8 },
  { name: "Quantized4Asymm", bits: 4 },
  { name: "QuantizedS4", bits: 4 },
  { name: "QuantizedS16", bits: 16 },
  { name: "BFloat16", bits: 16 },
  { name: "Bool", bits: 8 },
  { name: "Uint16", bits: 16 },
  { name: "QuantizedS1", bits: 1 },
  { name: "Complex64", bits: 64 },
];

const dtypeNumbers = new Map(fileDTypes.map((d, i) => [d.name, i]));

/** Enums by name; the n-th entry of a list without gaps has number n. */
export const fileEnums: ReadonlyMap<string, ReadonlyMap<number, string>> = parseEnums();

/** Modes of Elemwise: name and number of inputs, in the order of their numbers. */
export const elemwiseModes: readonly { readonly name: string; readonly arity: number }[] =
  elemwiseText.trim().split(/\s+/).map((word) => {
    const [name, arity] = word.split(":");
    return { name, arity: Number(arity ?? 1) };
  });

/** Parameter tables; entry n has union number n + 1. */
export const paramTables: readonly ParamTable[] = entries(paramText).map(
  ([name, ...fields], i) => ({ id: i + 1, name, fields: fields.map(parseField) }),
);

const tablesByName = new Map(paramTables.map((table) => [table.name, table]));

/** The parameter table of a union number or a name. */
export function paramTable(key: number | string): ParamTable | undefined {
  return typeof key === "number" ? paramTables[key - 1] : tablesByName.get(key);
}

/** Number of an element type. */
export function dtypeNumber(name: FileDTypeName): number {
  return dtypeNumbers.get(name) ?? -1;
}

/** True for element types that carry a scale. */
export function isQuantized(name: FileDTypeName): boolean {
  return name.startsWith("Quantized");
}

/** Number of a member of a field's enum, by the member's name; a trailing `_` may be left out. */
export function enumNumber(enumName: string, member: string): number | undefined {
  for (const [number, name] of members(enumName)) {
    if (name === member || name === `${member}_`) return number;
  }
  return undefined;
}

/** Name of a member of an enum, without the trailing `_` that some have. */
export function enumMember(enumName: string, number: number): string | undefined {
  return members(enumName).get(number)?.replace(/_$/, "");
}

/** Bytes of a dense tensor; rows of low-bit types are padded to whole bytes. */
export function tensorBytes(dtype: FileDType, shape: readonly number[]): number {
  const { bits } = fileDTypes[dtypeNumber(dtype.name)];
  const inner = shape.length === 0 ? 1 : shape[shape.length - 1];
  return shape.slice(0, -1).reduce((n, extent) => n * extent, Math.ceil(inner * bits / 8));
}

function members(enumName: string): ReadonlyMap<number, string> {
  return fileEnums.get(enumName) ?? new Map();
}

/** Words of each entry: an entry starts at a line that does not start with a blank. */
function entries(text: string): string[][] {
  return text.trim().split(/\n(?=\S)/).map((entry) => entry.trim().split(/\s+/));
}

function parseEnums(): Map<string, ReadonlyMap<number, string>> {
  const all = new Map<string, ReadonlyMap<number, string>>();
  for (const [name, ...words] of entries(enumText)) {
    const numbered = new Map<number, string>();
    let next = 0;
    for (const word of words) {
      const [member, number] = word.split("=");
      if (number !== undefined) next = Number(number);
      numbered.set(next++, member);
    }
    all.set(name, numbered);
  }
  const modes = elemwiseText.trim().split(/\s+/).map((word) => word.split(":")[0]);
  all.set("ElemwiseMode", new Map(modes.map((mode, i) => [i, mode])));
  all.set("DTypeEnum", new Map(fileDTypes.map((dtype, i) => [i, dtype.name])));
  return all;
}

function parseField(text: string): Field {
  const [, name, word, given] = /^(\w+):([^=]+)(?:=(.*))?$/.exec(text) ?? [];
  const type = fieldType(word);
  const fallback = type === "bool"
    ? given === "1"
    : type === "u64"
    ? BigInt(given ?? 0)
    : type === "f32"
    ? Math.fround(Number(given ?? 0))
    : Number(given ?? 0);
  return fileEnums.has(word) ? { name, type, enumName: word, fallback } : { name, type, fallback };
}

function fieldType(word: string): FieldType {
  switch (word) {
    case "u32":
    case "i32":
    case "u64":
    case "f32":
    case "f64":
    case "bool":
      return word;
    case "DTypeEnum":
      return "i8";
    case "DType":
      return "dtype";
    case "PersistentDTypeScalar":
      return "scalar";
    case "[i32]":
      return "i32s";
    case "[AxisDesc]":
      return "axisDescs";
    case "[IndexDescMaskItem]":
      return "indexItems";
    default:
      return "u32"; // every other enum
  }
}
