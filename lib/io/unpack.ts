/**
 * What is behind gzip: bytes that can be read at any offset, whether a file is compressed or not.
 * @module
 */
import { arrayBytes, bytesBetween, type ByteSource } from "./bytes.ts";
import { chunksOf, gathered, gunzip, isGzip } from "./stream.ts";

/** The bytes themselves, or what is behind gzip; that is held in memory, for it has no offsets. */
export async function unpacked(bytes: ByteSource, signal?: AbortSignal): Promise<ByteSource> {
  const head = await bytes.read(0, Math.min(2, bytes.size));
  if (!isGzip(head)) return bytes;
  const chunks = chunksOf(bytesBetween(bytes, 0, bytes.size), signal);
  return arrayBytes(await gathered(gunzip(chunks)));
}
