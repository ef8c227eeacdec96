/**
 * Constants in a memory: as they lie, or packed as contractions read them. Equal ones of several
 * plans are one.
 * @module
 */
import { packedSize, type Packing } from "../../kernels/wasm/packing.ts";
import { FormatError } from "../core/fault.ts";
import {
  collect,
  type Data,
  type Host,
  isHost,
  isResident,
  isSource,
  type Source,
} from "../core/host.ts";
import { bytesOf, printType } from "../core/type.ts";
import { bytesIn } from "../core/host.ts";
import type { Block, Heap } from "./heap.ts";
import type { Packer } from "./packer.ts";

/** The constants of one memory. */
export interface Constants {
  /** The block of a value, held once more; give it back with `drop`. */
  hold(data: Data, packing?: Packing): Promise<Block>;
  /** True if it is held already; packed so, or in any way at all. */
  has(data: Data, packing?: Packing): boolean;
  hasAny(data: Data): boolean;
  /** Ends one holding. */
  drop(data: Data, packing?: Packing): void;
  /** How many there are. */
  count(): number;
}

interface Entry {
  readonly block: Promise<Block>;
  uses: number;
}

/** The constants of a memory. */
export function constantsOf(heap: Heap, pack: Packer): Constants {
  const entries = new Map<object, Map<string, Entry>>();
  const nameOf = (packing: Packing | undefined) => packing ? JSON.stringify(packing) : "";

  async function load(data: Data, packing: Packing | undefined): Promise<Block> {
    const what = `the constant ${printType(data)}`;
    const size = packing ? packedSize(packing) * 4 : bytesOf(data);
    if (!packing && isSource(data)) {
      const block = heap.take(size, what);
      try {
        let at = 0;
        for await (const chunk of data.open()) {
          if (at + chunk.byteLength > size) throw lengthFault(data, "more");
          heap.bytes(block.address + at, chunk.byteLength).set(chunk);
          at += chunk.byteLength;
        }
        if (at < size) throw lengthFault(data, `${at}`);
        return block;
      } catch (error) {
        heap.give(block);
        throw error;
      }
    }
    const value: Host = isHost(data)
      ? data
      : isResident(data)
      ? await data.read()
      : await collect(data);
    const block = heap.take(size, what);
    if (!packing) heap.bytes(block.address, size).set(bytesIn(value.data));
    else pack(value.data, packing, block);
    return block;
  }

  return {
    hold(data, packing) {
      const key = keyOf(data);
      let same = entries.get(key);
      if (!same) entries.set(key, same = new Map());
      const name = nameOf(packing);
      const known = same.get(name);
      if (known) {
        known.uses++;
        return known.block;
      }
      const entry = { block: load(data, packing), uses: 1 };
      same.set(name, entry);
      const own = same;
      entry.block.catch(() => own.get(name) === entry && own.delete(name));
      return entry.block;
    },
    has: (data, packing) => entries.get(keyOf(data))?.has(nameOf(packing)) ?? false,
    hasAny: (data) => entries.has(keyOf(data)),
    drop(data, packing) {
      const key = keyOf(data);
      const same = entries.get(key);
      const entry = same?.get(nameOf(packing));
      if (!same || !entry || --entry.uses > 0) return;
      same.delete(nameOf(packing));
      if (!same.size) entries.delete(key);
      entry.block.then((block) => heap.give(block), () => {});
    },
    count: () => [...entries.values()].reduce((n, same) => n + same.size, 0),
  };
}

/** What makes two constants the same: their memory, for reshaped ones share it. */
function keyOf(data: Data): object {
  return isHost(data) ? data.data : data;
}

function lengthFault(source: Source, found: string): FormatError {
  return new FormatError(
    `Cannot read ${printType(source)}: its source gave ${found} bytes, ` +
      `${bytesOf(source)} were stated`,
  );
}
