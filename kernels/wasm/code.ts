/**
 * One function body while it is written: instructions pushed in order, locals made as they are
 * needed. Addresses are i32 or i64 by the memory that the module has; kernels never say which.
 * @module
 */
import { type Bytes, newBytes, type Spare } from "./bytes.ts";
import { opcodes, type OpName } from "./opcodes.ts";

/** Types of values. */
export type ValueType = "i32" | "i64" | "f32" | "v128";

/** The byte of a type. */
export const typeBytes: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  v128: 0x7b,
};

/** A local variable of a function. */
export type Local = number;

/** A function being written. */
export interface Code {
  /** Pushes an instruction and its immediates, of which it has two at most: unsigned LEB128 numbers. */
  op(name: OpName, first?: number, second?: number): void;
  /** `local.get`, `local.set`, `local.tee`. */
  get(local: Local): void;
  set(local: Local): void;
  tee(local: Local): void;
  /** `acc = x · y + acc` of four floats in locals, rounded once. */
  madd(x: Local, y: Local, acc: Local): void;
  /** Constants. */
  i32(value: number): void;
  f32(value: number): void;
  /** Sixteen bytes. */
  v128(bytes: ArrayLike<number>): void;
  /** A shuffle of bytes of two vectors. */
  shuffle(lanes: readonly number[]): void;
  /** An address constant in the memory's address type. */
  address(value: number): void;
  /** Adds two addresses, or multiplies them. */
  addAddress(): void;
  mulAddress(): void;
  /** An i32 on the stack, which may be negative, becomes an address. */
  toAddress(): void;
  /** A fresh local. */
  local(type: ValueType): Local;
  /** A local for an address. */
  pointer(): Local;
  /** Memory access: an instruction with its offset; a lane where it has one. */
  memory(name: OpName, offset: number, lane?: number): void;
  /** Structured control; the body pushes what is inside. */
  block(body: () => void): void;
  loop(body: () => void): void;
  /** Takes a condition from the stack. */
  when(then: () => void, otherwise?: () => void): void;
  /** A call of a function by its index in the module. */
  call(index: number): void;
  /** An empty piece of the same function; it shares the locals. */
  piece(): Code;
  /** Pushes what a piece holds, once; the piece is over with it. */
  append(piece: Code): void;
  /** The finished body with its locals. */
  finish(): Uint8Array;
  /** True where addresses are i64. */
  readonly wide: boolean;
}

interface Body extends Code {
  readonly bytes: Bytes;
  readonly params: readonly ValueType[];
  readonly locals: ValueType[];
  readonly spare: Spare;
}

/** Shared by all bodies and their pieces, for there are very many. */
const instructions = {
  op(this: Body, name: OpName, first?: number, second?: number): void {
    this.bytes.opcode(opcodes[name]);
    if (first !== undefined) this.bytes.u(first);
    if (second !== undefined) this.bytes.u(second);
  },
  get(this: Body, local: Local): void {
    this.bytes.pair(0x20, local);
  },
  set(this: Body, local: Local): void {
    this.bytes.pair(0x21, local);
  },
  tee(this: Body, local: Local): void {
    this.bytes.pair(0x22, local);
  },
  madd(this: Body, x: Local, y: Local, acc: Local): void {
    this.get(x);
    this.get(y);
    this.get(acc);
    this.op("f32x4.relaxed_madd");
    this.set(acc);
  },
  i32(this: Body, value: number): void {
    this.bytes.byte(0x41);
    this.bytes.s(value | 0);
  },
  f32(this: Body, value: number): void {
    this.bytes.byte(0x43);
    this.bytes.f32(value);
  },
  v128(this: Body, list: ArrayLike<number>): void {
    this.bytes.opcode(opcodes["v128.const"]);
    this.bytes.raw(list);
  },
  shuffle(this: Body, lanes: readonly number[]): void {
    this.bytes.opcode(opcodes["i8x16.shuffle"]);
    this.bytes.raw(lanes);
  },
  address(this: Body, value: number): void {
    this.bytes.byte(this.wide ? 0x42 : 0x41);
    this.bytes.s(this.wide ? value : value | 0);
  },
  addAddress(this: Body): void {
    this.bytes.opcode(this.wide ? opcodes["i64.add"] : opcodes["i32.add"]);
  },
  mulAddress(this: Body): void {
    this.bytes.opcode(this.wide ? opcodes["i64.mul"] : opcodes["i32.mul"]);
  },
  toAddress(this: Body): void {
    if (this.wide) this.bytes.opcode(opcodes["i64.extend_i32_s"]);
  },
  local(this: Body, type: ValueType): Local {
    return this.params.length + this.locals.push(type) - 1;
  },
  pointer(this: Body): Local {
    return this.local(this.wide ? "i64" : "i32");
  },
  memory(this: Body, name: OpName, offset: number, lane?: number): void {
    const opcode = opcodes[name];
    this.bytes.opcode(opcode);
    // Alignment is a hint; 0 is always allowed but for atomics, which name their natural one.
    this.bytes.pair((opcode & 255) === 0xfe ? 2 : 0, offset);
    if (lane !== undefined) this.bytes.byte(lane);
  },
  block(this: Body, body: () => void): void {
    this.bytes.byte(0x02);
    this.bytes.byte(0x40);
    body();
    this.bytes.byte(0x0b);
  },
  loop(this: Body, body: () => void): void {
    this.bytes.byte(0x03);
    this.bytes.byte(0x40);
    body();
    this.bytes.byte(0x0b);
  },
  when(this: Body, then: () => void, otherwise?: () => void): void {
    this.bytes.byte(0x04);
    this.bytes.byte(0x40);
    then();
    if (otherwise) {
      this.bytes.byte(0x05);
      otherwise();
    }
    this.bytes.byte(0x0b);
  },
  call(this: Body, index: number): void {
    this.bytes.pair(0x10, index);
  },
  piece(this: Body): Code {
    return newCode(this.params, this.wide, this.spare, this.locals);
  },
  append(this: Body, piece: Code): void {
    this.bytes.take((piece as Body).bytes);
  },
  finish(this: Body): Uint8Array {
    const head = newBytes(this.bytes.length() + 32);
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    head.u(runs.length);
    for (const { type, count } of runs) {
      head.u(count);
      head.byte(typeBytes[type]);
    }
    head.take(this.bytes);
    head.byte(0x0b);
    return head.view();
  },
};

/** Starts a body of a function with these parameters; its pieces are written in `spare` memory. */
export function newCode(
  params: readonly ValueType[],
  wide: boolean,
  spare: Spare = [],
  locals: ValueType[] = [],
): Code {
  const made = Object.create(instructions);
  made.bytes = newBytes(512, spare);
  made.params = params;
  made.locals = locals;
  made.spare = spare;
  made.wide = wide;
  return made as Body;
}
