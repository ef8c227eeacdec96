/**
 * Elements as foreign files store them, turned into the library's own dtypes. What fits is taken
 * as it is; wider numbers are converted, integers only if every value fits.
 * @module
 */
import { arrayOf, type HostArray } from "../core/host.ts";
import { type DType, itemBytes } from "../core/type.ts";
import { FormatError } from "../core/fault.ts";

/** A stored element: kind (bool, signed, unsigned, float, brain float) and bytes. */
export type Stored =
  | "b1"
  | "i1"
  | "u1"
  | "i2"
  | "u2"
  | "i4"
  | "u4"
  | "i8"
  | "u8"
  | "f2"
  | "bf2"
  | "f4"
  | "f8";

const targets: Readonly<Record<Stored, DType>> = {
  b1: "bool",
  i1: "i8",
  u1: "u8",
  i2: "i16",
  u2: "u16",
  i4: "i32",
  u4: "i32",
  i8: "i32",
  u8: "i32",
  f2: "f16",
  bf2: "f32",
  f4: "f32",
  f8: "f32",
};

/** The dtype that stored elements become: u32 and 64-bit integers i32, f64 and bf16 f32. */
export function dtypeOf(stored: Stored): DType {
  return targets[stored];
}

/** Bytes of one stored element. */
export function storedBytes(stored: Stored): number {
  return Number(stored.at(-1));
}

/** True if the bytes of stored elements are the bytes of their dtype (little-endian). */
export function isDirect(stored: Stored): boolean {
  return stored !== "b1" && stored !== "u4" && storedBytes(stored) === itemBytes(dtypeOf(stored));
}

/**
 * Stored elements as an array of `dtypeOf(stored)`. f64 rounds to the nearest f32 (past its range
 * to infinity), bool takes any byte but 0 as 1, an integer outside i32 is a `FormatError`.
 *
 * `bytes` is little-endian or, with `big`, big-endian; it holds whole elements. `what` names the
 * array in messages. The result never shares memory with `bytes`.
 */
export function decode(
  bytes: Uint8Array,
  stored: Stored,
  what: string,
  big: boolean = false,
): HostArray {
  const n = bytes.byteLength / storedBytes(stored);
  const out = arrayOf(dtypeOf(stored), n);
  if (stored === "b1") {
    for (let i = 0; i < n; i++) out[i] = bytes[i] === 0 ? 0 : 1;
    return out;
  }
  const own = big ? swapped(bytes, storedBytes(stored)) : bytes;
  if (isDirect(stored)) {
    new Uint8Array(out.buffer).set(own);
    return out;
  }
  // A DataView reads at any alignment, and the wide types are rare enough for its speed.
  const view = new DataView(own.buffer, own.byteOffset, own.byteLength);
  switch (stored) {
    case "f8":
      for (let i = 0; i < n; i++) out[i] = view.getFloat64(i * 8, true);
      return out;
    case "bf2": {
      const bits = new Uint32Array(out.buffer);
      for (let i = 0; i < n; i++) bits[i] = view.getUint16(i * 2, true) << 16;
      return out;
    }
    case "u4":
      for (let i = 0; i < n; i++) out[i] = narrow(view.getUint32(i * 4, true), stored, i, what);
      return out;
    case "i8":
      for (let i = 0; i < n; i++) out[i] = narrow(view.getBigInt64(i * 8, true), stored, i, what);
      return out;
    case "u8":
      for (let i = 0; i < n; i++) out[i] = narrow(view.getBigUint64(i * 8, true), stored, i, what);
      return out;
    default:
      throw new Error(`internal: ${stored} is stored as it is`);
  }
}

function narrow(value: number | bigint, stored: Stored, index: number, what: string): number {
  if (value >= -0x80000000 && value <= 0x7fffffff) return Number(value);
  const kind = `${stored[0]}${8 * storedBytes(stored)}`;
  throw new FormatError(
    `Cannot read ${what} as i32: element ${index} is ${value}; ` +
      `store ${kind} values beyond i32 as f32 or split them`,
    { code: "format.range", values: { index, value } },
  );
}

/** The bytes of each item in reverse order. */
function swapped(bytes: Uint8Array, item: number): Uint8Array {
  const out = new Uint8Array(bytes.byteLength);
  for (let i = 0; i < bytes.byteLength; i += item) {
    for (let j = 0; j < item; j++) out[i + j] = bytes[i + item - 1 - j];
  }
  return out;
}
