/**
 * Loads and stores of four neighbours: side by side where they lie so, one value for all where they
 * share it, lane by lane otherwise. Elements of 8 and 16 bits are widened and narrowed here.
 * @module
 */
import type { Load, Scalar } from "../../lib/core/scalar.ts";
import { type DType, itemBytes } from "../../lib/core/type.ts";
import type { Local } from "./code.ts";
import type { OpName } from "./opcodes.ts";
import type { Address, Operand, Scope } from "./scope.ts";
import { isInside, placeOf } from "./single.ts";
import { pushWord } from "./vector.ts";

/** Pushes four elements. */
export function pushLoad(scope: Scope, term: Load): void {
  const { code } = scope;
  if (!term.valid) return pushThere(scope, term);
  const value = code.local("v128");
  pushWord(scope, fillBits(scope, term));
  code.set(value);
  if (!scope.varies(term.valid)) {
    scope.scalar(term.valid);
    whenInside(scope, term, value);
  } else {
    pushGuarded(scope, term, value);
  }
  code.get(value);
}

/** Takes a condition from the stack; where it holds, all four are there. */
function whenInside(scope: Scope, term: Load, value: Local, otherwise?: () => void): void {
  const inside = scope.child({});
  pushThere(inside, term);
  inside.code.set(value);
  scope.code.when(() => scope.code.append(inside.code), otherwise);
}

/** Some of the four may be missing. */
function pushGuarded(scope: Scope, term: Load, value: Local): void {
  const { code } = scope;
  const mask = code.local("v128");
  scope.vector(term.valid!);
  code.set(mask);
  const apart = scope.child({});
  for (let lane = 0; lane < scope.alive; lane++) {
    apart.code.get(mask);
    apart.code.op("i32x4.extract_lane", lane);
    const one = apart.child({});
    one.code.get(value);
    pushElement(one, term, lane);
    one.code.op("i32x4.replace_lane", lane);
    one.code.set(value);
    apart.code.when(() => apart.code.append(one.code));
  }
  const found = scope.address(term.operand, term.index);
  if (found && found.step <= 1 && scope.alive === 4) {
    code.get(mask);
    code.op("i32x4.all_true");
    whenInside(scope, term, value, () => code.append(apart.code));
  } else code.append(apart.code);
}

/** The bits of what stands where nothing is read, as lanes hold them. */
function fillBits({ module }: Scope, { type, fill = 0 }: Load): number {
  if (type === "bool") return fill ? -1 : 0;
  return type === "f32" ? module.bits(fill) : fill | 0;
}

/** Pushes four elements that are all there. */
function pushThere(scope: Scope, term: Load): void {
  const { code } = scope;
  const at = isInside(scope, term) ? scope.address(term.operand, term.index) : undefined;
  const operand = scope.operands[term.operand];
  if (!scope.varies(term.index) && term.type === "f32" && operand.dtype === "f32") {
    const place = placeOf(scope, term, 0);
    code.get(place.pointer);
    code.memory("v128.load32_splat", place.offset);
  } else if (!scope.varies(term.index)) {
    pushElement(scope, term, 0);
    code.op("i32x4.splat");
  } else if (at?.step === 1) pushSideBySide(scope, operand, at);
  else pushGathered(scope, term, at);
}

/** Pushes four neighbours in memory. */
export function pushSideBySide(scope: Scope, { dtype }: Operand, at: Address): void {
  const { code } = scope;
  code.get(at.pointer);
  switch (dtype) {
    case "f32":
    case "i32":
      code.memory("v128.load", at.offset);
      return;
    case "i16":
      code.memory("v128.load16x4_s", at.offset);
      return;
    case "u16":
      code.memory("v128.load16x4_u", at.offset);
      return;
    case "f16":
      code.memory("v128.load16x4_u", at.offset);
      widenHalf(scope);
      return;
    case "i8":
    case "u8":
    case "bool":
      code.memory("v128.load32_zero", at.offset);
      code.op(dtype === "i8" ? "i16x8.extend_low_i8x16_s" : "i16x8.extend_low_i8x16_u");
      code.op(dtype === "i8" ? "i32x4.extend_low_i16x8_s" : "i32x4.extend_low_i16x8_u");
      if (dtype === "bool") {
        pushWord(scope, 0);
        code.op("i32x4.ne");
      }
      return;
    default:
      throw new TypeError(`internal: unknown dtype ${dtype satisfies never}`);
  }
}

/** Pushes elements from places of their own. */
export function pushGathered(scope: Scope, term: Load, at: Address | undefined): void {
  const { code } = scope;
  const { dtype } = scope.operands[term.operand];
  const value = code.local("v128");
  pushWord(scope, 0);
  code.set(value);
  for (let lane = 0; lane < scope.alive; lane++) {
    if (at && dtype === "f32" && at.offset + at.step * lane * 4 >= 0) {
      code.get(at.pointer);
      code.get(value);
      code.memory("v128.load32_lane", at.offset + at.step * lane * 4, lane);
    } else {
      code.get(value);
      pushElement(scope, term, lane);
      code.op("i32x4.replace_lane", lane);
    }
    code.set(value);
  }
  code.get(value);
}

/** Pushes the bits of one element as a lane holds them. */
function pushElement(scope: Scope, term: Load, lane: number): void {
  const { code } = scope;
  const { dtype } = scope.operands[term.operand];
  const place = placeOf(scope, term, lane);
  if (dtype === "bool") code.i32(0);
  code.get(place.pointer);
  switch (dtype) {
    case "f32":
    case "i32":
      code.memory("i32.load", place.offset);
      return;
    case "f16":
      code.memory("i32.load16_u", place.offset);
      code.op("i32x4.splat");
      widenHalf(scope);
      code.op("i32x4.extract_lane", 0);
      return;
    case "bool":
      code.memory("i32.load8_u", place.offset);
      code.i32(0);
      code.op("i32.ne");
      code.op("i32.sub");
      return;
    default:
      code.memory(narrowLoads[dtype], place.offset);
  }
}

const narrowLoads = {
  i16: "i32.load16_s",
  u16: "i32.load16_u",
  i8: "i32.load8_s",
  u8: "i32.load8_u",
} as const satisfies Partial<Record<DType, OpName>>;

/** Bits of halves in the lanes become floats: the exponent is moved by a product, which is exact. */
function widenHalf(scope: Scope): void {
  const { code } = scope;
  const [bits, size] = [code.local("v128"), code.local("v128")];
  const word = (value: number) => pushWord(scope, value);
  code.tee(bits);
  word(0x7fff);
  code.op("v128.and");
  code.tee(size);
  code.i32(13);
  code.op("i32x4.shl");
  word(0x77800000); // 2^112
  code.op("f32x4.mul");
  // Infinities and NaNs have the largest exponent here too.
  word(0x7bff);
  code.get(size);
  code.op("i32x4.lt_s");
  word(0x7f800000);
  code.op("v128.and");
  code.op("v128.or");
  code.get(bits);
  word(0x8000);
  code.op("v128.and");
  code.i32(16);
  code.op("i32x4.shl");
  code.op("v128.or");
}

/** Floats that halves can hold become their bits. */
function narrowHalf(scope: Scope): void {
  const { code } = scope;
  const value = code.local("v128");
  const word = (bits: number) => pushWord(scope, bits);
  code.tee(value);
  word(0x07800000); // 2^-112
  code.op("f32x4.mul");
  code.i32(13);
  code.op("i32x4.shr_u");
  word(0x7fff);
  code.op("v128.and");
  code.get(value);
  code.i32(16);
  code.op("i32x4.shr_u");
  word(0x8000);
  code.op("v128.and");
  code.op("v128.or");
}

/**
 * Writes a result of the four neighbours, of which `alive` are there, at the address of its term.
 * The operand is numbered behind those that are loaded.
 */
export function store(scope: Scope, operand: number, index: Scalar, body: Scalar): void {
  const { code } = scope;
  const value = code.local("v128");
  scope.vector(body);
  code.set(value);
  storeLocal(scope, operand, index, value);
}

/** The same for a value in a local. */
export function storeLocal(scope: Scope, operand: number, index: Scalar, value: Local): void {
  const { code } = scope;
  const { dtype } = scope.operands[operand];
  const size = itemBytes(dtype);
  if (dtype === "f16") {
    code.get(value);
    narrowHalf(scope);
    code.set(value);
  } else if (dtype === "bool") {
    code.get(value);
    pushWord(scope, 1);
    code.op("v128.and");
    code.set(value);
  }
  const at = scope.address(operand, index);
  if (at?.step === 1 && scope.alive === 4) {
    code.get(at.pointer);
    code.get(value);
    if (size === 4) code.memory("v128.store", at.offset);
    else if (size === 2) {
      gatherBytes(code, [0, 1, 4, 5, 8, 9, 12, 13]);
      code.memory("v128.store64_lane", at.offset, 0);
    } else {
      gatherBytes(code, [0, 4, 8, 12]);
      code.memory("v128.store32_lane", at.offset, 0);
    }
    return;
  }
  const same = !scope.varies(index);
  for (let lane = 0; lane < (same ? 1 : scope.alive); lane++) {
    const place = at && at.offset + at.step * lane * size >= 0
      ? { pointer: at.pointer, offset: at.offset + at.step * lane * size }
      : scope.single(operand, index, lane);
    code.get(place.pointer);
    code.get(value);
    code.op("i32x4.extract_lane", lane);
    code.memory(stores[size as 1 | 2 | 4], place.offset);
  }
}

const stores = { 1: "i32.store8", 2: "i32.store16", 4: "i32.store" } as const;

/** Some bytes of the vector on the stack, moved to its front. */
function gatherBytes(code: Scope["code"], bytes: readonly number[]): void {
  const value = code.local("v128");
  code.set(value);
  code.get(value);
  code.get(value);
  code.shuffle(Array.from({ length: 16 }, (_, i) => bytes[i % bytes.length]));
}
