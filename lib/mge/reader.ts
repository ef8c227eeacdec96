/**
 * A flatbuffers reader for files nobody vouches for: every offset, vtable, length, count and
 * alignment is checked before anything is allocated. Nothing here recurses, so depth is bounded by
 * the format's own tables.
 * @module
 */
import type { Region } from "./region.ts";

/** A table: where it is, and where its field offsets are. */
export interface Table {
  /** The region it lies in. */
  readonly region: Region;
  /** Position of the table. */
  readonly at: number;
  /** Position of its vtable. */
  readonly vtable: number;
  /** Bytes of its vtable. */
  readonly vtableBytes: number;
  /** Bytes of the table. */
  readonly bytes: number;
}

/** A vector: its first element and how many there are. */
export interface Vector {
  /** Position of the first element. */
  readonly at: number;
  /** Number of elements. */
  readonly length: number;
}

/** The table at a position, with its vtable checked. */
export function tableAt(region: Region, at: number): Table {
  if (at % 4 !== 0) throw region.fault(at, "a table is not aligned to 4 bytes");
  region.within(at, 4, "a table");
  const vtable = at - region.i32(at);
  if (vtable % 2 !== 0) throw region.fault(at, "a vtable is not aligned to 2 bytes");
  region.within(vtable, 4, "a vtable");
  const vtableBytes = region.u16(vtable);
  const bytes = region.u16(vtable + 2);
  if (vtableBytes < 4 || vtableBytes % 2 !== 0) {
    throw region.fault(vtable, `a vtable states ${vtableBytes} bytes`);
  }
  region.within(vtable, vtableBytes, "a vtable");
  if (bytes < 4) throw region.fault(vtable, `a table states ${bytes} bytes`);
  region.within(at, bytes, "a table");
  region.pay(1, 32);
  return { region, at, vtable, vtableBytes, bytes };
}

/** Position of a field of so many bytes, or 0 if the table leaves it out. */
export function fieldAt(table: Table, slot: number, bytes: number, align = bytes): number {
  const entry = 4 + 2 * slot;
  if (entry + 2 > table.vtableBytes) return 0;
  const offset = table.region.u16(table.vtable + entry);
  if (offset === 0) return 0;
  const at = table.at + offset;
  if (offset < 4 || offset + bytes > table.bytes) {
    throw table.region.fault(at, `field ${slot} lies outside its table`);
  }
  if (at % align !== 0) throw table.region.fault(at, `field ${slot} is not aligned to ${align}`);
  return at;
}

/** What the offset at a position refers to; offsets point forward only. */
export function follow(region: Region, at: number): number {
  return target(region, at, region.u32(at));
}

function target(region: Region, at: number, offset: number): number {
  if (offset < 4) throw region.fault(at, `an offset of ${offset} points at itself`);
  region.within(at + offset, 4, "what an offset refers to");
  return at + offset;
}

/** The table that a field refers to. */
export function tableField(table: Table, slot: number): Table | undefined {
  const at = fieldAt(table, slot, 4);
  return at === 0 ? undefined : tableAt(table.region, follow(table.region, at));
}

/** The vector that a field refers to, its extent checked but its elements not read. */
export function vectorField(
  table: Table,
  slot: number,
  bytes: number,
  align = bytes,
): Vector | undefined {
  const field = fieldAt(table, slot, 4);
  return field === 0
    ? undefined
    : vectorAt(table.region, follow(table.region, field), bytes, align);
}

/** The bytes of a string, without the NUL behind them. */
export function stringBytes(table: Table, slot: number): Uint8Array | undefined {
  const field = fieldAt(table, slot, 4);
  return field === 0 ? undefined : bytesOfString(table.region, follow(table.region, field));
}

/** A string field; bytes that are not UTF-8 become replacement characters. */
export function stringField(table: Table, slot: number): string | undefined {
  const bytes = stringBytes(table, slot);
  return bytes && new TextDecoder().decode(bytes);
}

/** The strings of a vector of strings. */
export function stringsField(table: Table, slot: number): string[] | undefined {
  const vector = vectorField(table, slot, 4);
  return vector && Array.from(
    offsets(table.region, vector),
    (at) => new TextDecoder().decode(bytesOfString(table.region, at)),
  );
}

/** A vector of unsigned 32-bit numbers. */
export function u32s(table: Table, slot: number): number[] {
  const vector = vectorField(table, slot, 4);
  if (vector === undefined) return [];
  const view = wordsOf(table.region, vector);
  return Array.from({ length: vector.length }, (_, i) => view.getUint32(4 * i, true));
}

/** Positions that a vector of offsets refers to. */
export function offsetsField(table: Table, slot: number): number[] {
  const vector = vectorField(table, slot, 4);
  return vector === undefined ? [] : offsets(table.region, vector);
}

function offsets(region: Region, vector: Vector): number[] {
  const view = wordsOf(region, vector);
  return Array.from({ length: vector.length }, (_, i) => {
    return target(region, vector.at + 4 * i, view.getUint32(4 * i, true));
  });
}

/** The words of a vector, in one piece so that its pages are fetched together. */
function wordsOf(region: Region, vector: Vector): DataView {
  // Numbers in an array take more than the four bytes they have in the file.
  region.pay(0, 12 * vector.length);
  return new DataView(region.bytes(vector.at, 4 * vector.length).buffer);
}

function vectorAt(region: Region, at: number, bytes: number, align: number): Vector {
  if (at % 4 !== 0) throw region.fault(at, "a vector is not aligned to 4 bytes");
  const length = region.u32(at);
  if ((at + 4) % align !== 0) throw region.fault(at, `a vector is not aligned to ${align} bytes`);
  region.within(at + 4, length * bytes, `a vector of ${length} elements`);
  return { at: at + 4, length };
}

function bytesOfString(region: Region, at: number): Uint8Array {
  const { at: first, length } = vectorAt(region, at, 1, 1);
  region.within(first, length + 1, "a string");
  if (region.u8(first + length) !== 0) throw region.fault(at, "a string does not end in NUL");
  return region.bytes(first, length);
}
