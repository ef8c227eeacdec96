/**
 * The value that one spec gives to one input: drawn numbers, an array from a file, or a picture;
 * the one road for test cases and for values on the command line.
 * @module
 */
import { FormatError, OptionError, ShapeError } from "../core/fault.ts";
import { arrayOf, type Host, host } from "../core/host.ts";
import { convert } from "../core/leaf.ts";
import { isFloat, type Named, sameShape, sizeOf } from "../core/type.ts";
import {
  arrayEndings,
  arrayFor,
  arraysIn,
  type FileKind,
  fileKind,
  pictureEndings,
} from "../io/arrays.ts";
import { openBytes, readAll } from "../io/bytes.ts";
import { decodeImage } from "../io/image.ts";
import type { RandomState } from "../io/random.ts";
import { drawn, isDraw } from "./draw.ts";
import { type PictureOptions, pictureValue } from "./picture.ts";

/** How specs become values. */
export interface SpecOptions extends PictureOptions {
  /** Where random numbers come from; each spec draws on. */
  readonly random: RandomState;
  /** How often each row of a file's value is repeated; 1 by default. */
  readonly repeat?: number;
  /** Changes each value that came from a file. */
  readonly transform?: (value: Host) => Host;
  /** Hears of values that are taken with a change. */
  readonly log: (line: string) => void;
}

/**
 * The value of a spec: `#rand(…)`, or the path of an array or a picture. Its dtype is the input's,
 * its axes are as many; extents that differ behind the first are said to `log`.
 */
export async function valueOfSpec(
  spec: string,
  input: Named,
  options: SpecOptions,
): Promise<Host> {
  const { value, kind } = isDraw(spec)
    ? { value: draw(spec, input, options), kind: undefined }
    : await fromFile(spec, input, options);
  const shape = shapeFor(value, input);
  if (shape.length !== input.shape.length) {
    const message =
      `Cannot take ${spec} for the input ${input.name}: input/data shapes mismatch: ` +
      `[${input.shape}] vs [${value.shape}]`;
    const info = { values: { want: input.shape, found: value.shape } };
    throw kind === undefined
      ? new ShapeError(message, info)
      : new FormatError(message, { code: "format.shape", ...info });
  }
  if (!sameShape(shape.slice(1), input.shape.slice(1))) {
    const help = kind === "picture" && !options.resizeInput
      ? "; resizeInput (--resize-input) fits pictures"
      : "";
    options.log(
      `${input.name}: shapes differ: the input has [${input.shape}], ${spec} gives ` +
        `[${shape}]${help}`,
    );
  }
  return { ...value, shape };
}

function draw(spec: string, input: Named, options: SpecOptions): Host {
  const value = drawn(spec, input, options.random);
  const [name, flag] = options.resizeInput
    ? ["resizeInput", "--resize-input"]
    : options.transform
    ? ["inputTransform", "--input-transform"]
    : [];
  if (name === undefined) return value;
  throw new OptionError(
    `Cannot take ${spec} with ${name} (${flag}): it is for values from files only\n` +
      `  try drawing the values as they shall be`,
  );
}

async function fromFile(
  path: string,
  input: Named,
  options: SpecOptions,
): Promise<{ readonly value: Host; readonly kind: FileKind }> {
  const { repeat = 1, transform, log } = options;
  const source = await openBytes(path);
  const kind = await fileKind(path, source);
  if (kind === undefined) throw unknownKind(path, input);
  if (kind !== "picture" && options.resizeInput) {
    throw new OptionError(
      `Cannot take ${path} with resizeInput (--resize-input): it is for pictures, not for arrays`,
    );
  }
  const read = kind === "picture"
    ? pictureValue(await decodeImage(await readAll(source), path), input, path, options)
    : await arrayFor(await arraysIn(path, source, kind), path, input.name);
  const rows = repeat === 1 ? read : repeated(read, repeat);
  const changed = transform ? transformed(rows, transform, path) : rows;
  const { dtype } = input;
  if (changed.dtype === dtype) return { value: changed, kind };
  const data = convert(changed.data, dtype);
  const lost = isFloat(dtype) || dtype === "bool" ? 0 : wrapped(changed, data);
  if (lost > 0) log(`${path}: ${lost} of ${data.length} values do not fit ${dtype} and wrap`);
  else if (kind !== "picture" && !transform) {
    log(`${path} is ${read.dtype}, converted to the ${dtype} of the input ${input.name}`);
  }
  return { value: { dtype, shape: changed.shape, data }, kind };
}

/** A transform is the author's own code, so what it gives is looked at. */
function transformed(value: Host, transform: (value: Host) => Host, path: string): Host {
  const found: Partial<Host> | undefined = transform(value);
  if (found && ArrayBuffer.isView(found.data) && found.dtype && Array.isArray(found.shape)) {
    return host(found as Host, found.data);
  }
  throw new OptionError(
    `Cannot take ${path}: inputTransform gives ${
      found instanceof Promise ? "a promise" : found
    }, ` +
      "not an array with its type\n  try returning { dtype, shape, data } at once",
  );
}

function unknownKind(path: string, input: Named): FormatError {
  return new FormatError(
    `Cannot take ${path} for the input ${input.name}: neither its ending nor its first bytes say ` +
      `what it is; values are in files of ${[...arrayEndings, ...pictureEndings].join(", ")}`,
    { code: "format.kind" },
  );
}

/** One element stands for any shape of one element; `[]` and `[1]` are the same. */
function shapeFor({ shape }: Host, input: Named): readonly number[] {
  const single = sizeOf(shape) === 1 && sizeOf(input.shape) === 1;
  return single && (shape.length === 0 || input.shape.length === 0) && shape.length <= 1
    ? input.shape
    : shape;
}

/** How many values are others as integers than they were, fractions aside. */
function wrapped({ data }: Host, as: Host["data"]): number {
  let count = 0;
  for (let i = 0; i < as.length; i++) if (Math.trunc(Number(data[i])) !== as[i]) count++;
  return count;
}

/** Each row several times, one behind the other, as `np.repeat` along axis 0. */
function repeated({ dtype, shape, data }: Host, times: number): Host {
  const ranked = shape.length === 0 ? [1] : shape;
  const row = sizeOf(ranked.slice(1));
  const out = arrayOf(dtype, data.length * times);
  for (let i = 0; i < ranked[0]; i++) {
    const own = data.subarray(i * row, (i + 1) * row);
    for (let k = 0; k < times; k++) out.set(own, (i * times + k) * row);
  }
  return { dtype, shape: ranked.with(0, ranked[0] * times), data: out };
}
