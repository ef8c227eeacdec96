/**
 * A growing list of bytes with the numbers of the WebAssembly format: LEB128 integers, names,
 * vectors with their counts. Everything is pushed once and in order, which is what makes it fast.
 * @module
 */

/** Bytes that grow at their end. */
export interface Bytes {
  /** One byte. */
  byte(value: number): void;
  /** An unsigned LEB128 number; up to 2^53. */
  u(value: number): void;
  /** A signed LEB128 number of 32 bits, or of 64 where it is safe as a number. */
  s(value: number): void;
  /** Four bytes of a float. */
  f32(value: number): void;
  /** Bytes as they are. */
  raw(bytes: ArrayLike<number>): void;
  /** A count and UTF-8. */
  name(text: string): void;
  /** How many there are. */
  length(): number;
  /** A view of them; valid until more are pushed. */
  view(): Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();

/** An empty list. */
export function newBytes(capacity: number = 256): Bytes {
  let data = new Uint8Array(capacity);
  let size = 0;
  const room = (n: number) => {
    if (size + n <= data.length) return;
    const grown = new Uint8Array(Math.max(data.length * 2, size + n));
    grown.set(data);
    data = grown;
  };
  const bytes: Bytes = {
    byte(value) {
      if (size === data.length) room(1);
      data[size++] = value;
    },
    u(value) {
      while (value >= 128) {
        bytes.byte(value % 128 | 128);
        value = Math.floor(value / 128);
      }
      bytes.byte(value);
    },
    s(value) {
      for (;;) {
        const low = ((value % 128) + 128) % 128;
        value = Math.floor(value / 128);
        const done = (value === 0 && low < 64) || (value === -1 && low >= 64);
        bytes.byte(done ? low : low | 128);
        if (done) return;
      }
    },
    f32(value) {
      room(4);
      new DataView(data.buffer).setFloat32(size, value, true);
      size += 4;
    },
    raw(given) {
      room(given.length);
      data.set(given, size);
      size += given.length;
    },
    name(text) {
      const utf8 = encoder.encode(text);
      bytes.u(utf8.length);
      bytes.raw(utf8);
    },
    length: () => size,
    view: () => data.subarray(0, size),
  };
  return bytes;
}
