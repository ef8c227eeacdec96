/**
 * A file as a list of parts whose sizes are known: bytes in memory, and values that are opened
 * when their turn comes. Sizes come first, so the total is known before a byte moves.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { FileValue } from "./model.ts";

/** A stretch of a file. */
export type FilePart = Uint8Array | FileValue;

/** Told after each chunk how many of all bytes have been given. */
export type OnProgress = (bytes: number, totalBytes: number) => void;

/** A file whose every offset is fixed. */
export interface FileLayout {
  /** Bytes of the whole file. */
  readonly totalBytes: number;
  /** Bytes of tensor values among them. */
  readonly tensorBytes: number;
  /** Content hash: `Graph.hash` in V1, 0 in V2. */
  readonly hash: bigint;
  /** Gives the bytes in order; stopping the iteration stops the source being read. */
  emit(onProgress?: OnProgress): AsyncIterable<Uint8Array>;
}

/** The layout of parts one after another. */
export function layoutOf(parts: readonly FilePart[], hash: bigint): FileLayout {
  const tensorBytes = parts.reduce((n, part) => n + ("open" in part ? part.bytes : 0), 0);
  const totalBytes = parts.reduce((n, part) => n + ("open" in part ? part.bytes : part.length), 0);
  return {
    totalBytes,
    tensorBytes,
    hash,
    async *emit(onProgress) {
      let done = 0;
      for (const part of parts) {
        for await (const chunk of "open" in part ? opened(part, done) : [part]) {
          done += chunk.length;
          yield chunk;
          onProgress?.(done, totalBytes);
        }
      }
    },
  };
}

/** The chunks of a value; throws as soon as they are more, or at the end if they are fewer. */
async function* opened(value: FileValue, at: number): AsyncGenerator<Uint8Array> {
  let got = 0;
  const wrong = (how: string) =>
    new FormatError(
      `Cannot write the tensor at byte ${at}: its source gave ${how} bytes, ` +
        `${value.bytes} were stated`,
      { code: "format.source", place: `byte ${at}` },
    );
  for await (const chunk of value.open()) {
    got += chunk.length;
    if (got > value.bytes) throw wrong("more");
    if (chunk.length > 0) yield chunk;
  }
  if (got !== value.bytes) throw wrong(`${got}`);
}
