/**
 * A file's operators as they stand there, with everything as text: for pictures and tables of files
 * whether or not they can run here.
 * @module
 */
import type { Host } from "../core/host.ts";
import { printElements, printValue } from "../core/print.ts";
import { type Described, namesOf, outputNames } from "./describe.ts";
import type {
  AxisDesc,
  FieldValue,
  FileDType,
  FileModel,
  FileOpr,
  IndexItem,
  Param,
} from "./model.ts";
import { enumMember, paramTable } from "./schema.ts";
import { dtypeText, holdsTensors } from "./weights.ts";

/** A field of an operator's parameters. */
export interface ListedField {
  /** Its name in the format's definition. */
  readonly name: string;
  /** What it holds, as text; members of enums by name. */
  readonly value: string;
  /** True if it is what a file means by leaving it out. */
  readonly usual: boolean;
}

/** A variable that an operator makes. */
export interface ListedVariable extends Omit<Described, "name"> {
  /** Its number in the file. */
  readonly id: number;
  /** Its name, where the file keeps it. */
  readonly name?: string;
  /** Bytes of its value, where the file holds it. */
  readonly bytes?: number;
  /** The first elements of its value, where it is small. */
  readonly value?: string;
}

/** An operator of a file. */
export interface ListedOperator {
  /** Registry alias, such as `ConvolutionV2`. */
  readonly type: string;
  /** Its name, where the file keeps it. */
  readonly name?: string;
  /** What it is to the graph: an input, values that the file holds, or a computation. */
  readonly role: "input" | "values" | "operator";
  /** Its parameters. */
  readonly fields: readonly ListedField[];
  /** The variables that it reads, by number. */
  readonly inputs: readonly number[];
  /** The variables that it makes. */
  readonly outputs: readonly ListedVariable[];
}

/** What a file lists. */
export interface Listing {
  /** Its operators, in its order: operands come before their users. */
  readonly operators: readonly ListedOperator[];
  /** The model's outputs in order, with the variables that they are. */
  readonly outputs: readonly { readonly name: string; readonly id: number }[];
}

/** Lists the operators of a file; `known` gives values that are in memory. */
export function listingOf(model: FileModel, known: (id: number) => Host | undefined): Listing {
  const { oprs, outputs } = model;
  const names = outputNames(model);
  return {
    operators: listed(oprs, known),
    outputs: outputs.map(({ compact }, i) => ({ name: names[i], id: compact })),
  };
}

function listed(
  oprs: readonly FileOpr[],
  known: (id: number) => Host | undefined,
): ListedOperator[] {
  const names = namesOf(oprs);
  return oprs.map((opr) => ({
    type: opr.type,
    ...(opr.name === undefined ? {} : { name: opr.name }),
    role: opr.type === "Host2DeviceCopy" && opr.tensors.length > 0
      ? "input"
      : holdsTensors(opr.type)
      ? "values"
      : "operator",
    fields: opr.params.flatMap(fieldsOf),
    inputs: opr.inputs,
    outputs: opr.outputs.map(({ id, dtype, shape }, i) => ({
      id,
      ...(names.has(id) ? { name: names.get(id)! } : {}),
      ...typeOf(opr.tensors[i]?.dtype ?? dtype, opr.tensors[i]?.shape ?? shape),
      ...valueOf(opr, i, known(id)),
    })),
  }));
}

function typeOf(
  dtype: FileDType | undefined,
  shape: readonly number[] | undefined,
): Omit<Described, "name"> {
  return { ...(dtype ? { dtype: dtypeText(dtype.name) } : {}), ...(shape ? { shape } : {}) };
}

function valueOf(
  opr: FileOpr,
  i: number,
  host: Host | undefined,
): Pick<ListedVariable, "bytes" | "value"> {
  const value = opr.tensors[i]?.value;
  if (!value || !holdsTensors(opr.type)) return {};
  return { bytes: value.bytes, ...(host ? { value: printElements(host) } : {}) };
}

function fieldsOf({ table, fields }: Param): ListedField[] {
  const known = paramTable(table)?.fields;
  return Object.entries(fields).map(([name, value]) => {
    const field = known?.find((f) => f.name === name);
    const number = field?.enumName ? Number(value) : undefined;
    const member = number === undefined ? undefined : enumMember(field!.enumName!, number);
    const empty = Array.isArray(value) && value.length === 0;
    return {
      name,
      value: member ?? fieldText(value),
      usual: empty || (typeof value !== "object" && Number(value) === Number(field?.fallback)),
    };
  });
}

/** Dtypes by name, steps and index items in words, everything else as it is. */
function fieldText(value: FieldValue): string {
  if (typeof value !== "object") return printValue(value);
  if ("value" in value) return printValue(value.value);
  if ("name" in value) {
    const { name, scale, zeroPoint } = value;
    const scaled = scale === undefined ? "" : ` × ${printValue(scale)}`;
    return `${dtypeText(name)}${scaled}${zeroPoint ? `, zero at ${zeroPoint}` : ""}`;
  }
  return `[${value.map(itemText).join(", ")}]`;
}

function itemText(item: number | AxisDesc | IndexItem): string {
  if (typeof item === "number") return printValue(item);
  if ("method" in item) return `${item.method === 0 ? "insert" : "remove"} ${item.axis}`;
  const given = (["begin", "end", "step", "idx"] as const).filter((part) => item[part]);
  return `axis ${item.axis}: ${given.join(" ") || "all"}`;
}
