/**
 * The buffers of a device and every transfer into them. Deno ends the process when an empty array
 * is written, and WebGPU wraps or cuts odd sizes without a word: so nothing else in the library
 * creates or writes a buffer.
 * @module
 */
import { DeviceError } from "../core/fault.ts";
import type { Health } from "./health.ts";
import type { Queue } from "./queue.ts";

/** A buffer with its size and a number that stays with it. */
export interface Block {
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer, of which a value may use fewer. */
  readonly bytes: number;
  readonly id: number;
}

/** What the buffers of a device amount to. */
export interface BufferCounts {
  /** Buffers made since the device was opened. */
  readonly created: number;
  /** Buffers that exist, free ones of the pool among them. */
  readonly alive: number;
  /** Bytes in use, images among them, without free buffers of the pool. */
  readonly used: number;
  /** Bytes of free buffers in the pool. */
  readonly free: number;
  /** Largest `used` so far. */
  readonly peak: number;
}

/** Makes, keeps, fills and destroys the buffers of one device. */
export interface Buffers {
  /** A new buffer of exactly these bytes (rounded up to 16), for the caller to `destroy`. */
  create(bytes: number, usage: number, label: string): Block;
  /** Ends a buffer of `create`. */
  destroy(block: Block): void;
  /** A storage buffer of at least these bytes with any content, for the caller to `give` back. */
  take(bytes: number, label: string): Block;
  /** Puts a buffer of `take` back; work already submitted may still use it. */
  give(block: Block): void;
  /** Writes bytes at an offset that is a multiple of 4; a ragged end is padded with zeros. */
  write(block: Block, offset: number, bytes: Uint8Array): void;
  /** Counts bytes that others made on the device, or a negative number that they ended. */
  account(bytes: number): void;
  /** A storage buffer that stands for values without elements. */
  readonly nothing: Block;
  counts(): BufferCounts;
  /** Destroys every buffer. */
  dispose(): void;
}

/** Usage of buffers that kernels bind and copies move. */
export const storage = 0x80 | 0x4 | 0x8; // STORAGE | COPY_SRC | COPY_DST

/** Free bytes that the pool may always keep; beyond it keeps no more than was in use at once. */
const keepAlways = 64 * 2 ** 20;

/** Bytes of one write; bounds the staging memory that the driver takes for it. */
const writeChunk = 16 * 2 ** 20;

/** Rounds up to a multiple. */
export function roundUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** The pool's size of a buffer for `bytes`: at least 256, at most a quarter more than asked. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return roundUp(bytes, Math.max(256, step));
}

/** The buffers of a device that is watched. */
export function buffersOf(device: GPUDevice, queue: Queue, health: Health): Buffers {
  const alive = new Set<Block>();
  const free = new Map<number, Block[]>();
  const largest = device.limits.maxBufferSize;
  let created = 0, used = 0, unused = 0, peak = 0;

  function make(bytes: number, usage: number, label: string): Block {
    if (bytes > largest) {
      throw new DeviceError(
        `Cannot make a buffer of ${bytes} bytes for ${label}: this device allows ${largest}; ` +
          `split the value or use another target`,
        { code: "device.size", values: { bytes, largest } },
      );
    }
    const block = {
      buffer: device.createBuffer({ size: bytes, usage, label }),
      bytes,
      id: ++created,
    };
    alive.add(block);
    return block;
  }

  function count(bytes: number): void {
    used += bytes;
    peak = Math.max(peak, used);
  }

  function end(block: Block): void {
    if (!alive.delete(block)) return;
    queue.flush();
    block.buffer.destroy();
  }

  function expect(bytes: number, label: string): void {
    health.check(`make a buffer for ${label}`);
    // WebGPU wraps negative sizes, takes NaN as 0 and cuts fractions.
    if (Number.isSafeInteger(bytes) && bytes >= 0) return;
    throw new DeviceError(`internal: a buffer of ${bytes} bytes for ${label}`);
  }

  function create(bytes: number, usage: number, label: string): Block {
    expect(bytes, label);
    const block = make(Math.max(16, roundUp(bytes, 16)), usage, label);
    count(block.bytes);
    return block;
  }

  function take(bytes: number, label: string): Block {
    expect(bytes, label);
    const wanted = sizeClass(bytes);
    const size = wanted > largest && roundUp(bytes, 16) <= largest ? roundUp(bytes, 16) : wanted;
    const kept = free.get(size);
    // The lowest number first: the same set of free buffers is dealt out in the same way, so bind
    // groups made for one run fit the next.
    if (kept?.length) {
      let at = 0;
      for (let i = 1; i < kept.length; i++) if (kept[i].id < kept[at].id) at = i;
      const [block] = kept.splice(at, 1);
      unused -= size;
      count(size);
      return block;
    }
    const block = make(size, storage, label);
    count(size);
    return block;
  }

  function give(block: Block): void {
    if (!alive.has(block)) return;
    used -= block.bytes;
    unused += block.bytes;
    const kept = free.get(block.bytes);
    if (kept) kept.push(block);
    else free.set(block.bytes, [block]);
    trim();
  }

  /** Destroys free buffers until the pool holds no more than was once in use. */
  function trim(): void {
    const most = Math.max(keepAlways, peak);
    for (const [size, kept] of free) {
      while (kept.length && used + unused > most) {
        end(kept.shift()!);
        unused -= size;
      }
      if (used + unused <= most) break;
    }
  }

  function write(block: Block, offset: number, bytes: Uint8Array): void {
    const padded = roundUp(bytes.byteLength, 4);
    if (offset % 4 !== 0 || offset < 0 || offset + padded > block.bytes) {
      throw new DeviceError(
        `internal: ${bytes.byteLength} bytes at ${offset} in a buffer of ${block.bytes}`,
      );
    }
    // An empty or detached array given to writeBuffer ends the whole process.
    if (bytes.byteLength === 0) return;
    health.check("write to the device");
    queue.flush();
    const whole = bytes.byteLength - bytes.byteLength % 4;
    for (let at = 0; at < whole; at += writeChunk) {
      const n = Math.min(writeChunk, whole - at);
      device.queue.writeBuffer(block.buffer, offset + at, bytes as BufferSource, at, n);
    }
    if (whole < bytes.byteLength) {
      const last = new Uint8Array(4);
      last.set(bytes.subarray(whole));
      device.queue.writeBuffer(block.buffer, offset + whole, last);
    }
  }

  return {
    create,
    destroy(block) {
      if (alive.has(block)) used -= block.bytes;
      end(block);
    },
    take,
    give,
    write,
    account: count,
    nothing: make(256, storage, "a value without elements"),
    counts: () => ({ created, alive: alive.size, used, free: unused, peak }),
    dispose() {
      for (const block of alive) block.buffer.destroy();
      alive.clear();
      free.clear();
      used = unused = 0;
    },
  };
}
