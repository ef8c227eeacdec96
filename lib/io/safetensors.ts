/**
 * Safetensors files: a JSON header and the tensors' bytes behind it. Reading touches the header
 * only and gives every tensor as a `Source`; writing is a stream whose size is known beforehand.
 * @module
 */
import { FormatError, OptionError } from "../core/fault.ts";
import { bytesIn, type Host, isHost, type Source } from "../core/host.ts";
import { bytesOf, type DType, itemBytes, printType, sizeOf } from "../core/type.ts";
import { bytesBetween, type BytesLike, type ByteSource, openBytes } from "./bytes.ts";
import { decode, dtypeOf, isDirect, type Stored, storedBytes } from "./element.ts";
import { parseUnique } from "./json.ts";

/** An opened safetensors file. */
export interface Safetensors {
  /** The tensors by name, in the header's order; their bytes stay in the file until asked for. */
  readonly tensors: ReadonlyMap<string, Source>;
  /** The file's dtype names; one that differs from the tensor's is converted while reading. */
  readonly stored: ReadonlyMap<string, string>;
  /** The texts under `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes whose number is known before the first one. */
export interface Sized {
  /** Number of bytes. */
  readonly size: number;
  /** Gives the bytes in order; each call starts anew. */
  open(): AsyncIterable<Uint8Array>;
}

/** The format's limit for the header, which keeps a hostile length from filling the memory. */
export const headerLimit = 100_000_000;

const kinds: Readonly<Record<string, Stored>> = {
  BOOL: "b1",
  I8: "i1",
  U8: "u1",
  I16: "i2",
  U16: "u2",
  I32: "i4",
  U32: "u4",
  I64: "i8",
  U64: "u8",
  F16: "f2",
  BF16: "bf2",
  F32: "f4",
  F64: "f8",
};

const names: Readonly<Record<DType, string>> = {
  f32: "F32",
  f16: "F16",
  i32: "I32",
  i16: "I16",
  i8: "I8",
  u8: "U8",
  u16: "U16",
  bool: "BOOL",
};

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Opens a safetensors file: bounds, overlaps, holes, duplicates and sizes are checked here, values
 * of converted dtypes (BF16 and F64 to f32; U32, I64, U64 to i32, where each must fit) when read.
 */
export async function openSafetensors(from: BytesLike): Promise<Safetensors> {
  const file = await openBytes(from);
  if (file.size < 8) throw damaged(`the file has ${file.size} bytes, its header's length takes 8`);
  const length = new DataView((await file.read(0, 8)).slice().buffer).getBigUint64(0, true);
  if (length > BigInt(headerLimit)) {
    throw damaged(`its first 8 bytes say a header of ${length} bytes, at most ${headerLimit} are`);
  }
  const start = 8 + Number(length);
  if (start > file.size) {
    throw damaged(`its header of ${length} bytes passes the end at ${file.size}`);
  }
  const header = readHeader(await file.read(8, Number(length)));
  checkLayout(header.entries, file.size - start);
  const tensors = header.entries.map((e) => [e.name, sourceOf(file, start, e)] as const);
  return {
    tensors: new Map(tensors),
    stored: new Map(header.entries.map((e) => [e.name, e.dtype])),
    metadata: header.metadata,
  };
}

/**
 * A safetensors file of these tensors, written while it is read: the header, then each tensor's
 * bytes from where they are. The header names them in the order given, the bytes stand widest
 * dtype first so that all are aligned.
 */
export function safetensors(
  tensors: Iterable<readonly [string, Host | Source]>,
  metadata: Readonly<Record<string, string>> = {},
): Sized {
  const items = [...tensors];
  const ordered = items.map((item, i) => ({ item, i }))
    .sort((a, b) => itemBytes(b.item[1].dtype) - itemBytes(a.item[1].dtype) || a.i - b.i)
    .map(({ item }) => item);
  const offsets = new Map<string, readonly [number, number]>();
  let at = 0;
  for (const [name, data] of ordered) {
    if (offsets.has(name) || name === "__metadata__") {
      const why = offsets.has(name) ? "two tensors have it" : "the format keeps it for itself";
      throw new OptionError(`Cannot write a tensor named ${JSON.stringify(name)}: ${why}`);
    }
    offsets.set(name, [at, at += bytesOf(data)]);
  }
  const head = headerBytes(items, offsets, metadata);
  return { size: head.byteLength + at, open: () => emit(head, ordered) };
}

function headerBytes(
  items: readonly (readonly [string, Host | Source])[],
  offsets: ReadonlyMap<string, readonly [number, number]>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  // Entries are joined as text: an object would move names such as "0" to the front.
  const entries = items.map(([name, { dtype, shape }]) => {
    const entry = { dtype: names[dtype], shape, data_offsets: offsets.get(name) };
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  if (Object.keys(metadata).length > 0) {
    entries.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  }
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > headerLimit) {
    throw new OptionError(
      `Cannot write a safetensors header of ${length} bytes: the format allows ${headerLimit}; ` +
        `write fewer tensors a file`,
    );
  }
  const out = new Uint8Array(8 + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(text, 8);
  return out;
}

async function* emit(
  head: Uint8Array,
  items: readonly (readonly [string, Host | Source])[],
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const [name, data] of items) {
    let left = bytesOf(data);
    for await (const chunk of isHost(data) ? [bytesIn(data.data)] : data.open()) {
      left -= chunk.byteLength;
      if (left < 0) break;
      yield chunk;
    }
    if (left !== 0) {
      const found = left < 0 ? "more" : `${left} bytes fewer`;
      throw new FormatError(`Cannot write "${name}": its source gave ${found} than it stated`);
    }
  }
}

function sourceOf(file: ByteSource, start: number, entry: Entry): Source {
  const stored = kinds[entry.dtype];
  const [at, length] = [start + entry.begin, entry.end - entry.begin];
  return {
    dtype: dtypeOf(stored),
    shape: entry.shape,
    async *open() {
      // The step is a multiple of every item's size, so chunks hold whole elements.
      for await (const chunk of bytesBetween(file, at, length)) {
        yield isDirect(stored) ? chunk : bytesIn(decode(chunk, stored, `"${entry.name}"`));
      }
    },
  };
}

function readHeader(bytes: Uint8Array): { entries: Entry[]; metadata: Map<string, string> } {
  const parsed = parseUnique(bytes, "Cannot read this safetensors file");
  if (bytes[0] !== 0x7b || !isRecord(parsed)) throw damaged("its header is no JSON object");
  const entries: Entry[] = [];
  let metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    if (name === "__metadata__") metadata = metadataOf(value);
    else entries.push(entryOf(name, value));
  }
  return { entries, metadata };
}

function metadataOf(value: unknown): Map<string, string> {
  const found = isRecord(value) ? Object.entries(value) : [["", undefined] as const];
  return new Map(found.map(([key, text]) => {
    if (typeof text !== "string") throw damaged("its __metadata__ is no record of texts");
    return [key, text];
  }));
}

function entryOf(name: string, value: unknown): Entry {
  const what = `"${name}"`;
  if (!isRecord(value)) throw damaged(`the entry of ${what} is no object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(kinds, dtype)) {
    throw new FormatError(
      `Cannot read ${what} of this safetensors file: its dtype is ${JSON.stringify(dtype)}; ` +
        `known are ${Object.keys(kinds).join(" ")}`,
      { code: "format.dtype", values: { name, dtype } },
    );
  }
  if (!isCounts(shape)) throw damaged(`the shape of ${what} is no list of counts`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw damaged(`the data_offsets of ${what} are no two counts`);
  }
  const [begin, end] = offsets;
  const bytes = sizeOf(shape) * storedBytes(kinds[dtype]);
  if (bytes !== end - begin || !Number.isSafeInteger(bytes)) {
    const type = printType({ dtype: dtypeOf(kinds[dtype]), shape });
    throw damaged(
      `${what} (${type}, stored as ${dtype}) has bytes ${begin} to ${end}, not ${bytes}`,
    );
  }
  return { name, dtype, shape: Object.freeze([...shape]), begin, end };
}

/** The tensors must fill the data exactly: no hole for foreign bytes, no byte used twice. */
function checkLayout(entries: readonly Entry[], size: number): void {
  let at = 0;
  for (const entry of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== at) {
      const why = entry.begin < at ? "overlaps the tensor before it" : "leaves a hole before it";
      throw damaged(`"${entry.name}" begins at ${entry.begin} and ${why}, which ends at ${at}`);
    }
    at = entry.end;
    if (at > size) throw damaged(`"${entry.name}" ends at ${at}, the data at ${size}`);
  }
  if (at !== size) throw damaged(`its tensors end at ${at}, the data at ${size}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && x >= 0);
}

function damaged(why: string): FormatError {
  return new FormatError(`Cannot read this safetensors file: ${why}`);
}
