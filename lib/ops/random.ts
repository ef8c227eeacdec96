/**
 * Random numbers from keys: Threefry-2x32 with 20 rounds (Salmon et al., 2011), a pure function of
 * the key and of the position. The layout is fixed for good: element i of a row-major tensor takes
 * block (0, i), and its bits are the exclusive or of the block's two words.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { type Host, host } from "../core/host.ts";
import { addressOf, axesOf } from "../core/index.ts";
import { tensor } from "../core/leaf.ts";
import type { At, Draft } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { f32, i32, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { integer, number, shape as shapeField } from "../op/field.ts";
import { add, mul } from "./arithmetic.ts";
import { lt } from "./compare.ts";
import { slice } from "./slice.ts";
import { erfinv } from "./special.ts";

const rotations = [[13, 15, 26, 6], [17, 29, 16, 24]] as const;
const parity = 0x1bd11bda;

/** One block on the CPU: the two words of a counter under a key, as signed integers. */
export function threefry(
  [k0, k1]: readonly [number, number],
  [c0, c1]: readonly [number, number],
): [number, number] {
  const keys = [k0, k1, k0 ^ k1 ^ parity];
  let a = (c0 + k0) | 0, b = (c1 + k1) | 0;
  for (let group = 0; group < 5; group++) {
    for (const by of rotations[group % 2]) {
      a = (a + b) | 0;
      b = ((b << by) | (b >>> (32 - by))) ^ a;
    }
    a = (a + keys[(group + 1) % 3]) | 0;
    b = (b + keys[(group + 2) % 3] + group + 1) | 0;
  }
  return [a, b];
}

/** The same block as terms of kind u32; parts are shared, so a target must name them. */
function threefryOf(k0: Scalar, k1: Scalar, counter: Scalar): [Scalar, Scalar] {
  const keys = [k0, k1, s.bitXor(s.bitXor(k0, k1), s.u(parity))];
  let a: Scalar = k0, b = s.add(counter, k1);
  for (let group = 0; group < 5; group++) {
    for (const by of rotations[group % 2]) {
      a = s.add(a, b);
      b = s.bitXor(s.bitOr(s.shl(b, by), s.shr(b, 32 - by)), a);
    }
    a = s.add(a, keys[(group + 1) % 3]);
    b = s.add(s.add(b, keys[(group + 2) % 3]), s.u(group + 1));
  }
  return [a, b];
}

function blockAt(at: At, position: Scalar): [Scalar, Scalar] {
  return threefryOf(s.toU32(at(0, [s.i(0)])), s.toU32(at(0, [s.i(1)])), s.toU32(position));
}

function checkKey(name: string, t: Type): void {
  if (t.dtype !== "i32" || t.shape.length !== 1 || t.shape[0] !== 2) {
    throw new ShapeError(
      `Cannot apply ${name} to ${printType(t)}: a key is i32[2]\n  try key(seed)`,
    );
  }
}

/** The exclusive or of each block's words, for n elements. */
function bitsFor(k: Host, n: number): Int32Array {
  const words: [number, number] = [Number(k.data[0]), Number(k.data[1])];
  return Int32Array.from({ length: n }, (_, i) => {
    const [a, b] = threefry(words, [0, i]);
    return a ^ b;
  });
}

const aKey: Host = { dtype: "i32", shape: [2], data: new Int32Array([7, -42]) };

/** 32 random bits (i32) at every element of a shape. */
const bits: Fn<readonly ["key"], { shape: readonly number[] }> = op({
  name: "randomBits",
  doc: "32 random bits (i32) at every element of a shape",
  ins: ["key"],
  attrs: { shape: shapeField() },
  infer: ([k], { shape }) => {
    checkKey("randomBits", k);
    return i32(shape);
  },
  eval: ([k], { shape }) => [host(i32(shape), bitsFor(k, sizeOf(shape)))],
  lower: (at, _, { shape }): Draft => {
    const [a, b] = blockAt(at, addressOf(axesOf(shape), shape));
    return { kind: "map", shape, body: s.toI32(s.bitXor(a, b)) };
  },
  vjp: () => [undefined],
  cases: [{ ins: [aKey], attrs: { shape: [3, 5] } }],
});

/** Keys [count, 2]: row i holds both words of block (0, i). */
const keys: Fn<readonly ["key"], { count: number }> = op({
  name: "splitKeys",
  doc: "Keys [count, 2]: row i holds both words of block (0, i)",
  ins: ["key"],
  attrs: { count: integer("number of keys", { from: 1 }) },
  infer: ([k], { count }) => {
    checkKey("splitKey", k);
    return i32([count, 2]);
  },
  eval: ([k], { count }) => {
    const words: [number, number] = [Number(k.data[0]), Number(k.data[1])];
    const data = Int32Array.from(
      { length: 2 * count },
      (_, i) => threefry(words, [0, i >> 1])[i & 1],
    );
    return [host(i32([count, 2]), data)];
  },
  lower: (at, _, { count }): Draft => {
    const [row, word] = axesOf([count, 2]);
    const [a, b] = blockAt(at, row);
    return { kind: "map", shape: [count, 2], body: s.toI32(s.select(s.eq(word, 0), a, b)) };
  },
  vjp: () => [undefined],
  cases: [{ ins: [aKey], attrs: { count: 3 } }],
});

/** Numbers (f32) from `from` to `to`, evenly distributed: 23 random bits each. */
const even: Fn<
  readonly ["key"],
  { shape: readonly number[]; from?: number; to?: number }
> = op({
  name: "uniform",
  doc: "Numbers (f32) from `from` to `to`, evenly distributed: 23 random bits each",
  ins: ["key"],
  attrs: {
    shape: shapeField(),
    from: number("lower bound, included", 0),
    to: number("upper bound, excluded but for rounding", 1),
  },
  infer: ([k], { shape }) => {
    checkKey("uniform", k);
    return f32(shape);
  },
  eval: ([k], { shape, from, to }) => {
    const span = Math.fround(to - from);
    const data = Float32Array.from(
      bitsFor(k, sizeOf(shape)),
      (word) => (word >>> 9) / 2 ** 23 * span + Math.fround(from),
    );
    return [host(f32(shape), data)];
  },
  lower: (at, _, { shape, from, to }): Draft => {
    const [a, b] = blockAt(at, addressOf(axesOf(shape), shape));
    // the upper 23 bits as the mantissa of a number from 1 to 2
    const mantissa = s.bitOr(s.shr(s.bitXor(a, b), 9), s.u(0x3f800000));
    const share = s.sub(s.bitsF32(mantissa), 1);
    return { kind: "map", shape, body: s.add(s.mul(share, s.f(to - from)), s.f(from)) };
  },
  vjp: () => [undefined],
  cases: [
    { ins: [aKey], attrs: { shape: [3, 5] } },
    { ins: [aKey], attrs: { shape: [40], from: -2, to: 3 } },
  ],
});

/** A key (i32[2]) of a seed: its upper and lower 32 bits. Throws OptionError unless it is a safe integer. */
export function key(seed: number): Tensor {
  if (!Number.isSafeInteger(seed)) {
    throw located(
      new OptionError(`Cannot make a key of ${seed}: a seed is a whole number below 2^53`),
      new Error("key"),
    );
  }
  return tensor(new Int32Array([Math.floor(seed / 2 ** 32), seed | 0]), [2]);
}

/** `count` keys (i32[2]) made from one; each is used once, and the first one no more. */
export function splitKey(key: Tensor, count: number = 2): readonly Tensor[] {
  const all = keys(key, { count });
  return Array.from({ length: count }, (_, i) => slice(all, i));
}

/** 32 random bits (i32) at every element of a shape. */
export function randomBits(key: Tensor, shape: readonly number[]): Tensor {
  return bits(key, { shape });
}

/**
 * Numbers (f32) from `from` to `to`, evenly distributed: 23 random bits each. The bounds are 0 and
 * 1 by default; the same key gives the same numbers on every target.
 */
export function uniform(
  key: Tensor,
  shape: readonly number[],
  options: { readonly from?: number; readonly to?: number } = {},
): Tensor {
  return even(key, { shape, ...options });
}

/** Normal numbers (f32) of a mean (0) and a standard deviation (1), by the inverse of erf. */
export function normal(
  key: Tensor,
  shape: readonly number[],
  options: { readonly mean?: number; readonly std?: number } = {},
): Tensor {
  const { mean = 0, std = 1 } = options;
  // just above -1, where the inverse is infinite
  const share = uniform(key, shape, { from: -1 + 2 ** -24, to: 1 });
  return add(mul(erfinv(share), std * Math.SQRT2), mean);
}

/** True (bool) with a probability, independently at every element. */
export function bernoulli(key: Tensor, shape: readonly number[], probability: number): Tensor {
  return lt(uniform(key, shape), probability);
}

/** The record of `uniform`. */
export const uniformFn: typeof even = even;
/** The record of `randomBits`. */
export const randomBitsFn: typeof bits = bits;
/** The record of `splitKey`. */
export const splitKeysFn: typeof keys = keys;
