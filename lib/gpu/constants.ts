/**
 * Constants on the device: uploaded once a value, shared by every plan that names the same one, and
 * streamed where they come from a source, so that they may be larger than ordinary memory.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { bytesIn, type Data, isHost, isResident, isSource, type Source } from "../core/host.ts";
import { bytesOf, printType } from "../core/type.ts";
import type { Block, Buffers } from "./buffers.ts";
import type { Health } from "./health.ts";
import type { Held, Residents } from "./resident.ts";

/** The constants of one device. */
export interface Constants {
  /** The buffer of a value, held once more; give it back with `drop`. */
  hold(data: Data): Promise<Held>;
  /** Ends one holding of `hold`. */
  drop(data: Data): void;
  /** Values that plans hold now. */
  count(): number;
}

interface Entry {
  readonly held: Promise<Held>;
  uses: number;
}

/** Bytes gathered before they are written. */
const chunkBytes = 2 ** 20;
/** Bytes written before the driver gets the time to release its copies. */
const flushBytes = 64 * 2 ** 20;

/** The constants of a device that is watched. */
export function constantsOf(
  device: GPUDevice,
  buffers: Buffers,
  residents: Residents,
  health: Health,
): Constants {
  const entries = new Map<Data, Entry>();

  async function load(data: Data): Promise<Held> {
    const label = `the constant ${printType(data)}`;
    if (isResident(data) && data.owner === residents.owner) {
      return residents.keep(residents.held(data, `use ${label}`));
    }
    const block = buffers.take(bytesOf(data), label);
    const held = { block, holders: 1 };
    try {
      if (isSource(data)) await stream(block, data);
      else if (isHost(data)) buffers.write(block, 0, bytesIn(data.data));
      else buffers.write(block, 0, bytesIn((await data.read()).data));
    } catch (error) {
      residents.drop(held);
      throw error;
    }
    return held;
  }

  async function stream(block: Block, source: Source): Promise<void> {
    const total = bytesOf(source);
    const gathered = new Uint8Array(Math.min(chunkBytes, total));
    let filled = 0, written = 0, flushed = 0;
    const write = async (bytes: Uint8Array) => {
      buffers.write(block, written, bytes);
      written += bytes.byteLength;
      if (written - flushed < flushBytes) return;
      // Copies made by writes live until a submit has gone through; wait so that they cannot pile up.
      device.queue.submit([]);
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

  return {
    hold(data) {
      const known = entries.get(data);
      if (known) {
        known.uses++;
        return known.held;
      }
      const entry = { held: load(data), uses: 1 };
      entries.set(data, entry);
      entry.held.catch(() => entries.get(data) === entry && entries.delete(data));
      return entry.held;
    },
    drop(data) {
      const entry = entries.get(data);
      if (!entry || --entry.uses > 0) return;
      entries.delete(data);
      entry.held.then((held) => residents.drop(held), () => {});
    },
    count: () => entries.size,
  };
}

function lengthFault(source: Source, found: string): FormatError {
  return new FormatError(
    `Cannot upload ${printType(source)}: its source gave ${found} bytes, ` +
      `${bytesOf(source)} were stated`,
  );
}
