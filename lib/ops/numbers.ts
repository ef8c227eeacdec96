/**
 * Arithmetic as values: the same formula over scalar terms, for the body of a form, and over
 * tensors, for a composition with a gradient.
 * @module
 */
import { lit, s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, div, maximum, minimum, mul, sub } from "./arithmetic.ts";
import { eq, le, lt } from "./compare.ts";
import { logicalAnd } from "./logic.ts";
import { mod } from "./math.ts";
import { abs } from "./math.ts";
import { floor } from "./round.ts";
import { as, where } from "./select.ts";

/** Arithmetic on values of a type; a bare number takes the kind of its neighbour. */
export interface Numbers<T> {
  /** Sum. */
  add(a: T, b: T | number): T;
  /** Difference. */
  sub(a: T | number, b: T | number): T;
  /** Product. */
  mul(a: T, b: T | number): T;
  /** Quotient of floats. */
  div(a: T, b: T | number): T;
  /** The smaller. */
  min(a: T, b: T | number): T;
  /** The larger. */
  max(a: T, b: T | number): T;
  /** Without its sign. */
  abs(x: T): T;
  /** The integer (a float) below. */
  floor(x: T): T;
  /** A float as an i32. */
  int(x: T): T;
  /** An integer as a float. */
  float(x: T): T;
  /** Remainder of integers that is not negative. */
  mod(a: T, n: number): T;
  /** Smaller than. */
  lt(a: T, b: T | number): T;
  /** Not larger than. */
  le(a: T | number, b: T): T;
  /** Equal to. */
  eq(a: T, b: T | number): T;
  /** Both. */
  and(a: T, b: T): T;
  /** The first where the condition holds, else the second. */
  where(condition: T, a: T | number, b: T | number): T;
}

/** Arithmetic of scalar terms. */
export const scalars: Numbers<Scalar> = {
  add: s.add,
  sub: s.sub,
  mul: s.mul,
  div: s.div,
  min: s.min,
  max: s.max,
  abs: s.abs,
  floor: s.floor,
  int: s.toI32,
  float: s.toF32,
  mod: (a, n) => {
    const rest = s.rem(a, n);
    return s.select(s.lt(rest, 0), s.add(rest, n), rest);
  },
  lt: s.lt,
  le: s.le,
  eq: s.eq,
  and: s.and,
  where: (c, a, b) => {
    const kind = typeof a !== "number" ? a.type : typeof b !== "number" ? b.type : "f32";
    const lift = (x: Scalar | number) => typeof x === "number" ? lit(kind, x) : x;
    return s.select(c, lift(a), lift(b));
  },
};

/** Arithmetic of tensors. */
export const terms: Numbers<Tensor> = {
  add: (a, b) => add(a, b),
  sub: (a, b) => sub(a, b),
  mul: (a, b) => mul(a, b),
  div: (a, b) => div(a, b),
  min: (a, b) => minimum(a, b),
  max: (a, b) => maximum(a, b),
  abs: (x) => abs(x),
  floor: (x) => floor(x),
  int: (x) => as(x, "i32"),
  float: (x) => as(x, "f32"),
  mod: (a, n) => mod(a, n),
  lt: (a, b) => lt(a, b),
  le: (a, b) => le(a, b),
  eq: (a, b) => eq(a, b),
  and: (a, b) => logicalAnd(a, b),
  where: (c, a, b) => where(c, a, b),
};
