/**
 * Writes plain values as a Python pickle, which files keep the user's object in.
 * @module
 */
import { OptionError } from "../core/fault.ts";

/** Values are nested no deeper than this. */
const deepest = 200;

/**
 * A pickle (protocol 2, which every Python 3 reads) of null, truths, numbers, text, lists and
 * records. Throws an OptionError for other values.
 */
export function writePickle(value: unknown): Uint8Array {
  const out: number[] = [0x80, 2];
  write(value, out, []);
  out.push(0x2e);
  return Uint8Array.from(out);
}

function write(value: unknown, out: number[], above: readonly object[]): void {
  const add = (...bytes: readonly number[]) => void out.push(...bytes);
  const fixed = (bytes: number, set: (view: DataView) => void) => {
    const view = new DataView(new ArrayBuffer(bytes));
    set(view);
    add(...new Uint8Array(view.buffer));
  };
  if (value === null || value === undefined) return add(0x4e);
  if (typeof value === "boolean") return add(value ? 0x88 : 0x89);
  if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    add(0x58);
    fixed(4, (view) => view.setUint32(0, bytes.length, true));
    for (const b of bytes) out.push(b);
    return;
  }
  if (typeof value === "bigint" || (Number.isSafeInteger(value) && !Object.is(value, -0))) {
    return writeLong(BigInt(value as number), add);
  }
  if (typeof value === "number") {
    add(0x47);
    return fixed(8, (view) => view.setFloat64(0, value, false));
  }
  if (typeof value !== "object" || above.includes(value) || above.length >= deepest) {
    throw new OptionError(
      `Cannot keep ${
        typeof value === "object" ? "an object that holds itself" : `a ${typeof value}`
      } as user info: give null, truths, numbers, text, lists and records of these`,
    );
  }
  const inner = [...above, value];
  const entries = Array.isArray(value)
    ? value
    : Object.entries(plainRecord(value)).flatMap((entry) => entry);
  add(Array.isArray(value) ? 0x5d : 0x7d, 0x28);
  for (const item of entries) write(item, out, inner);
  add(Array.isArray(value) ? 0x65 : 0x75);
}

function plainRecord(value: object): object {
  const proto = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) return value;
  throw new OptionError(
    `Cannot keep a ${value.constructor?.name ?? "strange object"} as user info: ` +
      "give null, truths, numbers, text, lists and records of these",
  );
}

function writeLong(value: bigint, add: (...bytes: readonly number[]) => void): void {
  const bytes: number[] = [];
  let left = value;
  // one more byte where the sign bit would lie
  while (left !== 0n && left !== -1n || ((bytes[bytes.length - 1] ?? 0) >> 7 === 1) !== left < 0n) {
    bytes.push(Number(left & 0xffn));
    left >>= 8n;
  }
  if (bytes.length > 255) {
    throw new OptionError("Cannot keep an integer of more than 255 bytes as user info");
  }
  add(0x8a, bytes.length, ...bytes);
}
