/**
 * Zip archives in memory. fflate inflates and writes; the directory is read here, because every
 * offset, length and checksum is to be tested before anything is allocated.
 * @module
 */
import { inflateSync, zipSync } from "fflate";
import { FormatError, OptionError } from "../core/fault.ts";
import { crc32 } from "./crc32.ts";

interface Member {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where the local header begins. */
  readonly at: number;
}

/** The members of a zip archive by name; each is unpacked and its checksum tested when read. */
export function zipMembers(
  bytes: Uint8Array,
  what: string,
): ReadonlyMap<string, () => Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = directoryEnd(view, what);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  let at = view.getUint32(end + 16, true);
  if (at + size > end) throw damaged(what, "its directory passes the end of the file");
  const out = new Map<string, () => Uint8Array>();
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) {
      throw damaged(what, `entry ${i} of its directory is no entry`);
    }
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + 46 + lengths[0] + lengths[1] + lengths[2];
    if (next > end) throw damaged(what, `entry ${i} of its directory passes the end`);
    const member = memberAt(view, bytes, at, what);
    if (out.has(member.name)) throw damaged(what, `it has "${member.name}" twice`);
    out.set(member.name, () => unpack(view, bytes, member, what));
    at = next;
  }
  return out;
}

/** A zip archive of these members, stored or deflated, dated 1980 so that equal input is equal. */
export function zipOf(
  members: readonly (readonly [string, Uint8Array])[],
  options: { readonly deflate?: boolean } = {},
): Uint8Array {
  const total = members.reduce((sum, [, bytes]) => sum + bytes.byteLength, 0);
  if (total >= 0xffffffff || members.length >= 0xffff) {
    throw new OptionError(
      `Cannot write a zip of ${members.length} members and ${total} bytes: the limits are 65534 ` +
        `and 4 GB; write several files, or safetensors`,
    );
  }
  const files = new Map(members);
  if (files.size < members.length) {
    throw new OptionError("Cannot write a zip: two of its members have one name");
  }
  const level = options.deflate ? 6 : 0;
  // A Date in local time, since fflate reads it with getHours() and its kind.
  return zipSync(Object.fromEntries(files), { level, mtime: new Date(1980, 0, 1) });
}

function memberAt(view: DataView, bytes: Uint8Array, at: number, what: string): Member {
  const long = view.getUint16(at + 28, true);
  const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + long));
  if (view.getUint16(at + 8, true) & 1) throw damaged(what, `its member "${name}" is encrypted`);
  const member = {
    name,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    at: view.getUint32(at + 42, true),
  };
  if ([member.packed, member.size, member.at].includes(0xffffffff)) {
    throw damaged(what, `its member "${name}" is past 4 GB; split the archive`);
  }
  return member;
}

function unpack(view: DataView, bytes: Uint8Array, member: Member, what: string): Uint8Array {
  const { name, at, packed, size } = member;
  if (at + 30 > bytes.byteLength || view.getUint32(at, true) !== 0x04034b50) {
    throw damaged(what, `the header of "${name}" is not at ${at}`);
  }
  // The local name and extra field may differ in length from the directory's.
  const from = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (from + packed > bytes.byteLength) throw damaged(what, `"${name}" passes the end of the file`);
  const out = contents(bytes.subarray(from, from + packed), member, what);
  if (out.byteLength !== size || crc32(out) !== member.crc) {
    throw damaged(what, `the contents of "${name}" do not agree with its length and checksum`);
  }
  return out;
}

function contents(packed: Uint8Array, { name, method, size }: Member, what: string): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8) throw damaged(what, `"${name}" is packed by method ${method}, not deflate`);
  // Deflate gives at most 1032 bytes for one, so a larger claim is no reason to allocate.
  if (size > 1032 * packed.byteLength) {
    throw damaged(what, `"${name}" claims ${size} bytes from ${packed.byteLength}`);
  }
  try {
    // One byte more than stated shows contents that are longer than that.
    return inflateSync(packed, { out: new Uint8Array(size + 1) });
  } catch (error) {
    throw damaged(what, `"${name}" does not inflate (${(error as Error).message})`);
  }
}

/** The end record stands last, before a comment of at most 65,535 bytes. */
function directoryEnd(view: DataView, what: string): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= 0 && at >= last - 0xffff; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue;
    if (view.getUint16(at + 20, true) !== last - at) continue;
    if (view.getUint32(at + 16, true) === 0xffffffff || view.getUint16(at + 10, true) === 0xffff) {
      throw damaged(what, "it is a zip64 archive past 4 GB; split it, or use safetensors");
    }
    return at;
  }
  throw damaged(what, "it is no zip archive, or its end is missing");
}

function damaged(what: string, why: string): FormatError {
  return new FormatError(`Cannot read ${what}: ${why}`);
}
