/**
 * Values for inputs as they are written on the command line: `name=#rand(0,1)`, `name=file.npy`,
 * or without the name where that is clear; and as test cases write them, `a:#rand(0,1);b:file.npy`.
 * @module
 */
import { arrayOf, type Host } from "../core/host.ts";
import { type Named, printType, sizeOf } from "../core/type.ts";
import { isNamedArrays, openArrays } from "../io/arrays.ts";
import { randomState } from "../io/random.ts";
import { expandSpecs, isMisnamed, partsOfSpec } from "../mge/case_spec.ts";
import { isDraw } from "../mge/draw.ts";
import type { PictureOptions } from "../mge/picture.ts";
import { valueOfSpec } from "../mge/spec_value.ts";
import { suggestion, usageError } from "./parse.ts";

/** What the values are made for. */
export interface InputOptions extends PictureOptions {
  /** Of the generator behind `#rand`. */
  readonly seed: number;
  /** Axis 0 of every input; values are repeated along it. */
  readonly batch?: number;
  /** Changes each value that came from a file. */
  readonly inputTransform?: (value: Host) => Host;
  /** Hears of values that are taken with a change. */
  readonly log: (line: string) => void;
}

/** The values of the inputs, in their order. Wrong names and missing ones are wrong usage. */
export async function inputValues(
  inputs: readonly Named[],
  specs: readonly string[],
  options: InputOptions,
): Promise<readonly Host[]> {
  const { seed, batch, resizeInput, rgb, inputTransform: transform, log } = options;
  const wanted = await specsByName(inputs, specs);
  const random = randomState(seed);
  const values: Host[] = [];
  for (const input of inputs) {
    const spec = wanted.get(input.name);
    if (spec === undefined) {
      throw usageError(
        `Cannot run the model: there is no value for its input ${input.name}, ` +
          `${printType(input)}; give --input '${input.name}=#rand(0,1)' or a .npy file`,
      );
    }
    const shape = batch === undefined ? input.shape : [batch, ...input.shape.slice(1)];
    const how = { random, transform, resizeInput, rgb, log };
    const value = await valueOfSpec(spec, { ...input, shape }, how);
    values.push(batch === undefined ? value : repeated(value, batch, spec));
  }
  return values;
}

async function specsByName(
  inputs: readonly Named[],
  specs: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const names = inputs.map(({ name }) => name);
  const give = (name: string, spec: string) => {
    if (found.has(name)) throw usageError(`Cannot take two values for the input ${name}`);
    found.set(name, spec);
  };
  for (const text of await expandSpecs(specs)) {
    const fitting = names.filter((name) => text.startsWith(`${name}=`));
    const named = fitting.toSorted((a, b) => b.length - a.length)[0];
    if (named !== undefined) {
      give(named, text.slice(named.length + 1));
      continue;
    }
    const parts = partsOfSpec(text, names);
    for (const part of parts) {
      const { name, spec } = part;
      const alone = parts.length === 1 && !isMisnamed(part);
      const path = alone && !/^[^/]*=/.test(text);
      if (name !== undefined) give(name, spec);
      else if (alone && isDraw(text)) names.forEach((name) => give(name, text));
      else if (path && isNamedArrays(text)) {
        for (const name of await heldNames(text, inputs)) give(name, text);
      } else if (path && names.length === 1) give(names[0], text);
      else throw unknownInput(/^([^=:]*)[=:]/.exec(part.text)?.[1] ?? part.text, text, inputs);
    }
  }
  return found;
}

/** The inputs that a file of named arrays has arrays for; none is wrong usage. */
async function heldNames(path: string, inputs: readonly Named[]): Promise<readonly string[]> {
  const arrays = await openArrays(path);
  const names = arrays.kind === "named" ? arrays.names : [""];
  const wanted = inputs.map(({ name }) => name);
  if (wanted.length === 1 && names.length === 1) return wanted;
  const held = wanted.filter((name) => names.includes(name));
  if (held.length === 0) throw unknownInput(names.join(", ") || "of no name", path, inputs);
  return held;
}

function unknownInput(name: string, text: string, inputs: readonly Named[]): Error {
  const names = inputs.map(({ name }) => name);
  return usageError(
    `Cannot take --input ${text}: the model has no input ${name}, it has ` +
      `${names.join(", ") || "none"}; ${suggestion(name, names)}`,
  );
}

/** The value as often along axis 0 as the batch asks for. */
function repeated(value: Host, batch: number, spec: string): Host {
  const [rows, ...rest] = value.shape;
  if (rows === batch) return value;
  if (rows === undefined || rows === 0 || batch % rows !== 0) {
    throw usageError(
      `Cannot make a batch of ${batch} of ${spec}, ${printType(value)}: axis 0 does not divide it`,
    );
  }
  const data = arrayOf(value.dtype, batch * sizeOf(rest));
  for (let at = 0; at < data.length; at += value.data.length) data.set(value.data, at);
  return { dtype: value.dtype, shape: [batch, ...rest], data };
}
