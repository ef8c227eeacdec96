/**
 * One function body while it is written: instructions pushed in order, locals made as they are
 * needed. Addresses are i32 or i64 by the memory that the module has; kernels never say which.
 * @module
 */
import { type Bytes, newBytes } from "./bytes.ts";
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
  /** Pushes an instruction and its immediates, which are unsigned LEB128 numbers. */
  op(name: OpName, ...immediates: readonly number[]): void;
  /** `local.get`, `local.set`, `local.tee`. */
  get(local: Local): void;
  set(local: Local): void;
  tee(local: Local): void;
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
  /** Pushes what a piece holds. */
  append(piece: Code): void;
  /** The instructions so far. */
  view(): Uint8Array;
  /** The finished body with its locals. */
  finish(): Uint8Array;
  /** True where addresses are i64. */
  readonly wide: boolean;
}

/** Starts a body of a function with these parameters. */
export function newCode(
  params: readonly ValueType[],
  wide: boolean,
  locals: ValueType[] = [],
): Code {
  const bytes: Bytes = newBytes(64);
  const push = (opcode: number) => {
    if (opcode > 255) {
      bytes.byte(opcode >> 16);
      bytes.u(opcode & 0xffff);
    } else bytes.byte(opcode);
  };
  const code: Code = {
    wide,
    op(name, ...immediates) {
      push(opcodes[name]);
      for (const value of immediates) bytes.u(value);
    },
    get(local) {
      bytes.byte(0x20);
      bytes.u(local);
    },
    set(local) {
      bytes.byte(0x21);
      bytes.u(local);
    },
    tee(local) {
      bytes.byte(0x22);
      bytes.u(local);
    },
    i32(value) {
      bytes.byte(0x41);
      bytes.s(value | 0);
    },
    f32(value) {
      bytes.byte(0x43);
      bytes.f32(value);
    },
    v128(list) {
      push(opcodes["v128.const"]);
      bytes.raw(list);
    },
    shuffle(lanes) {
      push(opcodes["i8x16.shuffle"]);
      bytes.raw(lanes);
    },
    address(value) {
      bytes.byte(wide ? 0x42 : 0x41);
      bytes.s(wide ? value : value | 0);
    },
    addAddress: () => push(wide ? opcodes["i64.add"] : opcodes["i32.add"]),
    mulAddress: () => push(wide ? opcodes["i64.mul"] : opcodes["i32.mul"]),
    toAddress() {
      if (wide) push(opcodes["i64.extend_i32_s"]);
    },
    local(type) {
      return params.length + locals.push(type) - 1;
    },
    pointer: () => code.local(wide ? "i64" : "i32"),
    memory(name, offset, lane) {
      push(opcodes[name]);
      // Alignment is a hint; 0 is always allowed but for atomics, which name their natural one.
      bytes.u(name.includes("atomic") ? 2 : 0);
      bytes.u(offset);
      if (lane !== undefined) bytes.byte(lane);
    },
    block(body) {
      bytes.byte(0x02);
      bytes.byte(0x40);
      body();
      bytes.byte(0x0b);
    },
    loop(body) {
      bytes.byte(0x03);
      bytes.byte(0x40);
      body();
      bytes.byte(0x0b);
    },
    when(then, otherwise) {
      bytes.byte(0x04);
      bytes.byte(0x40);
      then();
      if (otherwise) {
        bytes.byte(0x05);
        otherwise();
      }
      bytes.byte(0x0b);
    },
    call(index) {
      bytes.byte(0x10);
      bytes.u(index);
    },
    piece: () => newCode(params, wide, locals),
    append: (piece) => bytes.raw(piece.view()),
    view: () => bytes.view(),
    finish() {
      const head = newBytes(16);
      const runs: { type: ValueType; count: number }[] = [];
      for (const type of locals) {
        const last = runs.at(-1);
        if (last?.type === type) last.count++;
        else runs.push({ type, count: 1 });
      }
      head.u(runs.length);
      for (const { type, count } of runs) {
        head.u(count);
        head.byte(typeBytes[type]);
      }
      head.raw(bytes.view());
      head.byte(0x0b);
      return head.view();
    },
  };
  return code;
}
