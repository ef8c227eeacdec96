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
  /** A byte and an unsigned LEB128 number, as most instructions are. */
  pair(first: number, value: number): void;
  /** An instruction of `opcodes`. */
  opcode(value: number): void;
  /** A signed LEB128 number of 32 bits, or of 64 where it is safe as a number. */
  s(value: number): void;
  /** Four bytes of a float. */
  f32(value: number): void;
  /** Bytes as they are. */
  raw(bytes: ArrayLike<number>): void;
  /** What another list of the same spare memory holds; that one is over with it. */
  take(other: Bytes): void;
  /** A count and UTF-8. */
  name(text: string): void;
  /** How many there are. */
  length(): number;
  /** A view of them; valid until more are pushed. */
  view(): Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();

interface Growing extends Bytes {
  data: Uint8Array<ArrayBuffer>;
  size: number;
  readonly spare: Spare | undefined;
}

/** Memory of lists that are over, for new ones: engines take long to make an array. */
export type Spare = Uint8Array<ArrayBuffer>[];

/** Bytes of the longest number. */
const longest = 10;

/** Memory that nobody writes to. */
const nothing = new Uint8Array(0);

function room(bytes: Growing, n: number): void {
  if (bytes.size + n <= bytes.data.length) return;
  const grown = new Uint8Array(Math.max(bytes.data.length * 4, bytes.size + n, 64));
  grown.set(bytes.data);
  bytes.data = grown;
}

/** Shared by all lists, for there are very many. */
const behaviour = {
  byte(this: Growing, value: number): void {
    if (this.size === this.data.length) room(this, 1);
    this.data[this.size++] = value;
  },
  u(this: Growing, value: number): void {
    if (this.size + longest > this.data.length) room(this, longest);
    while (value >= 128) {
      this.data[this.size++] = value % 128 | 128;
      value = Math.floor(value / 128);
    }
    this.data[this.size++] = value;
  },
  pair(this: Growing, first: number, value: number): void {
    const { data, size } = this;
    if (value >= 128 || size + 2 > data.length) {
      this.byte(first);
      this.u(value);
      return;
    }
    data[size] = first;
    data[size + 1] = value;
    this.size = size + 2;
  },
  opcode(this: Growing, value: number): void {
    if (this.size + 3 > this.data.length) room(this, 3);
    const { data, size } = this;
    data[size] = value;
    if (value < 256) {
      this.size = size + 1;
      return;
    }
    data[size + 1] = value >> 8;
    data[size + 2] = value >> 16;
    this.size = size + (value >> 24);
  },
  s(this: Growing, value: number): void {
    if (value >= -64 && value < 64) return this.byte(value & 127);
    for (;;) {
      const low = ((value % 128) + 128) % 128;
      value = Math.floor(value / 128);
      const done = (value === 0 && low < 64) || (value === -1 && low >= 64);
      this.byte(done ? low : low | 128);
      if (done) return;
    }
  },
  f32(this: Growing, value: number): void {
    room(this, 4);
    new DataView(this.data.buffer).setFloat32(this.size, value, true);
    this.size += 4;
  },
  raw(this: Growing, given: ArrayLike<number>): void {
    room(this, given.length);
    this.data.set(given, this.size);
    this.size += given.length;
  },
  take(this: Growing, other: Growing): void {
    const { data, size, spare } = other;
    if (data === nothing) throw new TypeError("internal: a piece of code is appended twice");
    room(this, size);
    if (size > 64) this.data.set(data.subarray(0, size), this.size);
    else for (let i = 0; i < size; i++) this.data[this.size + i] = data[i];
    this.size += size;
    other.size = 0;
    other.data = nothing;
    spare?.push(data);
  },
  name(this: Growing, text: string): void {
    const utf8 = encoder.encode(text);
    this.u(utf8.length);
    this.raw(utf8);
  },
  length(this: Growing): number {
    return this.size;
  },
  view(this: Growing): Uint8Array<ArrayBuffer> {
    return this.data.subarray(0, this.size);
  },
};

/** An empty list, in spare memory if there is some. */
export function newBytes(capacity: number = 64, spare?: Spare): Bytes {
  const bytes = Object.create(behaviour);
  bytes.data = spare?.pop() ?? new Uint8Array(capacity);
  bytes.size = 0;
  bytes.spare = spare;
  return bytes as Growing;
}
