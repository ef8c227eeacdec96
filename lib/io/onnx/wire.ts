/**
 * The wire format of protocol buffers: a message is a list of numbered fields. Every length is
 * checked before it is used, nothing is copied, and nothing here knows what the fields mean.
 * @module
 */
import { FormatError } from "../../core/fault.ts";

/** One field: a varint as its 64 bits, any other value as its bytes. */
export type Field =
  | {
    readonly wire: "varint";
    readonly number: number;
    readonly at: number;
    readonly value: bigint;
  }
  | {
    readonly wire: "fixed32" | "fixed64" | "bytes";
    readonly number: number;
    /** Where the field begins. */
    readonly at: number;
    readonly value: Uint8Array;
  };

const widths = { fixed64: 8, fixed32: 4 } as const;

/** The fields of a message in order; damaged bytes are a FormatError that names `what`. */
export function* fieldsOf(bytes: Uint8Array, what: string): Generator<Field> {
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const [tag, after] = varintAt(bytes, at, what);
    const number = Number(tag >> 3n);
    if (number < 1 || number > 0x1fffffff) {
      throw damaged(what, start, `field ${number} cannot be`);
    }
    at = after;
    switch (Number(tag & 7n)) {
      case 0: {
        const [value, next] = varintAt(bytes, at, what);
        at = next;
        yield { wire: "varint", number, at: start, value };
        break;
      }
      case 1:
      case 5: {
        const wire = (tag & 7n) === 1n ? "fixed64" : "fixed32";
        const end = at + widths[wire];
        if (end > bytes.length) throw damaged(what, start, `field ${number} passes the end`);
        yield { wire, number, at: start, value: bytes.subarray(at, end) };
        at = end;
        break;
      }
      case 2: {
        const [length, first] = varintAt(bytes, at, what);
        if (length > BigInt(bytes.length - first)) {
          const left = bytes.length - first;
          throw damaged(what, start, `field ${number} states ${length} bytes, ${left} are left`);
        }
        at = first + Number(length);
        yield { wire: "bytes", number, at: start, value: bytes.subarray(first, at) };
        break;
      }
      default:
        throw damaged(what, start, `field ${number} has the wire type ${tag & 7n}`);
    }
  }
}

/** The numbers of a packed field of varints, each as its 64 bits. */
export function varintsOf(bytes: Uint8Array, what: string): bigint[] {
  const out: bigint[] = [];
  for (let at = 0; at < bytes.length;) {
    const [value, next] = varintAt(bytes, at, what);
    out.push(value);
    at = next;
  }
  return out;
}

function varintAt(bytes: Uint8Array, at: number, what: string): [value: bigint, next: number] {
  // Most are short, and a number is ten times faster than a bigint.
  let low = 0;
  let i = at;
  for (let shift = 0; shift < 28; shift += 7, i++) {
    if (i >= bytes.length) throw damaged(what, at, "a number passes the end");
    low |= (bytes[i] & 0x7f) << shift;
    if (bytes[i] < 0x80) return [BigInt(low), i + 1];
  }
  let value = BigInt(low);
  for (let shift = 28n; shift < 70n; shift += 7n, i++) {
    if (i >= bytes.length) throw damaged(what, at, "a number passes the end");
    value |= BigInt(bytes[i] & 0x7f) << shift;
    if (bytes[i] < 0x80) return [BigInt.asUintN(64, value), i + 1];
  }
  throw damaged(what, at, "a number has more than ten bytes");
}

function damaged(what: string, at: number, why: string): FormatError {
  return new FormatError(`Cannot read ${what}: ${why} (at byte ${at})`, {
    code: "format.bounds",
    place: `byte ${at}`,
  });
}
