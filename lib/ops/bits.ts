/**
 * Bits of integers. Narrow dtypes compute in 32 bits and keep the low ones.
 * @module
 */
import { DTypeError } from "../core/fault.ts";
import type { Case } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { type DType, i16, i32, i8, printType, u8 } from "../core/type.ts";
import { op } from "../op/declare.ts";
import { between, type Binary, binary, elementwise, elemwise } from "../op/kinds.ts";
import { type Unary, unary } from "../op/kinds.ts";

const words: readonly Case[] = [
  { ins: [between(-1e9, 1e9, i32([4, 5])), between(-1e9, 1e9, i32([5]))] },
  { ins: [between(0, 256, u8([9])), between(0, 256, u8([9]))] },
];
const shifts: readonly Case[] = [
  { ins: [between(-1e9, 1e9, i32([4, 5])), between(0, 32, i32([5]))] },
  { ins: [between(-128, 128, i8([9])), between(0, 8, i8([9]))] },
];

/** Bits that both have. */
export const bitAnd: Binary = binary({
  name: "bitAnd",
  doc: "Bits that both have",
  takes: "integer",
  scalar: (a, b) => s.bitAnd(a, b),
  cases: words,
});

/** Bits that either has. */
export const bitOr: Binary = binary({
  name: "bitOr",
  doc: "Bits that either has",
  takes: "integer",
  scalar: (a, b) => s.bitOr(a, b),
  cases: words,
});

/** Bits that just one has. */
export const bitXor: Binary = binary({
  name: "bitXor",
  doc: "Bits that just one has",
  takes: "integer",
  scalar: (a, b) => s.bitXor(a, b),
  cases: words,
});

/** All bits turned. */
export const bitNot: Unary = unary({
  name: "bitNot",
  doc: "All bits turned",
  takes: "integer",
  scalar: (x) => s.bitXor(x, -1),
  cases: [{ ins: [between(-1e9, 1e9, i32([9]))] }, { ins: [between(0, 256, u8([9]))] }],
});

/** The low five bits of a count, as devices take them. */
function count(by: Scalar): Scalar {
  return s.toU32(s.bitAnd(by, 31));
}

/** a shifted left by b bits, b modulo 32; what leaves the dtype is lost. */
export const shl: Binary = binary({
  name: "shl",
  doc: "a shifted left by b bits, b modulo 32; what leaves the dtype is lost",
  takes: "integer",
  scalar: (a, by) => s.shl(a, count(by)),
  wire: elemwise("SHL"),
  cases: shifts,
});

/** a shifted right by b bits, b modulo 32; negative numbers stay negative. */
export const shr: Binary = binary({
  name: "shr",
  doc: "a shifted right by b bits, b modulo 32; negative numbers stay negative",
  takes: "integer",
  scalar: (a, by) => s.shr(a, count(by)),
  wire: elemwise("SHR"),
  cases: shifts,
});

/**
 * The upper half of twice the product of signed integers, rounded, halves up: 8, 16 or 32 bits;
 * the smallest number squared gives the largest.
 */
export const mulHigh: Binary = op({
  name: "mulHigh",
  doc: "The upper half of twice the product of signed integers, rounded, halves up: 8, 16 or 32 " +
    "bits; the smallest number squared gives the largest",
  ins: ["a", "b"],
  infer: (ins) => {
    const type = elementwise("mulHigh", ["a", "b"], ins, "integer");
    if (!(type.dtype in digits)) {
      throw new DTypeError(
        `Cannot apply mulHigh to a: ${printType(ins[0])}: it takes signed integers\n` +
          `  try cast(a, { dtype: "i32" })`,
      );
    }
    return type;
  },
  scalar: ([a, b], _, [type]) => {
    const bits = digits[type.dtype]!;
    const lowest = bits === 31 ? -(2 ** 31) : -(1 << bits);
    const both = s.and(s.eq(a, b), s.eq(a, lowest));
    return s.select(both, -(lowest + 1), bits === 31 ? highWord(a, b) : highPart(a, b, bits));
  },
  wire: elemwise("RMULH"),
  cases: [
    { ins: [between(-2e9, 2e9, i32([30])), between(-2e9, 2e9, i32([30]))] },
    { ins: [between(-32768, 32768, i16([30])), between(-32768, 32768, i16([30]))] },
    { ins: [between(-128, 128, i8([30])), between(-128, 128, i8([30]))] },
  ],
});

const digits: Readonly<Partial<Record<DType, number>>> = { i8: 7, i16: 15, i32: 31 };

function highPart(a: Scalar, b: Scalar, bits: number): Scalar {
  const product = s.mul(a, b);
  const half = s.bitAnd(s.shr(product, bits - 1), 1);
  return s.add(s.shr(product, bits), half);
}

/** By halves of 16 bits: devices have no 64-bit integers. */
function highWord(a: Scalar, b: Scalar): Scalar {
  const low = (x: Scalar) => s.bitAnd(x, 0xffff);
  const high = (x: Scalar) => s.shr(x, 16);
  const carry = s.toI32(s.shr(s.mul(s.toU32(low(a)), s.toU32(low(b))), 16));
  const first = s.add(s.mul(high(a), low(b)), carry);
  const second = s.add(s.mul(low(a), high(b)), low(first));
  const upper = s.add(s.mul(high(a), high(b)), s.add(high(first), high(second)));
  const lower = s.toU32(s.mul(a, b));
  const doubled = s.bitOr(s.shl(upper, 1), s.toI32(s.shr(lower, 31)));
  return s.add(doubled, s.toI32(s.bitAnd(s.shr(lower, 30), 1)));
}
