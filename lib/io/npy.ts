/**
 * NumPy's array files: `.npy` holds one array, `.npz` is a zip of them. Numbers and booleans are
 * read, structured, text and object dtypes are refused by name: a pickle is never opened.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { arrayOf, bytesIn, type Host, host, type HostArray } from "../core/host.ts";
import { denseStrides, type DType, sizeOf } from "../core/type.ts";
import { decode, dtypeOf, type Stored, storedBytes } from "./element.ts";
import { type Literal, parseLiteral } from "./literal.ts";
import { zipMembers, zipOf } from "./zip.ts";

/** An array that came from a `.npy` file. */
export interface Npy extends Host {
  /** NumPy's name of the dtype in the file, as in `<f8`; it may be wider than `dtype`. */
  readonly stored: string;
}

/** What the header of a `.npy` file says. */
export interface NpyHeader {
  /** NumPy's name of the dtype, as in `<f8`. */
  readonly stored: string;
  /** True where the first axis varies fastest. */
  readonly fortran: boolean;
  /** Extent of each axis. */
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly at: number;
}

const descrs: Readonly<Record<DType, string>> = {
  f32: "<f4",
  f16: "<f2",
  i32: "<i4",
  i16: "<i2",
  i8: "|i1",
  u8: "|u1",
  u16: "<u2",
  bool: "|b1",
};

const readable: readonly string[] = "b1 i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8".split(" ");

/**
 * Reads a `.npy` file (versions 1 to 3, either byte order, Fortran order made row-major).
 *
 * f8 rounds to f32; u4, i8 and u8 become i32 where every value fits; a file that is damaged or
 * holds another dtype is a `FormatError`. `what` names the array in messages.
 */
export function readNpy(bytes: Uint8Array, what: string = "this .npy file"): Npy {
  const header = npyHeader(bytes, what);
  const [big, stored] = elementOf(header.stored, what);
  const size = sizeOf(header.shape) * storedBytes(stored);
  const found = bytes.byteLength - header.at;
  if (size !== found) {
    throw new FormatError(
      `Cannot read ${what}: ${header.stored} [${header.shape}] takes ${size} bytes, ` +
        `${found} follow the header`,
      { code: "format.bounds" },
    );
  }
  const data = decode(bytes.subarray(header.at), stored, what, big);
  const ordered = header.fortran ? rowMajor(data, dtypeOf(stored), header.shape) : data;
  return {
    ...host({ dtype: dtypeOf(stored), shape: header.shape }, ordered),
    stored: header.stored,
  };
}

/** Reads the header alone. */
export function npyHeader(bytes: Uint8Array, what: string = "this .npy file"): NpyHeader {
  const attempt = `Cannot read ${what}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 10 || view.getUint32(0) !== 0x934e554d || view.getUint16(4) !== 0x5059) {
    throw new FormatError(`${attempt}: it does not begin with NumPy's mark \\x93NUMPY`);
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new FormatError(`${attempt}: its version is ${version}.${bytes[7]}, known are 1 to 3`);
  }
  if (version > 1 && bytes.byteLength < 12) throw new FormatError(`${attempt}: it is truncated`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  // NumPy itself stops at 10,000 characters; a structured dtype may be long, and is refused by name.
  if (length > 1 << 20 || start + length > bytes.byteLength) {
    throw new FormatError(`${attempt}: its header of ${length} bytes passes the end of the file`);
  }
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1")
    .decode(bytes.subarray(start, start + length));
  return { ...fieldsOf(parseLiteral(text, attempt), text, attempt), at: start + length };
}

/** The bytes of a `.npy` file, equal to what NumPy 2 writes. */
export function writeNpy(value: Host): Uint8Array {
  const { dtype, shape, data } = value;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descrs[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy leaves room for the first extent to grow to 21 digits in place, then aligns to 64.
  const growth = shape.length > 0 ? 21 - String(shape[0]).length : 0;
  const length = Math.ceil((10 + text.length + growth + 1) / 64) * 64;
  const out = new Uint8Array(length + data.byteLength).fill(0x20, 0, length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(out.buffer).setUint16(8, length - 10, true);
  out.set(new TextEncoder().encode(text), 10);
  out[length - 1] = 0x0a;
  out.set(bytesIn(data), length);
  return out;
}

/** Reads every array of a `.npz` file by name; what `readNpy` refuses is refused here. */
export function readNpz(bytes: Uint8Array, what: string = "this .npz file"): Map<string, Npy> {
  const out = new Map<string, Npy>();
  for (const [name, read] of zipMembers(bytes, what)) {
    if (name.endsWith("/")) continue;
    if (!name.endsWith(".npy")) {
      throw new FormatError(`Cannot read ${what}: its member "${name}" is no .npy file`);
    }
    out.set(name.slice(0, -4), readNpy(read(), `"${name}" of ${what}`));
  }
  return out;
}

/** The bytes of a `.npz` file of these arrays; the same arrays give the same bytes. */
export function writeNpz(
  arrays: Iterable<readonly [string, Host]>,
  options: { readonly deflate?: boolean } = {},
): Uint8Array {
  const members = [...arrays].map(([name, value]) => [`${name}.npy`, writeNpy(value)] as const);
  return zipOf(members, options);
}

function fieldsOf(header: Literal, text: string, attempt: string): Omit<NpyHeader, "at"> {
  const fields = header instanceof Map ? header : new Map<string, Literal>();
  const [descr, fortran, shape] = ["descr", "fortran_order", "shape"].map((key) => fields.get(key));
  if (Array.isArray(descr)) {
    const dtype = /'descr':\s*(\[.*\])\s*,\s*'fortran_order'/s.exec(text)?.[1] ?? "fields";
    throw new FormatError(
      `${attempt}: its dtype is structured, ${dtype.slice(0, 200)}; save each field as an array`,
      { code: "format.dtype" },
    );
  }
  const extents = isCounts(shape) ? shape : undefined;
  if (fields.size !== 3 || typeof descr !== "string" || typeof fortran !== "boolean" || !extents) {
    throw new FormatError(
      `${attempt}: its header needs descr, fortran_order and shape, it is ${
        text.trim().slice(0, 200)
      }`,
    );
  }
  return { stored: descr, fortran, shape: extents };
}

function isCounts(value: Literal | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x));
}

function elementOf(descr: string, what: string): [big: boolean, stored: Stored] {
  const [order, kind] = /^[<>|=]/.test(descr) ? [descr[0], descr.slice(1)] : ["=", descr];
  if (readable.includes(kind)) return [order === ">", kind as Stored];
  const why = kind.startsWith("O")
    ? `holds pickled Python objects (${descr}), which are never opened`
    : `has the dtype ${descr}`;
  throw new FormatError(
    `Cannot read ${what}: it ${why}; save it as one of ${readable.join(" ")}`,
    { code: "format.dtype", values: { dtype: descr } },
  );
}

function rowMajor(data: HostArray, dtype: DType, shape: readonly number[]): HostArray {
  const out = arrayOf(dtype, data.length);
  const strides = denseStrides([...shape].reverse()).reverse();
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
