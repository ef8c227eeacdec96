/**
 * Protocol buffers, as much as writing an ONNX model takes: a message is a list of parts that are
 * joined once, at the end, so that weights are copied a single time.
 *
 * @module
 */

/** A message, or a piece of one. */
export interface Part {
  readonly length: number;
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
}

/** A message of the fields given. */
export function message(...fields: readonly Part[]): Part {
  return {
    length: fields.reduce((sum, part) => sum + part.length, 0),
    chunks: fields.flatMap((part) => part.chunks),
  };
}

/** A field that holds a message, a text or bytes. */
export function nested(field: number, value: Part | string | Uint8Array<ArrayBuffer>): Part {
  const part = typeof value === "string"
    ? raw(new TextEncoder().encode(value))
    : value instanceof Uint8Array
    ? raw(value)
    : value;
  return message(raw([...varint(field * 8 + 2), ...varint(part.length)]), part);
}

/** A field that holds an integer. */
export function integer(field: number, value: number): Part {
  return raw([...varint(field * 8), ...varint(value)]);
}

/** A field that holds a float. */
export function float(field: number, value: number): Part {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message(raw(varint(field * 8 + 5)), raw(bytes));
}

/** All bytes of a message. */
export function bytesOf(part: Part): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(part.length);
  let at = 0;
  for (const chunk of part.chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function raw(bytes: Uint8Array<ArrayBuffer> | readonly number[]): Part {
  const chunk = bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes);
  return { length: chunk.length, chunks: [chunk] };
}

/** Seven bits a byte; negative numbers as 64 bits of two's complement. */
function varint(value: number): number[] {
  const out: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(left & 127n);
    left >>= 7n;
    out.push(left ? low | 128 : low);
  } while (left);
  return out;
}
