/**
 * Values outside the graph: a `Host` is a typed array with a type, a `Source` gives bytes when
 * they are asked for, a `Resident` is what a machine holds.
 * @module
 */
import { DeviceError } from "./fault.ts";
import { bytesOf, type DType, printType, sizeOf, type Type } from "./type.ts";
import { DTypeError, FormatError, ShapeError } from "./fault.ts";

/** The typed arrays that hold elements; `bool` is a `Uint8Array` of 0 and 1. */
export type HostArray =
  | Float32Array
  | Float16Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

/** A dense row-major tensor in ordinary memory. */
export interface Host extends Type {
  /** The elements, row-major. */
  readonly data: HostArray;
}

/** Weights that stay where they are until their bytes are asked for. */
export interface Source extends Type {
  /** Gives the little-endian bytes of the dense tensor, in order, in chunks of any size. */
  open(): AsyncIterable<Uint8Array>;
}

/** A tensor that a machine holds; it feeds further calls as it is. */
export interface Resident extends Type {
  /** The machine that holds it; compared by identity. */
  readonly owner: object;
  /** Copies the elements out. */
  read(): Promise<Host>;
  /** Gives the memory back; a second call does nothing. */
  dispose(): void;
}

/** What a leaf of a term can hold. */
export type Data = Host | Source | Resident;

const arrays: Readonly<Record<DType, new (n: number) => HostArray>> = {
  f32: Float32Array,
  f16: Float16Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u8: Uint8Array,
  u16: Uint16Array,
  bool: Uint8Array,
};

/** A zeroed typed array for `n` elements of this dtype. */
export function arrayOf(dtype: DType, n: number): HostArray {
  return new arrays[dtype](n);
}

/** The bytes of an array, without a copy. */
export function bytesIn(data: HostArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Little-endian bytes as elements of a type; copies only where alignment needs it. */
export function hostFromBytes(type: Type, bytes: Uint8Array): Host {
  const want = bytesOf(type);
  if (bytes.byteLength !== want) {
    throw new FormatError(
      `Cannot take ${bytes.byteLength} bytes as ${printType(type)}: it has ${want} bytes`,
    );
  }
  const make = arrays[type.dtype] as unknown as {
    new (buffer: ArrayBufferLike, offset: number, n: number): HostArray;
    BYTES_PER_ELEMENT: number;
  };
  const aligned = bytes.byteOffset % make.BYTES_PER_ELEMENT === 0;
  const at = aligned ? bytes : bytes.slice();
  return {
    dtype: type.dtype,
    shape: [...type.shape],
    data: new make(at.buffer, at.byteOffset, sizeOf(type.shape)),
  };
}

/** A host value of an array and a type, with the lengths checked. */
export function host(type: Type, data: HostArray): Host {
  if (data.length !== sizeOf(type.shape)) {
    throw new ShapeError(
      `Cannot take ${data.length} elements as ${printType(type)}: it has ${sizeOf(type.shape)}`,
    );
  }
  if (!(data instanceof arrays[type.dtype])) {
    throw new DTypeError(
      `Cannot take a ${data.constructor.name} as ${
        printType(type)
      }: its elements are of another kind`,
    );
  }
  return { dtype: type.dtype, shape: [...type.shape], data };
}

/** True if a leaf's data is in ordinary memory. */
export function isHost(data: Data | undefined): data is Host {
  return data !== undefined && "data" in data;
}

/** True if a leaf's data comes on demand. */
export function isSource(data: Data | undefined): data is Source {
  return data !== undefined && "open" in data;
}

/** True if a machine holds a leaf's data. */
export function isResident(data: Data | undefined): data is Resident {
  return data !== undefined && "owner" in data;
}

/** All bytes of a source as one host value, with the stated length checked. */
export async function collect(source: Source): Promise<Host> {
  const total = bytesOf(source);
  const bytes = new Uint8Array(total);
  let at = 0;
  for await (const chunk of source.open()) {
    if (at + chunk.byteLength > total) at = Infinity;
    else bytes.set(chunk, at), at += chunk.byteLength;
    if (at === Infinity) break;
  }
  if (at !== total) {
    throw new FormatError(
      `Cannot read ${printType(source)}: its source gave ${
        at === Infinity ? "more" : at
      } bytes, ${total} were stated`,
    );
  }
  return hostFromBytes(source, bytes);
}

/** An array that a value is read into must be one of its elements, and as long. */
export function checkInto(type: Type, array: HostArray): void {
  const [want, n] = [arrays[type.dtype], sizeOf(type.shape)];
  if (array instanceof want && array.length === n) return;
  throw new DeviceError(
    `Cannot read ${printType(type)} into a ${array.constructor.name} of ${array.length}: ` +
      `it takes a ${want.name} of ${n}`,
    { code: "device.into" },
  );
}
