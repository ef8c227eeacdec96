/**
 * The floats of a leaf, a chunk at a time, for what is done to them one by one.
 * @module
 */
import { bytesIn, type Data, isHost, isSource } from "../../core/host.ts";

/** The elements of an f32 leaf in order, as many at a time as its source gives. */
export async function* floatsOf(data: Data): AsyncGenerator<Float32Array<ArrayBuffer>> {
  const chunks = isSource(data)
    ? data.open()
    : [bytesIn((isHost(data) ? data : await data.read()).data)];
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const whole = bytes.length - bytes.length % 4;
    rest = bytes.slice(whole);
    if (whole) yield new Float32Array(bytes.buffer, 0, whole / 4);
  }
}
