/**
 * Streams of bytes: chunk sizes, counting, speed, gzip, and the way between async iterables and
 * the web's streams. Whoever stops reading stops the source; nothing is read before it is asked for.
 * @module
 */
import { FormatError } from "../core/fault.ts";

/** Bytes in order, in chunks of any size. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | ReadableStream<Uint8Array>;

/** How far long work is. */
export interface Rate {
  /** What is done, in bytes or items. */
  readonly done: number;
  /** All there is to do, if known. */
  readonly total?: number;
  /** Done per second, averaged over the last seconds; 0 before the first 100 ms. */
  readonly perSecond: number;
  /** Milliseconds left, where total and speed are known. */
  readonly left?: number;
}

/**
 * The chunks of an iterable or a web stream; leaving the loop early cancels the stream. An abort
 * ends even a read that waits, and the signal's reason is thrown.
 */
export async function* chunksOf(
  chunks: Chunks,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!(chunks instanceof ReadableStream)) {
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      yield chunk;
    }
    return;
  }
  const reader = chunks.getReader();
  // A generator cannot be told to stop while it waits, but its reader can.
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  let ended = false;
  try {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop);
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
    signal?.throwIfAborted();
    ended = true;
  } finally {
    signal?.removeEventListener("abort", stop);
    // A stream in error says so again here, and the reader has heard it already.
    if (!ended) await reader.cancel(signal?.reason).catch(() => {});
    reader.releaseLock();
  }
}

/**
 * A web stream of an iterable: it asks for a chunk when its reader asks, and cancelling it ends
 * the iterable's generator.
 */
export function streamOf(chunks: Chunks): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stop = new AbortController();
  const iterator = chunksOf(chunks, stop.signal);
  return new ReadableStream({
    async pull(controller) {
      const part = await iterator.next();
      if (part.done) controller.close();
      else controller.enqueue(part.value as Uint8Array<ArrayBuffer>);
    },
    async cancel(reason) {
      stop.abort(reason);
      // the generator throws the reason back if it was waiting
      await iterator.return(undefined).catch(() => {});
      // Never begun, it has not touched its source, which still has to hear of the end.
      if (chunks instanceof ReadableStream && !chunks.locked) await chunks.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/**
 * Joins small chunks into ones of `least` bytes (256 KiB); larger ones pass as they are. With
 * `reuse` a chunk is good until the next one is asked for: dumping gigabytes then makes no
 * garbage, which the collector is slow to see in buffers (2 GB were held for 2 GB written).
 */
export async function* coalesced(
  chunks: Chunks,
  least: number = 1 << 18,
  options: { readonly reuse?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  const next = (buffer: Uint8Array) => options.reuse ? buffer : new Uint8Array(least);
  let held: Uint8Array = new Uint8Array(least);
  let filled = 0;
  for await (const chunk of chunksOf(chunks)) {
    const large = chunk.byteLength >= least;
    for (let at = 0; !large && at < chunk.byteLength;) {
      const part = chunk.subarray(at, at + least - filled);
      held.set(part, filled);
      at += part.byteLength;
      filled += part.byteLength;
      if (filled < least) continue;
      yield held;
      held = next(held);
      filled = 0;
    }
    if (!large) continue;
    if (filled > 0) {
      yield held.subarray(0, filled);
      held = next(held);
      filled = 0;
    }
    yield chunk;
  }
  if (filled > 0) yield held.subarray(0, filled);
}

/** The same chunks; `onBytes` hears how many bytes have passed after each. */
export async function* counted(
  chunks: Chunks,
  onBytes: (total: number) => void,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of chunksOf(chunks)) {
    yield chunk;
    onBytes(total += chunk.byteLength);
  }
}

/** All bytes in one array; more than `limit` is a `FormatError`. */
export async function gathered(chunks: Chunks, limit: number = Infinity): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunksOf(chunks)) {
    total += chunk.byteLength;
    if (total > limit) throw new FormatError(`Cannot take more than ${limit} bytes of this stream`);
    parts.push(chunk);
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const part of parts) out.set(part, at), at += part.byteLength;
  return out;
}

/** The bytes compressed with gzip. */
export function gzip(chunks: Chunks): AsyncGenerator<Uint8Array> {
  // Small chunks cost a trip into the compressor each, so they are joined before.
  return through(coalesced(chunks, 1 << 16), () => new CompressionStream("gzip"), (error) => error);
}

/** The bytes behind gzip; damaged or truncated ones are a `FormatError`. */
export function gunzip(chunks: Chunks): AsyncGenerator<Uint8Array> {
  return through(
    chunks,
    () => new DecompressionStream("gzip"),
    (error) =>
      new FormatError(`Cannot gunzip these bytes: ${(error as Error).message}`, {
        code: "format.gzip",
      }),
  );
}

/** True if bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * A speedometer: call it with what is done so far, it gives the rate. `now` is a clock in
 * milliseconds. The speed is that of the last few seconds, so that a change shows soon.
 */
export function speedometer(
  total?: number,
  now: () => number = () => performance.now(),
): (done: number) => Rate {
  const marks: { at: number; done: number }[] = [{ at: now(), done: 0 }];
  return (done) => {
    const at = now();
    const last = marks[marks.length - 1];
    if (at - last.at >= 100) marks.push({ at, done });
    // at least two marks stay, and about three seconds of them
    while (marks.length > 2 && at - marks[1].at > 3000) marks.shift();
    const spent = at - marks[0].at;
    const perSecond = spent < 100 ? 0 : (done - marks[0].done) / spent * 1000;
    const left = total === undefined || perSecond <= 0
      ? undefined
      : Math.max(0, total - done) / perSecond * 1000;
    return { done, total, perSecond, left };
  };
}

/** pipeThrough() cancels its source some time after its reader left; this waits for that. */
async function* through(
  chunks: Chunks,
  open: () => GenericTransformStream,
  translate: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  const { readable, writable } = open();
  const writer: WritableStreamDefaultWriter<Uint8Array> = writable.getWriter();
  const stop = new AbortController();
  let failed: { readonly error: unknown } | undefined;
  async function* watched() {
    try {
      yield* chunksOf(chunks, stop.signal);
    } catch (error) {
      failed = { error };
      throw error;
    }
  }
  async function feed() {
    try {
      for await (const chunk of watched()) await writer.write(chunk);
      await writer.close();
    } catch (error) {
      // The reader hears of it through the pair, which may be what failed.
      await writer.abort(error).catch(() => {});
    }
  }
  const feeding = feed();
  try {
    yield* chunksOf(readable);
  } catch (error) {
    // What the source itself reports is not about the bytes.
    throw failed ? failed.error : translate(error);
  } finally {
    stop.abort();
    await feeding;
  }
}
