/**
 * Reading from a device: several ranges in one copy, one submit and one map.
 *
 * Deno sleeps 10 ms in every `mapAsync`, but the bytes are there when the call returns. A buffer
 * that was once mapped and awaited can so be read without waiting; one that was not ends the
 * process, which is why staging buffers are warmed first and the versions are named.
 * @module
 */
import { DeviceError } from "../core/fault.ts";
import { type Block, type Buffers, roundUp } from "./buffers.ts";
import type { Health } from "./health.ts";
import type { Queue } from "./queue.ts";

/** A range to read. */
export interface Range {
  readonly block: Block;
  /** A multiple of 4. */
  readonly offset: number;
  readonly bytes: number;
}

/** Reads from one device. */
export interface Readback {
  /** The bytes of each range, each in memory of its own. */
  read(ranges: readonly Range[]): Promise<readonly Uint8Array<ArrayBuffer>[]>;
  /** True if reads do not wait for Deno's timer. */
  readonly fast: boolean;
  /** Resolves once no map is pending; tests await it so that nothing seems to leak. */
  settled(): Promise<void>;
}

interface Staging {
  readonly block: Block;
  warm: boolean;
  busy: boolean;
}

/** A part of a range, and where it stands in the staging buffer. */
interface Piece {
  readonly range: number;
  readonly from: number;
  readonly at: number;
  readonly bytes: number;
}

const smallBytes = 64 * 2 ** 10;
const largestBytes = 64 * 2 ** 20;
const usage = 0x1 | 0x8; // MAP_READ | COPY_DST

/** True if the version of Deno is one where a warmed buffer is mapped when `mapAsync` returns. */
export function isFastDeno(version: string | undefined): boolean {
  return version !== undefined && /^2\.9\.\d+$/.test(version);
}

/** The reader of a device; `fast: false` forces the portable path. */
export function readbackOf(
  device: GPUDevice,
  queue: Queue,
  buffers: Buffers,
  health: Health,
  fast: boolean,
): Readback {
  const stagings: Staging[] = [];
  const pending = new Set<Promise<unknown>>();

  function hold<T>(promise: Promise<T>): Promise<T> {
    const settled = promise.then(() => {}, () => {}).then(() => void pending.delete(settled));
    pending.add(settled);
    return promise;
  }

  /** A staging buffer that nobody uses: one small, and a larger one that grows by doubling. */
  function stagingFor(bytes: number): Staging {
    const size = bytes <= smallBytes
      ? smallBytes
      : Math.min(largestBytes, 2 ** Math.ceil(Math.log2(bytes)));
    const found = stagings.find((s) => !s.busy && s.block.bytes === size);
    if (found) return found;
    for (const [i, s] of stagings.entries()) {
      if (s.busy || s.block.bytes === smallBytes || s.block.bytes > size) continue;
      buffers.destroy(s.block);
      stagings.splice(i, 1);
      break;
    }
    const made = { block: buffers.create(size, usage, "readback"), warm: false, busy: false };
    stagings.push(made);
    return made;
  }

  /** Maps the staging buffer and takes the pieces out, each as an array of its own. */
  async function take(
    staging: Staging,
    pieces: readonly Piece[],
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    const { buffer } = staging.block;
    const end = pieces[pieces.length - 1];
    const mapped = hold(buffer.mapAsync(GPUMapMode.READ, 0, roundUp(end.at + end.bytes, 8)));
    if (fast && staging.warm) mapped.catch(() => {});
    else await mapped;
    try {
      return pieces.map(({ at, bytes }) => {
        const range = buffer.getMappedRange(at, roundUp(bytes, 4));
        // Deno hands out a copy already; elsewhere the range dies with the unmapping.
        return new Uint8Array(fast ? range.transfer() : range.slice(0), 0, bytes);
      });
    } finally {
      buffer.unmap();
      staging.warm = true;
    }
  }

  async function batch(ranges: readonly Range[], pieces: readonly Piece[]) {
    const end = pieces[pieces.length - 1];
    const bytes = end.at + roundUp(end.bytes, 4);
    if (first.busy && bytes <= smallBytes) await warming;
    const staging = stagingFor(bytes);
    staging.busy = true;
    try {
      const encoder = device.createCommandEncoder({ label: "readback" });
      for (const { range, from, at, bytes } of pieces) {
        const { block, offset } = ranges[range];
        const n = roundUp(bytes, 4);
        encoder.copyBufferToBuffer(block.buffer, offset + from, staging.block.buffer, at, n);
      }
      queue.submit([encoder.finish()]);
      return await take(staging, pieces);
    } catch (error) {
      health.check("read from the device");
      const why = error instanceof Error ? error.message : String(error);
      throw new DeviceError(`Cannot read from the device: ${why}; open another device`, {
        code: "device.lost",
      });
    } finally {
      staging.busy = false;
    }
  }

  async function warm(staging: Staging): Promise<void> {
    staging.busy = true;
    try {
      await staging.block.buffer.mapAsync(GPUMapMode.READ);
      staging.block.buffer.unmap();
      staging.warm = true;
    } catch {
      // The device is lost; whatever is read next says so.
    } finally {
      staging.busy = false;
    }
  }

  async function read(ranges: readonly Range[]): Promise<Uint8Array<ArrayBuffer>[]> {
    health.check("read from the device");
    const out = ranges.map(({ bytes }) => new Uint8Array(bytes <= largestBytes ? 0 : bytes));
    for (const pieces of batchesOf(ranges)) {
      const parts = await batch(ranges, pieces);
      pieces.forEach(({ range, from }, i) => {
        if (ranges[range].bytes <= largestBytes) out[range] = parts[i];
        else out[range].set(parts[i], from);
      });
    }
    health.check("read from the device");
    return out;
  }

  // Warming starts with the device and runs beside whatever comes before the first read.
  const first = stagingFor(smallBytes);
  const warming = fast ? hold(warm(first)) : Promise.resolve();
  return {
    read,
    fast,
    async settled() {
      while (pending.size) await Promise.all(pending);
    },
  };
}

/** Ranges cut and packed into staging buffers of bounded size; offsets are multiples of 8. */
function batchesOf(ranges: readonly Range[]): Piece[][] {
  const batches: Piece[][] = [];
  let pieces: Piece[] = [];
  let at = 0;
  const close = () => {
    if (pieces.length) batches.push(pieces);
    pieces = [];
    at = 0;
  };
  for (const [range, { bytes }] of ranges.entries()) {
    for (let from = 0; from < bytes; from += largestBytes) {
      const n = Math.min(largestBytes, bytes - from);
      if (at + n > largestBytes) close();
      pieces.push({ range, from, at, bytes: n });
      at = roundUp(at + n, 8);
    }
  }
  close();
  return batches;
}
