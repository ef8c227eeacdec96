/**
 * Values of test cases from their specs: `#rand(min,max[,shape…])`, paths of `.npy` and `.npz`
 * files, `name:…;name:…`, and `@list.txt` for one spec a line.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { convert } from "../core/leaf.ts";
import { type Named, sameShape, sizeOf, type Type } from "../core/type.ts";
import { openBytes } from "../io/bytes.ts";
import { readNpy, readNpz } from "../io/npy.ts";
import type { RandomState } from "../io/random.ts";

/** How specs become values. */
export interface SpecOptions {
  /** Where random numbers come from; each spec draws on. */
  readonly random: RandomState;
  /** How often each row of a file's array is repeated. */
  readonly repeat: number;
  /** Changes each array that came from a file. */
  readonly transform?: (value: Host) => Host;
  /** Hears what is worth saying. */
  readonly log: (line: string) => void;
}

/** The specs of a list, with `@list.txt` replaced by the lines of that file. */
export async function expandSpecs(specs: readonly string[]): Promise<readonly string[]> {
  const lists = specs.map(async (spec) => {
    if (!spec.startsWith("@")) return [spec];
    const text = new TextDecoder().decode(await bytesOfFile(spec.slice(1)));
    return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  });
  const all = (await Promise.all(lists)).flat();
  if (!all.length) throw new OptionError("Cannot dump with inputData: testcases can not be empty");
  return all;
}

/** The values that one spec gives to every input, by name. */
export async function valuesOfSpec(
  spec: string,
  inputs: readonly Named[],
  options: SpecOptions,
): Promise<ReadonlyMap<string, Host>> {
  const parts = spec.split(";");
  const names = inputs.map(({ name }) => name);
  const shared = parts.length === 1 && parts[0].startsWith("#");
  const each = shared
    ? names.map((name) => `${name}:${parts[0]}`)
    : parts.length === 1 && inputs.length === 1 && !names.some((n) => spec.startsWith(`${n}:`)) &&
        !/^[\w.]+:/.test(spec)
    ? [`${names[0]}:${spec}`]
    : parts;
  if (each.length !== inputs.length) {
    throw new OptionError(
      `Cannot make a test case of ${spec}: required inputs: ${names.join(", ")}; found ` +
        `${each.length} values`,
    );
  }
  const values = new Map<string, Host>();
  for (const one of each) {
    // names may hold colons, as paths of parameters do not, so the longest name wins
    const fitting = inputs.filter(({ name }) => one.startsWith(`${name}:`));
    const input = fitting.toSorted((a, b) => b.name.length - a.name.length)[0];
    if (!input) {
      throw new OptionError(
        `Cannot make a test case of ${one}: there is no such input, they are ${names.join(", ")}`,
      );
    }
    values.set(input.name, await valueOfSpec(one.slice(input.name.length + 1), input, options));
  }
  return values;
}

async function valueOfSpec(spec: string, input: Named, options: SpecOptions): Promise<Host> {
  const value = spec.startsWith("#")
    ? drawn(spec, input, options)
    : await fromFile(spec, input, options);
  if (value.shape.length !== Math.max(1, input.shape.length)) {
    throw new ShapeError(
      `Cannot use ${spec} for ${input.name}: input/data shapes mismatch: [${input.shape}] vs ` +
        `[${value.shape}]`,
    );
  }
  if (!sameShape(value.shape.slice(1), input.shape.slice(1))) {
    options.log(
      `${input.name}: shapes differ: the input has [${input.shape}], ${spec} gives ` +
        `[${value.shape}]`,
    );
  }
  return value;
}

const randPattern = /^#rand\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*(?:,([^)]*))?\)$/;

function drawn(spec: string, input: Type, { random, transform }: SpecOptions): Host {
  const found = randPattern.exec(spec.trim());
  const [low, high] = [Number(found?.[1]), Number(found?.[2])];
  if (!found || Number.isNaN(low) || Number.isNaN(high)) {
    throw new OptionError(`Cannot make a test case: bad spec ${spec}; try #rand(0,255)`);
  }
  if (transform) {
    throw new OptionError(`Cannot transform ${spec}: inputTransform is for files only`);
  }
  const own = input.shape.length ? input.shape : [1];
  const shape = found[3] === undefined ? own : shapeOf(found[3], own, spec);
  const numbers = random.uniform(low, high, sizeOf(shape));
  const data = arrayOf(input.dtype, numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    data[i] = input.dtype === "bool" ? Number(numbers[i] !== 0) : numbers[i];
  }
  return { dtype: input.dtype, shape, data };
}

function shapeOf(text: string, own: readonly number[], spec: string): readonly number[] {
  const words = text.split(",").map((word) => word.trim());
  const open = words[words.length - 1] === "...";
  const shape = (open ? words.slice(0, -1) : words).map(Number);
  if (!shape.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new OptionError(`Cannot make a test case: bad spec ${spec}; its extents are numbers`);
  }
  return open ? [...shape, ...own.slice(shape.length)] : shape;
}

async function fromFile(path: string, input: Named, options: SpecOptions): Promise<Host> {
  const { repeat, transform } = options;
  if (!/\.np[yz]$/i.test(path)) {
    throw new OptionError(
      `Cannot use ${path} for ${input.name}: test cases are made of .npy and .npz files and of ` +
        "#rand(min,max)\n  try saving the image as an array",
    );
  }
  const bytes = await bytesOfFile(path);
  const read = path.toLowerCase().endsWith("y")
    ? readNpy(bytes, path)
    : pickFrom(readNpz(bytes, path), input.name, path);
  const rows: Host = repeat === 1 ? read : repeated(read, repeat);
  const changed = transform ? transform(rows) : rows;
  const data = changed.dtype === input.dtype ? changed.data : convert(changed.data, input.dtype);
  const { shape } = changed;
  return { dtype: input.dtype, shape: shape.length ? shape : [1], data };
}

function pickFrom<T>(arrays: ReadonlyMap<string, T>, name: string, path: string): T {
  const only = arrays.size === 1 ? [...arrays.values()][0] : arrays.get(name);
  if (!only) {
    throw new OptionError(
      `Cannot use ${path} for ${name}: it holds ${[...arrays.keys()].join(", ")}`,
    );
  }
  return only;
}

/** Each row several times, one behind the other, as `np.repeat` along axis 0. */
function repeated({ dtype, shape, data }: Host, times: number): Host {
  const row = sizeOf(shape.slice(1));
  const out = arrayOf(dtype, data.length * times);
  for (let i = 0; i < shape[0]; i++) {
    const own = data.subarray(i * row, (i + 1) * row);
    for (let k = 0; k < times; k++) out.set(own, (i * times + k) * row);
  }
  return { dtype, shape: shape.with(0, shape[0] * times), data: out };
}

async function bytesOfFile(path: string): Promise<Uint8Array> {
  const source = await openBytes(path);
  return await source.read(0, source.size);
}
