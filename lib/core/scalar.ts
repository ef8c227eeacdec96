/**
 * The scalar language: plain terms for the bodies of maps and reductions and for index arithmetic.
 * It knows four kinds of value; narrow dtypes are widened on load and narrowed by explicit terms.
 * Every target translates these terms; no operation ever sees a target.
 * @module
 */
import type { DType } from "./type.ts";

/** The kinds of value that a term has: 32-bit float, signed, unsigned, and truth. */
export type Kind = "f32" | "i32" | "u32" | "bool";

/** The primitives, with what they take and give in `signatures`. */
export type Prim = keyof typeof signatures;

/** A literal; NaN, the infinities and -0 are allowed for `f32`, 0 and 1 stand for truth. */
export interface Lit {
  /** Which term this is. */
  readonly kind: "lit";
  /** Kind of its value. */
  readonly type: Kind;
  /** The number. */
  readonly value: number;
}
/** The element of operand `index`, in the body of an operation; never in a form. */
export interface Arg {
  /** Which term this is. */
  readonly kind: "arg";
  /** Kind of its value. */
  readonly type: Kind;
  /** Which one, or the address. */
  readonly index: number;
}
/** The coordinate along an axis of the iteration space; it runs from 0 to `extent` - 1. */
export interface Axis {
  /** Which term this is. */
  readonly kind: "axis";
  /** Kind of its value. */
  readonly type: "i32";
  /** Number of the axis. */
  readonly axis: number;
  /** Points along it. */
  readonly extent: number;
}
/**
 * One element of operand `operand` of a form, at the element address `index` (row-major, dense).
 * Where `valid` is false nothing is read and the value is `fill`.
 */
export interface Load {
  /** Which term this is. */
  readonly kind: "load";
  /** Kind of its value. */
  readonly type: Kind;
  /** Number of the operand. */
  readonly operand: number;
  /** Which one, or the address. */
  readonly index: Scalar;
  /** Where the element is there. */
  readonly valid?: Scalar;
  /** Value where it is not. */
  readonly fill?: number;
}
/** The result of reduction stage `index` of a form. */
export interface Acc {
  /** Which term this is. */
  readonly kind: "acc";
  /** Kind of its value. */
  readonly type: Kind;
  /** Which one, or the address. */
  readonly index: number;
}
/** A primitive applied. */
export interface Call {
  /** Which term this is. */
  readonly kind: "call";
  /** Kind of its value. */
  readonly type: Kind;
  /** The primitive. */
  readonly fn: Prim;
  /** What it is applied to. */
  readonly args: readonly Scalar[];
}
/** A scalar term. */
export type Scalar = Lit | Arg | Axis | Load | Acc | Call;

/**
 * What each primitive takes and gives. `n` is any numeric kind, the same throughout; `t` any kind
 * at all. Integer `div` and `rem` truncate toward zero (the callers keep divisors away from zero),
 * integer `add`, `sub`, `mul` and `shl` wrap; `shr` is arithmetic for `i32`. `min`, `max` give NaN
 * if either operand is NaN. `round` takes ties away from zero. `toI32`, `toU32` truncate and saturate, NaN gives 0.
 * `roundF16` rounds to the nearest IEEE half, ties to even.
 */
export const signatures = {
  add: ["n", "n", "n"],
  sub: ["n", "n", "n"],
  mul: ["n", "n", "n"],
  div: ["n", "n", "n"],
  rem: ["n", "n", "n"],
  min: ["n", "n", "n"],
  max: ["n", "n", "n"],
  neg: ["n", "n"],
  abs: ["n", "n"],
  pow: ["f32", "f32", "f32"],
  atan2: ["f32", "f32", "f32"],
  sqrt: ["f32", "f32"],
  exp: ["f32", "f32"],
  log: ["f32", "f32"],
  sin: ["f32", "f32"],
  cos: ["f32", "f32"],
  tan: ["f32", "f32"],
  asin: ["f32", "f32"],
  acos: ["f32", "f32"],
  atan: ["f32", "f32"],
  tanh: ["f32", "f32"],
  floor: ["f32", "f32"],
  ceil: ["f32", "f32"],
  trunc: ["f32", "f32"],
  round: ["f32", "f32"],
  isNan: ["bool", "f32"],
  roundF16: ["f32", "f32"],
  lt: ["bool", "n", "n"],
  le: ["bool", "n", "n"],
  eq: ["bool", "t", "t"],
  not: ["bool", "bool"],
  and: ["bool", "bool", "bool"],
  or: ["bool", "bool", "bool"],
  bitAnd: ["n", "n", "n"],
  bitOr: ["n", "n", "n"],
  bitXor: ["n", "n", "n"],
  shl: ["n", "n", "u32"],
  shr: ["n", "n", "u32"],
  select: ["t", "bool", "t", "t"],
  toF32: ["f32", "t"],
  toI32: ["i32", "t"],
  toU32: ["u32", "t"],
  bitsF32: ["f32", "t"],
  bitsI32: ["i32", "t"],
  bitsU32: ["u32", "t"],
} as const satisfies Record<string, readonly string[]>;

/** A literal of a kind; `s.f(1)`, `s.i(1)`, `s.u(1)`, `s.b(true)` are the usual ways to one. */
export function lit(type: Kind, value: number): Lit {
  return { kind: "lit", type, value };
}

/** A primitive applied to terms; the kinds must fit the primitive's signature. */
export function call(fn: Prim, ...args: readonly Scalar[]): Call {
  const signature: readonly string[] = signatures[fn];
  const gives = signature[0];
  if (args.length !== signature.length - 1) {
    throw new TypeError(
      `internal: ${fn} takes ${signature.length - 1} terms, found ${args.length}`,
    );
  }
  // Of several free operands some primitives want one kind.
  const isOne = gives.length === 1 || fn === "lt" || fn === "le" || fn === "eq";
  let bound: Kind | undefined;
  for (let i = 0; i < args.length; i++) {
    const want = signature[i + 1];
    const kind = args[i].type;
    const free = want === "n" || want === "t";
    const clash = free
      ? (want === "n" && kind === "bool") || (isOne && bound !== undefined && bound !== kind)
      : kind !== want;
    if (clash) {
      throw new TypeError(`internal: ${fn} cannot take ${args.map((a) => a.type).join(", ")}`);
    }
    if (free) bound ??= kind;
  }
  const type = gives === "n" || gives === "t" ? bound! : gives as Kind;
  return { kind: "call", type, fn, args };
}

type Term = Scalar | number;

function lift(x: Term, like: Kind): Scalar {
  return typeof x === "number" ? lit(like, x) : x;
}

function pair(a: Term, b: Term): [Scalar, Scalar] {
  const like = typeof a !== "number" ? a.type : typeof b !== "number" ? b.type : "f32";
  return [lift(a, like), lift(b, like)];
}

/** What is read only where the same condition holds says itself what stands elsewhere. */
function selected(c: Scalar, a: Scalar, b: Scalar): Scalar {
  return a.kind === "load" && a.valid === c && b.kind === "lit"
    ? { ...a, fill: Number(b.value) }
    : call("select", c, a, b);
}

/** Builders of terms; a bare number takes the kind of its neighbour. */
export const s = {
  f: (value: number): Scalar => lit("f32", Math.fround(value)),
  i: (value: number): Scalar => lit("i32", value | 0),
  u: (value: number): Scalar => lit("u32", value >>> 0),
  b: (value: boolean): Scalar => lit("bool", value ? 1 : 0),
  arg: (index: number, type: Kind): Scalar => ({ kind: "arg", type, index }),
  acc: (index: number, type: Kind = "f32"): Scalar => ({ kind: "acc", type, index }),
  axis: (axis: number, extent: number): Scalar => ({ kind: "axis", type: "i32", axis, extent }),
  add: (a: Term, b: Term): Scalar => call("add", ...pair(a, b)),
  sub: (a: Term, b: Term): Scalar => call("sub", ...pair(a, b)),
  mul: (a: Term, b: Term): Scalar => call("mul", ...pair(a, b)),
  div: (a: Term, b: Term): Scalar => call("div", ...pair(a, b)),
  rem: (a: Term, b: Term): Scalar => call("rem", ...pair(a, b)),
  min: (a: Term, b: Term): Scalar => call("min", ...pair(a, b)),
  max: (a: Term, b: Term): Scalar => call("max", ...pair(a, b)),
  neg: (x: Scalar): Scalar => call("neg", x),
  abs: (x: Scalar): Scalar => call("abs", x),
  pow: (a: Term, b: Term): Scalar => call("pow", ...pair(a, b)),
  atan2: (a: Term, b: Term): Scalar => call("atan2", ...pair(a, b)),
  sqrt: (x: Scalar): Scalar => call("sqrt", x),
  exp: (x: Scalar): Scalar => call("exp", x),
  log: (x: Scalar): Scalar => call("log", x),
  sin: (x: Scalar): Scalar => call("sin", x),
  cos: (x: Scalar): Scalar => call("cos", x),
  tan: (x: Scalar): Scalar => call("tan", x),
  asin: (x: Scalar): Scalar => call("asin", x),
  acos: (x: Scalar): Scalar => call("acos", x),
  atan: (x: Scalar): Scalar => call("atan", x),
  tanh: (x: Scalar): Scalar => call("tanh", x),
  floor: (x: Scalar): Scalar => call("floor", x),
  ceil: (x: Scalar): Scalar => call("ceil", x),
  trunc: (x: Scalar): Scalar => call("trunc", x),
  round: (x: Scalar): Scalar => call("round", x),
  isNan: (x: Scalar): Scalar => call("isNan", x),
  roundF16: (x: Scalar): Scalar => call("roundF16", x),
  lt: (a: Term, b: Term): Scalar => call("lt", ...pair(a, b)),
  le: (a: Term, b: Term): Scalar => call("le", ...pair(a, b)),
  gt: (a: Term, b: Term): Scalar => call("lt", ...pair(b, a)),
  ge: (a: Term, b: Term): Scalar => call("le", ...pair(b, a)),
  eq: (a: Term, b: Term): Scalar => call("eq", ...pair(a, b)),
  ne: (a: Term, b: Term): Scalar => call("not", call("eq", ...pair(a, b))),
  not: (x: Scalar): Scalar => call("not", x),
  and: (a: Scalar, b: Scalar): Scalar => call("and", a, b),
  or: (a: Scalar, b: Scalar): Scalar => call("or", a, b),
  bitAnd: (a: Term, b: Term): Scalar => call("bitAnd", ...pair(a, b)),
  bitOr: (a: Term, b: Term): Scalar => call("bitOr", ...pair(a, b)),
  bitXor: (a: Term, b: Term): Scalar => call("bitXor", ...pair(a, b)),
  /** `select(c, a, b)` is `a` where `c` holds, else `b`; both are computed. */
  select: (c: Scalar, a: Term, b: Term): Scalar => selected(c, ...pair(a, b)),
  shl: (x: Scalar, by: Term): Scalar => call("shl", x, lift(by, "u32")),
  shr: (x: Scalar, by: Term): Scalar => call("shr", x, lift(by, "u32")),
  toF32: (x: Scalar): Scalar => x.type === "f32" ? x : call("toF32", x),
  toI32: (x: Scalar): Scalar => x.type === "i32" ? x : call("toI32", x),
  toU32: (x: Scalar): Scalar => x.type === "u32" ? x : call("toU32", x),
  toBool: (x: Scalar): Scalar => x.type === "bool" ? x : call("not", call("eq", x, lit(x.type, 0))),
  bitsF32: (x: Scalar): Scalar => call("bitsF32", x),
  bitsI32: (x: Scalar): Scalar => call("bitsI32", x),
  bitsU32: (x: Scalar): Scalar => call("bitsU32", x),
} as const;

/** The kind in which the elements of a dtype are computed. */
export function kindOf(dtype: DType): Kind {
  return dtype === "f32" || dtype === "f16" ? "f32" : dtype === "bool" ? "bool" : "i32";
}

/** Rounds or wraps a computed value to what the dtype can store; the kind stays. */
export function narrow(x: Scalar, dtype: DType): Scalar {
  switch (dtype) {
    case "f32":
    case "i32":
    case "bool":
      return x;
    case "f16":
      return s.roundF16(x);
    case "i8":
      return s.shr(s.shl(x, 24), 24);
    case "i16":
      return s.shr(s.shl(x, 16), 16);
    case "u8":
      return s.bitAnd(x, 255);
    case "u16":
      return s.bitAnd(x, 65535);
    default:
      throw new TypeError(`internal: unknown dtype ${dtype satisfies never}`);
  }
}

export { mapLeaves, printNumber, printScalar, walk } from "./term.ts";
