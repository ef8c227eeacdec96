/**
 * What a model file holds, described without running it: names, types, sizes, counts.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { sizeOf } from "../core/type.ts";
import type { FileDType, FileModel, FileOpr } from "./model.ts";
import { isQuantized } from "./schema.ts";
import { dtypeText, holdsTensors } from "./weights.ts";

/** An input, output or parameter as a file states it. */
export interface Described {
  /** Its name. */
  readonly name: string;
  /** As in graphs, such as `f32`; for others MegEngine's short name, such as `qs8`. */
  readonly dtype?: string;
  /** Extents; absent where the file does not say them. */
  readonly shape?: readonly number[];
}

/** A tensor that a file holds. */
export interface Parameter {
  /** Its name. */
  readonly name: string;
  /** Its element type. */
  readonly dtype: string;
  /** Its extents. */
  readonly shape: readonly number[];
  /** Bytes in the file. */
  readonly bytes: number;
}

/** The name of an input: it is kept always in well-formed files. */
export function inputName(opr: FileOpr, i: number): string {
  return opr.tensors[0].name ?? opr.outputs[0].name ?? `input${i}`;
}

/** Names of the outputs; those that repeat get a number, those that are not kept too. */
export function outputNames(model: FileModel): string[] {
  const kept = namesOf(model.oprs);
  const alias = new Map(model.outputAlias.map(({ id, name }) => [id, name]));
  const seen = new Map<string, number>();
  return model.outputs.map(({ compact, original }, i) => {
    const name = alias.get(original) ?? kept.get(compact) ?? `unnamed${i}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}[${count}]`;
  });
}

/** The names that a file keeps for its variables; inputs have theirs always. */
export function namesOf(oprs: readonly FileOpr[]): ReadonlyMap<number, string> {
  return new Map(oprs.flatMap((opr) =>
    opr.outputs.flatMap(({ id, name }, i) => {
      const found = name ?? opr.tensors[i]?.name;
      return found ? [[id, found] as const] : [];
    })
  ));
}

/**
 * The name of a value that an operator holds; a variable's name serves too, unless MegEngine made
 * it up from its operands, as in `const<3>[10]`.
 */
export function valueName({ tensors, outputs }: FileOpr, i: number): string | undefined {
  const given = outputs[i]?.name;
  return tensors[i].name ?? (given && /[<{(]/.test(given) ? undefined : given);
}

/** What the file says of each variable. */
export function statesOf(
  oprs: readonly FileOpr[],
): ReadonlyMap<number, FileOpr["outputs"][number]> {
  return new Map(oprs.flatMap((opr) => opr.outputs.map((output) => [output.id, output] as const)));
}

/** The type of a result as staged, else as the file states it; a quantized one by its name. */
export function described(
  t: Tensor | undefined,
  stated: FileDType | undefined,
  state: FileOpr["outputs"][number] | undefined,
): Omit<Described, "name"> {
  const dtype = t && !(stated && isQuantized(stated.name))
    ? t.dtype
    : stated && dtypeText(stated.name);
  const shape = t?.shape ?? state?.shape;
  return { ...(dtype ? { dtype } : {}), ...(shape ? { shape } : {}) };
}

/** Every tensor with a value, but for single numbers, which are constants of the computation. */
export function paramsOf(oprs: readonly FileOpr[]): Parameter[] {
  return oprs.filter((o) => holdsTensors(o.type)).flatMap((opr) =>
    opr.tensors.flatMap((t, i) => {
      if (!t.value || (opr.type === "ImmutableTensor" && sizeOf(t.shape) <= 1)) return [];
      const name = t.name ?? opr.outputs[i]?.name ?? `const${opr.outputs[i]?.id ?? i}`;
      return [{ name, dtype: dtypeText(t.dtype.name), shape: t.shape, bytes: t.value.bytes }];
    })
  );
}

/** How often each operator occurs, by name. */
export function countOf(oprs: readonly FileOpr[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of oprs) counts[type] = (counts[type] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => a < b ? -1 : 1));
}
