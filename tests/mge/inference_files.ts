/**
 * The operators of a model as text, for recordings of what rewriting gives.
 * @module
 */
import type { FileModel, FileOpr, Param } from "../../lib/mge/model.ts";
import { enumMember, paramTable } from "../../lib/mge/schema.ts";

/** Fields that say what an operator does, where they are not as usual. */
const shown: readonly string[] = [
  ...["mode", "nonlineMode", "format", "compute_mode", "data_type", "sparse", "axis", "exp", "oc"],
  ...["pattern", "dtype"],
];

function field(param: Param, name: string): string | undefined {
  const own = paramTable(param.table)?.fields.find((f) => f.name === name);
  const value = param.fields[name];
  if (!own || value === undefined) return undefined;
  if (name !== "mode" && JSON.stringify(value) === JSON.stringify(own.fallback)) return undefined;
  if (typeof value === "object" && "name" in value) return value.name;
  const member = own.enumName && enumMember(own.enumName, Number(value));
  if (member === "CROSS_CORRELATION") return undefined;
  return name === "mode" || name === "nonlineMode"
    ? member ?? `${value}`
    : `${name}=${member ?? JSON.stringify(value)}`;
}

/** One operator: its result, what it is, and the operands by the numbers of their results. */
function line(o: FileOpr): string {
  const [param] = o.params;
  const words = param ? shown.flatMap((name) => field(param, name) ?? []) : [];
  const [tensor] = o.tensors;
  const what = tensor
    ? [`${tensor.dtype.name}[${tensor.shape}]`, ...(tensor.format ? [tensor.format.kind] : [])]
    : [];
  const out = o.outputs.map(({ id, shape }) => `%${id}[${shape}]`).join(" ");
  return [out, "=", o.type, ...words, ...what, ...o.inputs.map((id) => `%${id}`)].join(" ");
}

/** The operators of a model, one a line. */
export function printed({ oprs }: FileModel): string {
  return oprs.map(line).join("\n");
}
