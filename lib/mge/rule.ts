/**
 * What a reading rule is: it turns one operator of a file into calls of the DSL. The accessors
 * here read parameters and the values that must be numbers while staging.
 * @module
 */
import { FormatError, OptionError, StageError } from "../core/fault.ts";
import type { Host } from "../core/host.ts";
import type { Tensor } from "../core/tensor.ts";
import { type DType, isFloat, printType } from "../core/type.ts";
import { as } from "../ops/select.ts";
import { reshape } from "../ops/shape.ts";
import type { FieldValue, FileDType, FileDTypeName, FileOpr } from "./model.ts";
import { enumMember, paramTable } from "./schema.ts";

/** An `AssertEqual` that was met: the error found, and what it may be. */
export interface Check {
  /** What is compared: the output's name before it was asserted. */
  readonly name: string;
  /** The largest relative error, one element. */
  readonly error: Tensor;
  /** The error that is still accepted. */
  readonly most: number;
  /** What was computed, and what was expected. */
  readonly got: Tensor;
  readonly want: Tensor;
}

/** One operator while its file is staged. */
export interface Site {
  /** The operator. */
  readonly opr: FileOpr;
  /** Its operands. */
  readonly ins: readonly Tensor[];
  /** The name that the file keeps for an operand. */
  nameOf(i: number): string | undefined;
  /** The value of an operand, if it is known while staging. */
  known(i: number): Host | undefined;
  /** The quantized element type of an operand, if it has one. */
  quantized(i: number): FileDType | undefined;
  /** States that results hold elements of a quantized type. */
  mark(results: readonly Tensor[], dtype: FileDType): void;
  /** Adds a check that the run evaluates. */
  check(check: Check): void;
}

/** Gives one tensor for each counted output of an operator. */
export type Rule = (site: Site) => readonly Tensor[];

/** Rules by registry alias. */
export type Rules = Readonly<Record<string, Rule>>;

const names: Readonly<Partial<Record<FileDTypeName, DType>>> = {
  Float32: "f32",
  BFloat16: "f32",
  Float16: "f16",
  Int32: "i32",
  Int16: "i16",
  Int8: "i8",
  Uint8: "u8",
  Byte: "u8",
  Uint16: "u16",
  Bool: "bool",
};

/** What holds the elements of a file's element type; none for quantized and low-bit ones. */
export function dtypeOf(name: FileDTypeName): DType | undefined {
  return names[name];
}

/** What an operator is, for messages. */
export function titleOf(opr: FileOpr): string {
  const name = opr.name ?? opr.outputs.find((o) => o.name)?.name;
  return name ? `${opr.type} "${name}"` : opr.type;
}

/** Refuses an operator by name. */
export function refused(site: Pick<Site, "opr">, why: string): FormatError {
  return new FormatError(`Cannot run ${titleOf(site.opr)}: ${why}`, {
    code: "format.operator",
    values: { type: site.opr.type },
  });
}

/** A field of the first parameter table. */
export function field(site: Site, name: string): FieldValue {
  const value = site.opr.params[0]?.fields[name];
  if (value === undefined) throw refused(site, `it has no parameter ${name}`);
  return value;
}

/** A number of the first parameter table. */
export function number(site: Site, name: string): number {
  return Number(field(site, name));
}

/** A pair of numbers, as `stride` for `stride_h` and `stride_w`. */
export function pairOf(site: Site, name: string): readonly [number, number] {
  return [number(site, `${name}_h`), number(site, `${name}_w`)];
}

/** The name of an enum field's member, such as `CROSS_CORRELATION`. */
export function member(site: Site, name: string): string {
  const value = number(site, name);
  const table = paramTable(site.opr.params[0].table);
  const enumName = table?.fields.find((f) => f.name === name)?.enumName;
  return (enumName && enumMember(enumName, value)) ?? String(value);
}

/** The dtype that an enum field or table of dtypes names. */
export function dtypeField(site: Site, name: string): DType {
  const text = member(site, name) as FileDTypeName;
  const dtype = dtypeOf(text);
  if (!dtype) throw refused(site, `there are no elements of ${text} here`);
  return dtype;
}

/** The integers that an operand holds; they must be known while staging. */
export function integers(site: Site, i: number): number[] {
  const value = site.known(i);
  if (!value) {
    throw new StageError(
      `Cannot stage ${titleOf(site.opr)}: operand ${i}, ${printType(site.ins[i])}, must be known ` +
        "while staging, and depends on an input's values\n" +
        "  try to dump the model with that size as a constant",
      { code: "stage.value", values: { type: site.opr.type } },
    );
  }
  return Array.from(value.data as Iterable<number>, Number);
}

/** The shape that an operand holds; files know at most seven axes. */
export function shapeIn(site: Site, i: number): number[] {
  const shape = integers(site, i);
  if (shape.length === 0 || shape.length > 7) {
    throw refused(site, `operand ${i} is a shape of ${shape.length} axes, 1 to 7 are legal`);
  }
  return shape;
}

/** One integer that an operand holds. */
export function integer(site: Site, i: number): number {
  return integers(site, i)[0];
}

/** An axis counted from the front; others than there are, are refused. */
export function axisOf(axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(found) || found < 0 || found >= rank) {
    throw new OptionError(`Cannot take axis ${axis}: there are ${rank} axes`);
  }
  return found;
}

/** Files have no rank 0: one element is `[1]` there. */
export function ranked(t: Tensor): Tensor {
  return t.shape.length === 0 ? reshape(t, { shape: [1] }) : t;
}

const order: readonly DType[] = ["bool", "u8", "i8", "u16", "i16", "i32", "f16", "f32"];

/** Operands in their common dtype: floats before integers, wider before narrower. */
export function promoted(ins: readonly Tensor[]): readonly Tensor[] {
  const top = ins.reduce<DType>(
    (best, t) => order.indexOf(t.dtype) > order.indexOf(best) ? t.dtype : best,
    "bool",
  );
  return ins.map((t) => as(t, top));
}

/** Elements wide enough for sums of products: small integers become i32. */
export function widened(t: Tensor): Tensor {
  return isFloat(t.dtype) ? t : as(t, "i32");
}
