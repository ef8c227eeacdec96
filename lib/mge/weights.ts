/**
 * The tensors that a file holds as values: read at once if they are small, else as sources that
 * read the file when their bytes are asked for.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { collect, type Host, type Source } from "../core/host.ts";
import { bytesOf, type DType, sizeOf, type Type } from "../core/type.ts";
import type { FileDTypeName, FileTensor } from "./model.ts";
import { dtypeOf } from "./rule.ts";

/** Tensors of at most this many bytes are read with the file. */
const small = 64 * 1024;

const holders: ReadonlySet<string> = new Set([
  "ImmutableTensor",
  "SharedDeviceTensor",
  "VolatileSharedDeviceTensor",
  "SharedDeviceTensorWithFormat",
  "MultipleDeviceTensorHolder",
  "MultipleDeviceTensorWithFormatHolder",
]);

/** True for the operators that hold their tensors' values, one output each. */
export function holdsTensors(type: string): boolean {
  return holders.has(type);
}

/** Quantized elements are held as the integers that they are. */
const stored: Readonly<Partial<Record<FileDTypeName, DType>>> = {
  QuantizedS8: "i8",
  Quantized8Asymm: "u8",
  QuantizedS16: "i16",
  QuantizedS32: "i32",
};

/** The dtype that holds a file's elements, quantized ones as their integers. */
export function storedDType(name: FileDTypeName): DType | undefined {
  return dtypeOf(name) ?? stored[name];
}

/** A file's element type as users see it: `f32`, `bf16`, `qs8`. */
export function dtypeText(name: FileDTypeName): string {
  const own = name === "BFloat16" ? "bf16" : name === "Byte" ? "byte" : dtypeOf(name);
  return own ?? name.replace("Quantized", "q").replace("Complex", "c").toLowerCase();
}

/** The value of a tensor. Element types that nothing here holds are a FormatError. */
export async function valueOf(tensor: FileTensor): Promise<Host | Source> {
  const dtype = storedDType(tensor.dtype.name);
  const title = tensor.name ? `the tensor "${tensor.name}"` : "a tensor";
  if (!dtype) {
    throw new FormatError(`Cannot run with ${title}: its elements are of ${tensor.dtype.name}`, {
      code: "format.dtype",
    });
  }
  const type: Type = { dtype, shape: tensor.shape };
  const value = tensor.value!;
  const half = tensor.dtype.name === "BFloat16";
  const want = half ? 2 * sizeOf(type.shape) : bytesOf(type);
  if (value.bytes < want) {
    throw new FormatError(
      `Cannot read ${title}: it has ${value.bytes} bytes, its type needs ${want}`,
      { code: "format.bounds" },
    );
  }
  const source: Source = {
    ...type,
    open: () => half ? widenedHalf(value.open()) : firstBytes(value.open(), want),
  };
  return want <= small ? await collect(source) : source;
}

/** What lies behind a dense tensor is not part of its value. */
async function* firstBytes(
  chunks: AsyncIterable<Uint8Array>,
  want: number,
): AsyncGenerator<Uint8Array> {
  let left = want;
  for await (const chunk of chunks) {
    if (left <= 0) return;
    yield chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.byteLength;
  }
}

/** A bfloat16 is the upper half of a float. */
async function* widenedHalf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let odd: number | undefined;
  for await (const chunk of chunks) {
    const bytes = odd === undefined ? chunk : Uint8Array.of(odd, ...chunk);
    const n = bytes.length >> 1;
    odd = bytes.length % 2 ? bytes[bytes.length - 1] : undefined;
    const words = new Uint32Array(n);
    for (let i = 0; i < n; i++) words[i] = (bytes[2 * i] | bytes[2 * i + 1] << 8) << 16;
    yield new Uint8Array(words.buffer);
  }
}
