/**
 * A part of a file that comes in pages on demand, so that a file whose tensors stand between its
 * tables opens with little memory. Code that reads runs in `take`, which fetches the page that was
 * missing and runs it again; a budget bounds what hostile tables can cost.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { ByteSource } from "../io/bytes.ts";

/** A part of a file that holds one flatbuffer; positions count from its size prefix. */
export interface Region {
  /** Bytes in the region. */
  readonly size: number;
  /** Where the region starts in the file. */
  readonly start: number;
  /** Runs code that reads the region, again after each page it lacked. */
  take<T>(read: () => T): Promise<T>;
  /** An unsigned byte. */
  u8(at: number): number;
  /** An unsigned 16-bit number. */
  u16(at: number): number;
  /** An unsigned 32-bit number. */
  u32(at: number): number;
  /** A signed 32-bit number. */
  i32(at: number): number;
  /** An unsigned 64-bit number. */
  u64(at: number): bigint;
  /** A 32-bit float. */
  f32(at: number): number;
  /** A 64-bit float. */
  f64(at: number): number;
  /** A copy of some bytes, paid for from the budget. */
  bytes(at: number, length: number): Uint8Array;
  /** Throws if the bytes are not all inside. */
  within(at: number, length: number, what: string): void;
  /** Pays for a table and for bytes that are kept. */
  pay(tables: number, bytes: number): void;
  /** An error about a position. */
  fault(at: number, what: string): FormatError;
}

/** Tells `take` which bytes to fetch. */
class Missing extends Error {
  constructor(readonly from: number, readonly to: number) {
    super("internal: a page is missing");
  }
}

const pageShift = 15;
const pageBytes = 1 << pageShift;
const pagesKept = 256;

/** MegEngine's verifier stops at this many tables too. */
const maxTables = 1_000_000;
/** Bytes that a graph without its tensors can take in memory. */
const maxKept = 256 * 1024 * 1024;
/** Tables and quarter kilobytes that are read, those read again for a missing page included. */
const maxWork = 8 * maxTables;

/** A region of a source; nothing is read yet. */
export function openRegion(source: ByteSource, start: number, size: number): Region {
  const pages = new Map<number, DataView>();
  // Sharing is legal, so the budget is generous for small files and fixed for large ones.
  let kept = Math.min(maxKept, 65536 + 16 * size);
  let tables = maxTables;
  let work = 0;

  const within = (at: number, length: number, what: string) => {
    if (at < 0 || length < 0 || at + length > size) {
      throw fault(at, `${what} of ${length} bytes leaves the buffer, which has ${size} bytes`);
    }
  };
  const fault = (at: number, what: string) =>
    new FormatError(`Cannot read the model file: ${what} (at byte ${start + at})`, {
      code: "format.bounds",
      place: `byte ${start + at}`,
    });
  const page = (index: number): DataView => {
    const found = pages.get(index);
    if (found === undefined) throw new Missing(index, index);
    return found;
  };
  const copy = (at: number, length: number): Uint8Array => {
    const first = Math.floor(at / pageBytes);
    const last = Math.floor((at + length - 1) / pageBytes);
    for (let i = first; i <= last; i++) if (!pages.has(i)) throw new Missing(first, last);
    const out = new Uint8Array(length);
    for (let i = first; i <= last; i++) {
      const view = page(i);
      const from = Math.max(at - i * pageBytes, 0);
      const to = Math.min(at + length - i * pageBytes, view.byteLength);
      const part = new Uint8Array(view.buffer, view.byteOffset + from, to - from);
      out.set(part, i * pageBytes + from - at);
    }
    return out;
  };
  const view = (at: number, length: number): [DataView, number] => {
    within(at, length, "a number");
    const inner = at % pageBytes;
    if (inner + length <= pageBytes) return [page(Math.floor(at / pageBytes)), inner];
    return [new DataView(copy(at, length).buffer), 0];
  };
  const fetch = async (first: number, last: number) => {
    const from = first * pageBytes;
    const length = Math.min((last + 1) * pageBytes, size) - from;
    const got = await source.read(start + from, length);
    if (got.length !== length) throw fault(from + got.length, "the file ends before its tables");
    for (let i = first; i <= last; i++) {
      const at = (i - first) * pageBytes;
      const bytes = Math.min(pageBytes, length - at);
      pages.set(i, new DataView(got.buffer, got.byteOffset + at, bytes));
    }
  };

  return {
    size,
    start,
    within,
    fault,
    async take(read) {
      const [keptBefore, tablesBefore] = [kept, tables];
      // Old pages go only between two runs, so each run gets further than the one before.
      for (const index of pages.keys()) {
        if (pages.size <= pagesKept) break;
        pages.delete(index);
      }
      for (;;) {
        try {
          return read();
        } catch (error) {
          if (!(error instanceof Missing)) throw error;
          [kept, tables] = [keptBefore, tablesBefore];
          await fetch(error.from, error.to);
        }
      }
    },
    u8(at) {
      const [page, inner] = view(at, 1);
      return page.getUint8(inner);
    },
    u16(at) {
      const [page, inner] = view(at, 2);
      return page.getUint16(inner, true);
    },
    u32(at) {
      const [page, inner] = view(at, 4);
      return page.getUint32(inner, true);
    },
    i32(at) {
      const [page, inner] = view(at, 4);
      return page.getInt32(inner, true);
    },
    u64(at) {
      const [page, inner] = view(at, 8);
      return page.getBigUint64(inner, true);
    },
    f32(at) {
      const [page, inner] = view(at, 4);
      return page.getFloat32(inner, true);
    },
    f64(at) {
      const [page, inner] = view(at, 8);
      return page.getFloat64(inner, true);
    },
    bytes(at, length) {
      within(at, length, "a vector");
      this.pay(0, length);
      return length === 0 ? new Uint8Array(0) : copy(at, length);
    },
    pay(moreTables, moreBytes) {
      tables -= moreTables;
      kept -= moreBytes;
      work += moreTables + moreBytes / 256;
      if (tables < 0 || kept < 0 || work > maxWork) {
        throw fault(0, "its tables refer to each other so often that they would fill the memory");
      }
    },
  };
}
