/**
 * Where the bytes of a file come from: memory, a path or a blob, read at any offset on demand.
 * @module
 */
import { FormatError } from "../core/fault.ts";

/** Bytes that can be read at any offset. */
export interface ByteSource {
  /** How many there are. */
  readonly size: number;
  /** Gives exactly `length` bytes from `at`; the caller asks only for bytes that exist. */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory; reads are views, not copies. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (at, length) => Promise.resolve(bytes.subarray(at, at + length)),
  };
}

/** A blob, such as a file that a person chose in a browser. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()),
  };
}

/**
 * A file on disk. It is opened for each read, so that nothing needs closing and readers of several
 * tensors do not disturb each other.
 */
export async function fileSource(path: string | URL): Promise<ByteSource> {
  const { size } = await Deno.stat(path);
  return {
    size,
    async read(at, length) {
      const bytes = new Uint8Array(length);
      using file = await Deno.open(path);
      await file.seek(at, Deno.SeekMode.Start);
      for (let done = 0; done < length;) {
        const got = await file.read(bytes.subarray(done));
        if (got === null) {
          throw new FormatError(
            `Cannot read ${length} bytes at ${at} of ${path}: the file ends after ` +
              `${at + done} bytes, it had ${size} when it was opened`,
            { code: "format.bounds", place: `byte ${at + done}` },
          );
        }
        done += got;
      }
      return bytes;
    },
  };
}

/** The bytes from `at` on, in chunks of at most one mebibyte. */
export async function* readChunks(
  source: ByteSource,
  at: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  const step = 1 << 20;
  for (let done = 0; done < length; done += step) {
    yield await source.read(at + done, Math.min(step, length - done));
  }
}
