/**
 * From a file's model to a function: the operators become calls of the DSL, the tensors that they
 * hold become constants, the inputs become arguments. Staging again for other argument types is
 * staging the kept operators again.
 * @module
 */
import { DTypeError, FormatError, OptionError, ShapeError } from "../core/fault.ts";
import { type Host, isHost } from "../core/host.ts";
import { arg, constant } from "../core/leaf.ts";
import type { Tensor } from "../core/tensor.ts";
import { type DType, type Named, printType, sizeOf } from "../core/type.ts";
import { evaluateNow } from "../cpu/evaluate.ts";
import { reshape } from "../ops/shape.ts";
import type { FileDType, FileModel, FileOpr, FileTensor } from "./model.ts";
import { type Metadata, metadataOf } from "./metadata.ts";
import { type Check, dtypeOf, refused as refusedBy, type Site, titleOf } from "./rule.ts";
import { readingRules } from "./rules/all.ts";
import {
  countOf,
  type Described,
  described,
  inputName,
  namesOf,
  outputNames,
  type Parameter,
  paramsOf,
  statesOf,
  valueName,
} from "./describe.ts";
import { type Listing, listingOf } from "./listing.ts";
import { dtypeText, holdsTensors, valueOf } from "./weights.ts";

/** What a call of an imported function gives. */
export interface Called {
  /** The graph's outputs, in order. */
  readonly outputs: readonly Tensor[];
  /** The quantized element types of outputs that hold such. */
  readonly quantized: readonly (FileDType | undefined)[];
  /** The assertions that were met. */
  readonly checks: readonly Check[];
  /** Every variable that the operators computed, inputs among them, in the file's order. */
  readonly variables: readonly Variable[];
}

/** A variable of a file: an output of one of its operators. */
export interface Variable {
  /** Its name, or operator and number where the file keeps none. */
  readonly name: string;
  readonly value: Tensor;
  /** Its element type where that is a quantized one. */
  readonly quantized?: FileDType;
}

/** A model file as a function. */
export interface Imported {
  readonly inputs: readonly (Described & { readonly shape: readonly number[] })[];
  readonly outputs: readonly Described[];
  readonly params: readonly Parameter[];
  /** How often the file holds each operator, by registry alias. */
  readonly operators: Readonly<Record<string, number>>;
  readonly metadata: Metadata;
  /** The file's operators as they stand there. */
  listing(): Listing;
  /**
   * Why it cannot run: an operator or type without a meaning here, or a size that depends on an
   * input's values (a call with that input constant may still do). Absent if it can.
   */
  readonly refusal?: Error;
  /**
   * Stages the operators for some arguments, one for each input in order. Where the expected value
   * of an assertion is left out, that output is what was computed instead.
   */
  call(ins: readonly (Tensor | undefined)[]): Called;
}

/** Values up to this many elements are computed while staging, as sizes are. */
const few = 64;

/**
 * Makes a function of a model. Small tensors are read now, large ones when they are asked for.
 * `file` is the file's name for messages. A model with operators that have no reading rule is
 * described in full; calling it throws its `refusal`.
 */
export async function importModel(model: FileModel, file?: string): Promise<Imported> {
  const { oprs } = model;
  const givers = oprs.filter((o) => o.type === "Host2DeviceCopy" && o.tensors.length > 0);
  const named = givers.map((o, i) => ({ tensor: o.tensors[0], name: inputName(o, i) }));
  const names = outputNames(model);
  const where = file ? ` of ${file}` : "";
  const leaves = new Map<number, Leaf>();
  let refused: Error | undefined = firstRefusal(oprs, where);
  for (const opr of oprs) {
    if (!holdsTensors(opr.type)) continue;
    for (const [i, output] of opr.outputs.entries()) {
      const tensor = opr.tensors[i];
      if (!tensor?.value) continue;
      const value = await valueOf(tensor).catch((error) => void (refused ??= error));
      if (value) {
        leaves.set(output.id, {
          value: constant(value, valueName(opr, i)),
          dtype: tensor.dtype,
        });
      }
    }
  }
  const call = (ins: readonly (Tensor | undefined)[]): Called => {
    if (refused) throw refused;
    const fitted = checkInputs(named, ins, where);
    return stageOprs(model, leaves, new Map(givers.map((o, i) => [o, fitted[i]])), where);
  };
  const inputs = named.map(({ name, tensor }) => ({
    name,
    dtype: dtypeText(tensor.dtype.name),
    shape: tensor.shape,
  }));
  const found = refused ?? tried(() => call(inputs.map((t) => arg(t as Named))));
  const refusal = found instanceof Error ? found : undefined;
  const types = found instanceof Error ? undefined : found;
  const states = statesOf(oprs);
  return {
    inputs,
    outputs: model.outputs.map(({ compact }, i) => ({
      name: names[i],
      ...described(
        types?.outputs[i],
        types?.quantized[i] ?? states.get(compact)?.dtype,
        states.get(compact),
      ),
    })),
    params: paramsOf(oprs),
    operators: countOf(oprs),
    metadata: metadataOf(model),
    listing: () =>
      listingOf(model, (id) => leaves.has(id) ? hostOf(leaves.get(id)!.value) : undefined),
    ...(refusal ? { refusal } : {}),
    call,
  };
}

interface Leaf {
  readonly value: Tensor;
  readonly dtype: FileDType;
}

function tried<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (error) {
    return error as Error;
  }
}

/** Runs the reading rules in file order. */
function stageOprs(
  model: FileModel,
  leaves: ReadonlyMap<number, Leaf>,
  given: ReadonlyMap<FileOpr, Tensor | undefined>,
  where: string,
): Called {
  const values = new Map<number, Tensor>();
  const quantized = new Map<Tensor, FileDType>();
  const checks: Check[] = [];
  const names = namesOf(model.oprs);
  for (const [id, leaf] of leaves) {
    values.set(id, leaf.value);
    if (!dtypeOf(leaf.dtype.name)) quantized.set(leaf.value, leaf.dtype);
  }
  for (const opr of model.oprs) {
    if (given.has(opr)) {
      const input = given.get(opr);
      if (input) values.set(opr.outputs[0].id, input);
    }
    if (given.has(opr) || holdsTensors(opr.type)) continue;
    const ins = opr.inputs.map((id) => values.get(id)!);
    if (ins.includes(undefined!)) {
      if (opr.type === "AssertEqual" && ins[1]) values.set(opr.outputs[0].id, ins[1]);
      continue;
    }
    const site: Site = {
      opr,
      ins,
      nameOf: (i) => names.get(opr.inputs[i]),
      known: (i) => hostOf(ins[i]),
      quantized: (i) => quantized.get(ins[i]),
      mark: (results, dtype) => results.forEach((t) => quantized.set(t, dtype)),
      check: (check) => checks.push(check),
    };
    try {
      if (!takesQuantized(opr) && ins.some((t) => quantized.has(t))) {
        throw refusedBy(site, "an operand is quantized, and it has no meaning for such here");
      }
      const results = readingRules[opr.type](site);
      opr.outputs.forEach(({ id }, i) => values.set(id, folded(results[i], ins)));
    } catch (error) {
      throw placed(error, opr, where);
    }
  }
  const outputs = model.outputs.map(({ compact }) => {
    const found = values.get(compact);
    if (!found) throw new FormatError(`Cannot run the model${where}: no operator makes an output`);
    return found;
  });
  const variables = model.oprs.filter((opr) => !holdsTensors(opr.type)).flatMap((opr) =>
    opr.outputs.flatMap(({ id }): Variable[] => {
      const value = values.get(id);
      const name = names.get(id) ?? `${opr.type}#${id}`;
      return value ? [{ name, value, quantized: quantized.get(value) }] : [];
    })
  );
  return { outputs, quantized: outputs.map((t) => quantized.get(t)), checks, variables };
}

function takesQuantized(opr: FileOpr): boolean {
  return opr.type === "TypeCvtV2" || readingRules[opr.type] === readingRules.Identity;
}

/** Says which operator of which file an error is about; damage that only a rule meets is named. */
function placed(error: unknown, opr: FileOpr, where: string): unknown {
  if (!(error instanceof Error)) return error;
  if (!("code" in error)) {
    return new FormatError(
      `Cannot run ${
        titleOf(opr)
      }${where}: its operands or parameters make no sense (${error.message})`,
      { code: "format.operator", values: { type: opr.type, cause: error } },
    );
  }
  if (!error.message.includes("\n  in operator ")) {
    error.message += `\n  in operator ${titleOf(opr)}${where}`;
  }
  return error;
}

function hostOf(t: Tensor): Host | undefined {
  return isHost(t.node.data) ? t.node.data : undefined;
}

/** Few elements of known operands are computed now: sizes come out of such arithmetic. */
function folded(t: Tensor, ins: readonly Tensor[]): Tensor {
  if (t.node.data || sizeOf(t.shape) > few || ins.includes(t)) return t;
  return ins.every((x) => hostOf(x) && sizeOf(x.shape) <= few) ? constant(evaluateNow([t])[0]) : t;
}

function firstRefusal(oprs: readonly FileOpr[], where: string): FormatError | undefined {
  for (const opr of oprs) {
    if (opr.type === "Host2DeviceCopy") {
      const bad = opr.tensors.find((t) => !dtypeOf(t.dtype.name));
      if (bad) return unrunnable(opr, where, `its elements are of ${bad.dtype.name}`);
      continue;
    }
    if (holdsTensors(opr.type)) {
      const bad = opr.tensors.find((t) => t.format && t.format.kind !== "image2d");
      if (bad) return unrunnable(opr, where, `its tensor is arranged as ${bad.format!.kind}`);
      continue;
    }
    if (!(opr.type in readingRules)) {
      return unrunnable(opr, where, "no operation here has that operator's meaning");
    }
  }
  return undefined;
}

function unrunnable(opr: FileOpr, where: string, why: string): FormatError {
  return new FormatError(
    `Cannot run ${titleOf(opr)}${where}: ${why}\n  try inspect, which shows the whole file`,
    { code: "format.operator", values: { type: opr.type } },
  );
}

/** Arguments may have other extents than the file's inputs, not other dtypes. */
function checkInputs(
  named: readonly { readonly name: string; readonly tensor: FileTensor }[],
  ins: readonly (Tensor | undefined)[],
  where: string,
): (Tensor | undefined)[] {
  const list = named.map(({ name }) => name).join(", ");
  if (ins.length !== named.length) {
    throw new ShapeError(
      `Cannot call the model${where} with ${ins.length} tensors: its inputs are ${list}`,
    );
  }
  return named.map(({ name, tensor: { dtype: { name: stored }, shape } }, i) => {
    const t = ins[i];
    if (!t) {
      if (name.endsWith(":expect")) return undefined;
      throw new OptionError(
        `Cannot call the model${where} without ${name}: its inputs are ${list}`,
      );
    }
    const dtype = dtypeOf(stored) as DType;
    if (t.dtype !== dtype) {
      throw new DTypeError(
        `Cannot call the model${where} with ${name}: ${printType(t)}: it is ` +
          `${printType({ dtype, shape })}\n  try cast(x, { dtype: "${dtype}" })`,
      );
    }
    // files have no rank 0
    return t.shape.length === 0 ? reshape(t, { shape: [1] }) : t;
  });
}
