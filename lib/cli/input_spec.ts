/**
 * Values for inputs as they are written on the command line: `name=#rand(0,1)`, `name=file.npy`,
 * or without the name where that is clear.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { type Host, host, type HostArray } from "../core/host.ts";
import { convert } from "../core/leaf.ts";
import { type Named, printType, sameShape, sizeOf } from "../core/type.ts";
import { type RandomState, randomState } from "../io/random.ts";
import { arrayIn, openArrays } from "./array_file.ts";
import { suggestion, usageError } from "./parse.ts";

/** What the values are made for. */
export interface SpecOptions {
  /** Of the generator behind `#rand`. */
  readonly seed: number;
  /** Axis 0 of every input; values are repeated along it. */
  readonly batch?: number;
  /** Hears of values that are taken with a change. */
  warn(text: string): Promise<void>;
}

/** The values of the inputs, in their order. Wrong names and missing ones are wrong usage. */
export async function inputValues(
  inputs: readonly Named[],
  specs: readonly string[],
  options: SpecOptions,
): Promise<readonly Host[]> {
  const wanted = await specsByName(inputs, specs);
  const random = randomState(options.seed);
  const values: Host[] = [];
  for (const input of inputs) {
    const spec = wanted.get(input.name);
    if (spec === undefined) {
      throw usageError(
        `Cannot run the model: there is no value for its input ${input.name}, ` +
          `${printType(input)}; give --input '${input.name}=#rand(0,1)' or a .npy file`,
      );
    }
    values.push(await valueOf(spec, input, random, options));
  }
  return values;
}

async function specsByName(
  inputs: readonly Named[],
  specs: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const give = (name: string, spec: string) => {
    if (found.has(name)) throw usageError(`Cannot take two values for the input ${name}`);
    found.set(name, spec);
  };
  for (const text of specs) {
    const named = inputs.find(({ name }) => text.startsWith(`${name}=`));
    if (named) give(named.name, text.slice(named.name.length + 1));
    else if (text.startsWith("#")) inputs.forEach(({ name }) => give(name, text));
    else if (/\.(npz|safetensors)$/i.test(text) && !text.includes("=")) {
      const arrays = await openArrays(text);
      const names = arrays.kind === "named" ? arrays.names : [];
      const held = inputs.filter(({ name }) => names.includes(name));
      if (held.length === 0) throw unknownInput(names.join(", "), text, inputs);
      held.forEach(({ name }) => give(name, text));
    } else if (inputs.length === 1 && !text.includes("=")) give(inputs[0].name, text);
    else throw unknownInput(/^([^=]*)=/.exec(text)?.[1] ?? text, text, inputs);
  }
  return found;
}

function unknownInput(name: string, text: string, inputs: readonly Named[]): Error {
  const names = inputs.map(({ name }) => name);
  return usageError(
    `Cannot take --input ${text}: the model has no input ${name}, it has ` +
      `${names.join(", ") || "none"}; ${suggestion(name, names)}`,
  );
}

async function valueOf(
  spec: string,
  input: Named,
  random: RandomState,
  options: SpecOptions,
): Promise<Host> {
  if (spec.startsWith("#")) return drawn(spec, input, random, options.batch);
  const found = await arrayIn(spec, input.name);
  const fitted = await typed(found, spec, input, options.warn);
  return options.batch === undefined ? fitted : repeated(fitted, options.batch, spec);
}

/** `#rand(min, max[, shape…])`; `...` takes the other extents from the input. */
function drawn(spec: string, input: Named, random: RandomState, batch?: number): Host {
  const inside = /^#rand\(([^()]*)\)$/.exec(spec.trim())?.[1];
  const [low, high, ...extents] = (inside ?? "").split(",").map((part) => part.trim());
  const range = [low, high].map((x) => x ? Number(x) : NaN);
  if (!range.every(Number.isFinite)) {
    throw usageError(
      `Cannot take ${spec} for the input ${input.name}: it is written #rand(min,max), ` +
        "or #rand(min,max,1,3,224,224) with a shape",
    );
  }
  const own = batch === undefined ? input.shape : [batch, ...input.shape.slice(1)];
  const shape = extents.length === 0 ? own : extents.flatMap((x, i) => {
    if (x === "..." && i === extents.length - 1) return own.slice(i);
    if (/^\d+$/.test(x)) return [Number(x)];
    throw usageError(`Cannot take ${spec} for the input ${input.name}: ${x} is no extent`);
  });
  checkRank({ ...input, shape }, input, spec);
  const doubles = random.uniform(range[0], range[1], sizeOf(shape));
  return host({ dtype: input.dtype, shape }, converted(doubles, input));
}

async function typed(
  value: Host,
  spec: string,
  input: Named,
  warn: SpecOptions["warn"],
): Promise<Host> {
  const { dtype } = input;
  const shape = sizeOf(value.shape) === 1 && value.shape.length === 0 ? input.shape : value.shape;
  if (sizeOf(shape) !== sizeOf(value.shape)) checkRank(value, input, spec);
  checkRank({ ...value, shape }, input, spec);
  if (!sameShape(shape.slice(1), input.shape.slice(1))) {
    await warn(`${spec} is ${printType(value)}, the input ${input.name} ${printType(input)}`);
  }
  if (value.dtype === dtype) return host({ dtype, shape }, value.data);
  await warn(`${spec} is ${value.dtype}, converted to the ${dtype} of the input ${input.name}`);
  return host({ dtype, shape }, converted(value.data, input));
}

function converted(data: HostArray | Float64Array, { dtype }: Named): HostArray {
  // The conversion goes element by element, and takes any array of numbers.
  return convert(data as HostArray, dtype);
}

function checkRank(value: Omit<Host, "data">, input: Named, spec: string): void {
  if (value.shape.length === input.shape.length) return;
  throw new FormatError(
    `Cannot take ${spec} for the input ${input.name}: it is ${printType(value)}, ` +
      `the input ${printType(input)}`,
    { code: "format.shape" },
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
  const make = value.data.constructor as new (n: number) => HostArray;
  const data = new make(batch * sizeOf(rest));
  for (let at = 0; at < data.length; at += value.data.length) data.set(value.data as never, at);
  return host({ dtype: value.dtype, shape: [batch, ...rest] }, data);
}
