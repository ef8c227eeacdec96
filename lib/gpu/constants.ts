/**
 * Constants on the device, as buffers, as images or both: uploaded once a value, shared by every
 * plan that names the same one, whatever its shape, and streamed where they come from a source, so
 * that they may be larger than ordinary memory.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import {
  bytesIn,
  type Data,
  type HostArray,
  isHost,
  isResident,
  isSource,
  type Resident,
  type Source,
} from "../core/host.ts";
import { bytesOf, printType } from "../core/type.ts";
import type { Block, Buffers } from "./buffers.ts";
import type { Health } from "./health.ts";
import type { Image, Images } from "./images.ts";
import type { Queue } from "./queue.ts";
import type { Held, Residents } from "../core/residents.ts";

/** The constants of one device. */
export interface Constants {
  /** The buffer of a value, held once more; give it back with `drop`. */
  hold(data: Data): Promise<Held<Block>>;
  /** Ends one holding of `hold`. */
  drop(data: Data): void;
  /** The image of a value, held once more; give it back with `dropImage`. */
  holdImage(data: Data): Promise<Image>;
  /** Ends one holding of `holdImage`. */
  dropImage(data: Data): void;
  /** Buffers and images that plans hold now. */
  count(): number;
}

/** What makes two constants the same: their memory, for reshaped ones share it. */
type Key = HostArray | Source | Resident;

/** Values made on demand and ended when nobody holds them. */
interface Shared<T> {
  hold(data: Data): Promise<T>;
  drop(data: Data): void;
  count(): number;
}

/** Bytes gathered before they are written. */
const chunkBytes = 2 ** 20;
/** Bytes written before the driver gets the time to release its copies. */
const flushBytes = 64 * 2 ** 20;

/** The constants of a device that is watched. */
export function constantsOf(
  device: GPUDevice,
  queue: Queue,
  buffers: Buffers,
  images: Images,
  residents: Residents<Block>,
  health: Health,
): Constants {
  const isOurs = (data: Data): data is Resident =>
    isResident(data) && data.owner === residents.owner;

  async function load(data: Data): Promise<Held<Block>> {
    const label = `the constant ${printType(data)}`;
    if (isOurs(data)) return residents.keep(residents.held(data, `use ${label}`));
    const block = buffers.take(bytesOf(data), label);
    const held = { block, holders: 1 };
    try {
      await fill(data, (offset, bytes) => buffers.write(block, offset, bytes));
    } catch (error) {
      residents.drop(held);
      throw error;
    }
    return held;
  }

  async function loadImage(data: Data): Promise<Image> {
    const label = `the constant ${printType(data)}`;
    const from = isOurs(data) ? residents.held(data, `use ${label}`) : undefined;
    const image = images.create(bytesOf(data), label);
    try {
      if (from) images.copy(image, from.block);
      else await fill(data, (offset, bytes) => images.write(image, offset, bytes));
    } catch (error) {
      images.destroy(image);
      throw error;
    }
    return image;
  }

  /** Hands the bytes of a value to a writer, in order; all writes but the last are of full chunks. */
  async function fill(data: Data, write: (offset: number, bytes: Uint8Array) => void) {
    if (isSource(data)) await stream(data, write);
    else write(0, bytesIn(isHost(data) ? data.data : (await data.read()).data));
  }

  async function stream(
    source: Source,
    sink: (offset: number, bytes: Uint8Array) => void,
  ): Promise<void> {
    const total = bytesOf(source);
    const gathered = new Uint8Array(Math.min(chunkBytes, total));
    let filled = 0, written = 0, flushed = 0;
    const write = async (bytes: Uint8Array) => {
      sink(written, bytes);
      written += bytes.byteLength;
      if (written - flushed < flushBytes) return;
      // Copies made by writes live until a submit has gone through; wait so that they cannot pile up.
      queue.submit([]);
      await device.queue.onSubmittedWorkDone();
      health.check("upload a constant");
      flushed = written;
    };
    for await (const chunk of source.open()) {
      if (written + filled + chunk.byteLength > total) throw lengthFault(source, "more");
      for (let at = 0; at < chunk.byteLength;) {
        const n = Math.min(gathered.byteLength - filled, chunk.byteLength - at);
        gathered.set(chunk.subarray(at, at + n), filled);
        filled += n;
        at += n;
        // Only the very last write may be ragged: `gathered` is then as long as what is left.
        if (filled === gathered.byteLength) await write(gathered), filled = 0;
      }
    }
    if (written + filled !== total) throw lengthFault(source, `${written + filled}`);
    if (filled) await write(gathered.subarray(0, filled));
  }

  const held = shared(load, (held) => residents.drop(held));
  const shown = shared(loadImage, (image) => images.destroy(image));
  return {
    hold: held.hold,
    drop: held.drop,
    holdImage: shown.hold,
    dropImage: shown.drop,
    count: () => held.count() + shown.count(),
  };
}

/** Loads each value once for all who hold it. */
function shared<T>(load: (data: Data) => Promise<T>, end: (value: T) => void): Shared<T> {
  const entries = new Map<Key, { readonly value: Promise<T>; uses: number }>();
  return {
    hold(data) {
      const key = keyOf(data);
      const known = entries.get(key);
      if (known) {
        known.uses++;
        return known.value;
      }
      const entry = { value: load(data), uses: 1 };
      entries.set(key, entry);
      entry.value.catch(() => entries.get(key) === entry && entries.delete(key));
      return entry.value;
    },
    drop(data) {
      const key = keyOf(data);
      const entry = entries.get(key);
      if (!entry || --entry.uses > 0) return;
      entries.delete(key);
      entry.value.then(end, () => {});
    },
    count: () => entries.size,
  };
}

function keyOf(data: Data): Key {
  return isHost(data) ? data.data : data;
}

function lengthFault(source: Source, found: string): FormatError {
  return new FormatError(
    `Cannot upload ${printType(source)}: its source gave ${found} bytes, ` +
      `${bytesOf(source)} were stated`,
  );
}
