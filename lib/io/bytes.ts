/**
 * Bytes that can be read at any place: a file on disk, a blob, a URL or an array, behind one small
 * interface, so that a reader touches only the parts of a model that it needs.
 * @module
 */
import { FormatError, OptionError } from "../core/fault.ts";

/** Bytes of a known size, read a part at a time. */
export interface ByteSource {
  /** Number of bytes there are. */
  readonly size: number;
  /** Gives exactly `length` bytes from `at` on; past the end is a `FormatError`. */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** What `openBytes` takes. */
export type BytesLike =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | ByteSource;

/** The bytes of a path, a URL, an array, a blob or a stream (which is read to its end first). */
export function openBytes(from: BytesLike): Promise<ByteSource> {
  if (typeof from === "string") {
    return /^(https?|file|data|blob):/.test(from) ? urlBytes(new URL(from)) : pathBytes(from);
  }
  if (from instanceof URL) return urlBytes(from);
  if (from instanceof Uint8Array) return Promise.resolve(arrayBytes(from));
  if (from instanceof ArrayBuffer) return Promise.resolve(arrayBytes(new Uint8Array(from)));
  if (from instanceof Blob) return Promise.resolve(blobBytes(from));
  if (from instanceof ReadableStream) return streamBytes(from);
  return Promise.resolve(from);
}

/** All bytes of a path, a URL, an array, a blob or a stream. */
export async function readAll(from: BytesLike): Promise<Uint8Array> {
  const source = await openBytes(from);
  return await source.read(0, source.size);
}

/** Bytes in memory; what is read is a view, not a copy. */
export function arrayBytes(bytes: Uint8Array): ByteSource {
  const size = bytes.byteLength;
  return {
    size,
    // deno-lint-ignore require-await -- async, so that a bad range rejects and never throws
    async read(at, length) {
      inRange(size, at, length, "these bytes");
      return bytes.subarray(at, at + length);
    },
  };
}

/** The bytes of a blob or of a file that a user picked in a browser. */
export function blobBytes(blob: Blob): ByteSource {
  const size = blob.size;
  return {
    size,
    async read(at, length) {
      inRange(size, at, length, "this blob");
      return new Uint8Array(await blob.slice(at, at + length).arrayBuffer());
    },
  };
}

/** All bytes of a stream, held in memory. */
export async function streamBytes(stream: ReadableStream<Uint8Array>): Promise<ByteSource> {
  const response = new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>);
  return arrayBytes(new Uint8Array(await response.arrayBuffer()));
}

/**
 * The bytes of a file. No handle stays open between reads, so weights may be kept for as long as
 * one likes; a file that was replaced or changed meanwhile is a `FormatError`.
 */
export async function pathBytes(path: string | URL): Promise<ByteSource> {
  const first = await attempt(path, () => Deno.stat(path));
  if (first.isDirectory) {
    throw new FormatError(`Cannot read ${path}: it is a folder; give the path of a file`);
  }
  if (!first.isFile) return await pipeBytes(path);
  const size = first.size;
  return {
    size,
    async read(at, length) {
      inRange(size, at, length, String(path));
      using file = await attempt(path, () => Deno.open(path));
      const now = await file.stat();
      if (now.size !== size || now.ino !== first.ino || +(now.mtime ?? 0) !== +(first.mtime ?? 0)) {
        throw new FormatError(
          `Cannot read ${path}: it changed after it was opened; open it again`,
          { code: "format.changed" },
        );
      }
      await file.seek(at, Deno.SeekMode.Start);
      return await readFully(file, length, path);
    },
  };
}

/** How much is asked for first, and up to what size all of a file is: a question costs time. */
const firstBytes = 1 << 20, wholeBytes = 1 << 24;

/**
 * The bytes behind a URL: up to 16 MiB at once, more by range requests where the server has them,
 * else at once all the same.
 */
export async function urlBytes(url: URL): Promise<ByteSource> {
  if (url.protocol === "file:") return await pathBytes(url);
  const ranged = url.protocol === "http:" || url.protocol === "https:";
  const answer = await reached(url, ranged ? { headers: rangeOf(0, firstBytes) } : {});
  const [, last, total] =
    /^bytes 0-(\d+)\/(\d+)$/.exec(answer.headers.get("content-range") ?? "") ??
      [];
  if (answer.status === 206 && total) {
    const [size, etag] = [Number(total), answer.headers.get("etag")];
    const head = await bodyOf(answer, Number(last) + 1, 0, url);
    const parts = rangeBytes(url, size, etag, head);
    if (size > wholeBytes) return parts;
    if (size <= head.length) return arrayBytes(head);
    const whole = new Uint8Array(size);
    whole.set(head);
    whole.set(await parts.read(head.length, size - head.length), head.length);
    return arrayBytes(whole);
  }
  // An empty resource has no first byte: some servers say 416, and that is no failure.
  if (answer.status === 416 && answer.headers.get("content-range") === "bytes */0") {
    await answer.body?.cancel();
    return arrayBytes(new Uint8Array());
  }
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new FormatError(`Cannot read ${url}: the server answers ${answer.status}; check the URL`);
  }
  return arrayBytes(new Uint8Array(await answer.arrayBuffer()));
}

/** The bytes from `at` on, in order, in chunks of `step` bytes (the last may be shorter). */
export async function* bytesBetween(
  source: ByteSource,
  at: number,
  length: number,
  step: number = 1 << 20,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; done += step) {
    yield await source.read(at + done, Math.min(step, length - done));
  }
}

/** A file of which the first bytes are there. */
function rangeBytes(url: URL, size: number, etag: string | null, head: Uint8Array): ByteSource {
  return {
    size,
    async read(at, length) {
      inRange(size, at, length, String(url));
      if (at + length <= head.length) return head.subarray(at, at + length);
      const part = await reached(url, { headers: rangeOf(at, length) });
      if (part.status !== 206 || part.headers.get("etag") !== etag) {
        await part.body?.cancel();
        const why = part.status === 206 ? "it changed after it was opened" : `got ${part.status}`;
        throw new FormatError(`Cannot read ${length} bytes at ${at} of ${url}: ${why}`);
      }
      return await bodyOf(part, length, at, url);
    },
  };
}

async function reached(url: URL, how: RequestInit): Promise<Response> {
  try {
    return await fetch(url, how);
  } catch (error) {
    throw new FormatError(
      `Cannot read ${url}: it cannot be reached (${(error as Error).message}); ` +
        `check the URL and the network`,
      { code: "format.missing" },
    );
  }
}

function rangeOf(at: number, length: number): { readonly range: string } {
  return { range: `bytes=${at}-${at + length - 1}` };
}

async function bodyOf(answer: Response, length: number, at: number, url: URL): Promise<Uint8Array> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes.byteLength === length) return bytes;
  throw new FormatError(
    `Cannot read ${length} bytes at ${at} of ${url}: the server sent ${bytes.byteLength}`,
  );
}

/** Devices and pipes have no size to ask for, so they are read to their end. */
async function pipeBytes(path: string | URL): Promise<ByteSource> {
  return arrayBytes(await attempt(path, () => Deno.readFile(path)));
}

async function readFully(file: Deno.FsFile, length: number, path: string | URL) {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const n = await file.read(bytes.subarray(at));
    if (n === null) {
      throw new FormatError(`Cannot read ${path}: it ends ${length - at} bytes early`);
    }
    at += n;
  }
  return bytes;
}

function inRange(size: number, at: number, length: number, what: string): void {
  const whole = Number.isSafeInteger(at) && Number.isSafeInteger(length);
  if (whole && at >= 0 && length >= 0 && at + length <= size) return;
  throw new FormatError(`Cannot read ${length} bytes at ${at} of ${what}: it has ${size} bytes`, {
    code: "format.bounds",
    place: `byte ${at}`,
    values: { at, length, size },
  });
}

async function attempt<T>(path: string | URL, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new FormatError(`Cannot read ${path}: there is no such file; check the path`, {
        code: "format.missing",
      });
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw new OptionError(`Cannot read ${path}: reading is not allowed; run with --allow-read`, {
        code: "option.permission",
      });
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new FormatError(`Cannot read ${path}: permission denied; check the file's owner`);
    }
    throw error;
  }
}
