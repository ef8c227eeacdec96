/**
 * Index arithmetic: sums of axes times constants, with exact division and remainder where ranges
 * allow it. Views become such terms, so a chain of reshapes and transposes costs one address.
 * @module
 */
import { keyOf } from "./key.ts";
import { call, lit, type Scalar } from "./scalar.ts";

/** A sum of atoms times constants, plus a constant. */
export interface Linear {
  readonly constant: number;
  /** Atoms with their non-zero coefficients, by the atom's key. */
  readonly terms: ReadonlyMap<string, { readonly atom: Scalar; readonly coef: number }>;
}

/** An i32 constant. */
export function constant(value: number): Scalar {
  return lit("i32", value);
}

/** The inclusive range of values an index term can have; all of i32 where it may wrap. */
export function rangeOf(term: Scalar): readonly [number, number] {
  if (term.kind === "lit") return [term.value, term.value];
  const known = ranges.get(term);
  if (known) return known;
  const [lo, hi] = exactRange(term) ?? [-Infinity, Infinity];
  const made = lo < -(2 ** 31) || hi > 2 ** 31 - 1 ? everything : [lo, hi] as const;
  ranges.set(term, made);
  return made;
}

/** What is known of terms, which never change, for as long as they are used. */
const ranges = new WeakMap<Scalar, readonly [number, number]>();
const sums = new WeakMap<Scalar, Linear>();

const everything: readonly [number, number] = [-(2 ** 31), 2 ** 31 - 1];

function exactRange(term: Scalar): readonly [number, number] | undefined {
  if (term.kind === "axis") return [0, Math.max(0, term.extent - 1)];
  if (term.kind !== "call" || term.type !== "i32") return undefined;
  const [a, b] = term.args;
  if (term.fn === "add") {
    const [p, q] = [rangeOf(a), rangeOf(b)];
    return [p[0] + q[0], p[1] + q[1]];
  }
  if (b?.kind !== "lit") return undefined;
  const [lo, hi] = rangeOf(a);
  const k = b.value;
  if (term.fn === "mul") return [Math.min(lo * k, hi * k), Math.max(lo * k, hi * k)];
  if (k <= 0) return undefined;
  if (term.fn === "div") return [Math.trunc(lo / k), Math.trunc(hi / k)];
  if (term.fn !== "rem") return undefined;
  return [lo < 0 ? Math.max(lo, 1 - k) : 0, hi < 0 ? 0 : Math.min(hi, k - 1)];
}

/** An index term as a sum; what is no sum is one atom. */
export function linearOf(term: Scalar): Linear {
  const known = sums.get(term);
  if (known) return known;
  const made = sumOf(term);
  sums.set(term, made);
  return made;
}

function sumOf(term: Scalar): Linear {
  if (term.kind === "lit") return { constant: term.value, terms: new Map() };
  if (term.kind === "call" && term.type === "i32") {
    const [a, b] = term.args;
    if (term.fn === "add") return plus(linearOf(a), linearOf(b));
    if (term.fn === "mul" && b.kind === "lit") return scaled(linearOf(a), b.value);
  }
  return { constant: 0, terms: new Map([[keyOf(term), { atom: term, coef: 1 }]]) };
}

function plus(a: Linear, b: Linear): Linear {
  if (b.terms.size === 0 && b.constant === 0) return a;
  if (a.terms.size === 0 && a.constant === 0) return b;
  const terms = new Map(a.terms);
  addTo(terms, b, 1);
  return { constant: (a.constant + b.constant) | 0, terms };
}

/** Parts of a sum, by what they are. */
export type Terms = Map<string, { readonly atom: Scalar; readonly coef: number }>;

function addTo(terms: Terms, sum: Linear, by: number): void {
  for (const [key, { atom, coef }] of sum.terms) {
    const all = ((terms.get(key)?.coef ?? 0) + Math.imul(coef, by)) | 0;
    if (all === 0) terms.delete(key);
    else terms.set(key, { atom, coef: all });
  }
}

function scaled(a: Linear, by: number): Linear {
  if (by === 1) return a;
  const terms: Terms = new Map();
  addTo(terms, a, by);
  return { constant: Math.imul(a.constant, by), terms };
}

/** The term of a sum: atoms ordered by descending coefficient, the constant last. */
export function termOf(sum: Linear): Scalar {
  if (sum.terms.size === 0) return constant(sum.constant);
  const sorted = sum.terms.size === 1 ? sum : inOrder(sum);
  let made: Scalar | undefined;
  for (const { atom, coef } of sorted.terms.values()) {
    const part = coef === 1 ? atom : call("mul", atom, constant(coef));
    made = made ? call("add", made, part) : part;
  }
  if (sum.constant !== 0) made = call("add", made!, constant(sum.constant));
  if (sum.terms.size > 1 || sum.constant !== 0) sums.set(made!, sorted);
  return made!;
}

function inOrder(sum: Linear): Linear {
  let before = Infinity, isSorted = true;
  for (const { coef } of sum.terms.values()) {
    isSorted &&= coef < before;
    before = coef;
  }
  if (isSorted) return sum;
  const sorted = [...sum.terms].sort((a, b) => b[1].coef - a[1].coef || (a[0] < b[0] ? -1 : 1));
  return { constant: sum.constant, terms: new Map(sorted) };
}

/** The range of a sum, as `rangeOf` gives it of its term. */
export function rangeOfSum({ constant, terms }: Linear): readonly [number, number] {
  let lo = constant, hi = constant;
  for (const { atom, coef } of terms.values()) {
    const [a, b] = rangeOf(atom);
    lo += Math.min(a * coef, b * coef);
    hi += Math.max(a * coef, b * coef);
  }
  return lo < everything[0] || hi > everything[1] ? everything : [lo, hi];
}

/** `a + b`. */
export function plusIndex(a: Scalar, b: Scalar | number): Scalar {
  return termOf(plus(linearOf(a), linearOf(typeof b === "number" ? constant(b) : b)));
}

/** `a * k` for a constant k. */
export function timesIndex(a: Scalar, k: number): Scalar {
  return termOf(scaled(linearOf(a), k));
}

/** Splits a sum into the part divisible by k (already divided) and the rest. */
function split(sum: Linear, k: number): { whole: Linear; rest: Linear } {
  const [whole, rest]: Terms[] = [new Map(), new Map()];
  for (const [key, t] of sum.terms) {
    if (t.coef % k === 0) whole.set(key, { atom: t.atom, coef: t.coef / k });
    else rest.set(key, t);
  }
  const q = Math.floor(sum.constant / k);
  return {
    whole: { constant: q, terms: whole },
    rest: { constant: sum.constant - q * k, terms: rest },
  };
}

/**
 * `floor(a / k)` for a constant k > 0 and a term that does not wrap; one of unknown range is taken
 * to be positive.
 */
export function divIndex(a: Scalar, k: number): Scalar {
  if (k === 1) return a;
  const { whole, rest } = raised(split(linearOf(a), k), k);
  const [lo, hi] = rangeOfSum(rest);
  if (lo >= 0 && hi < k) return termOf(whole);
  if (lo >= 0) {
    const [small, by] = reduced(rest, k);
    const [l, h] = rangeOf(small);
    const quotient = l >= 0 && h < by ? constant(0) : call("div", small, constant(by));
    return termOf(plus(whole, linearOf(quotient)));
  }
  return call("div", a, constant(k));
}

/** Moves a multiple of k so that the rest, where its range is known, is not negative. */
function raised({ whole, rest }: { whole: Linear; rest: Linear }, k: number) {
  const [lo] = rangeOfSum(rest);
  if (lo >= 0 || lo === everything[0]) return { whole, rest };
  const up = Math.ceil(-lo / k);
  return {
    whole: { ...whole, constant: whole.constant - up },
    rest: { ...rest, constant: rest.constant + up * k },
  };
}

/** (g·x + c) / (g·k) is (x + floor(c/g)) / k when every coefficient shares g. */
function reduced(rest: Linear, k: number): [Scalar, number] {
  let g = k;
  for (const { coef } of rest.terms.values()) g = gcd(g, Math.abs(coef));
  if (g === 1) return [termOf(rest), k];
  const terms = new Map([...rest.terms].map(([key, t]) => [key, { ...t, coef: t.coef / g }]));
  return [termOf({ constant: Math.floor(rest.constant / g), terms }), k / g];
}

function gcd(a: number, b: number): number {
  while (b) [a, b] = [b, a % b];
  return a;
}

/** `a mod k` (never negative) for a constant k > 0; the same is taken for granted as in divIndex. */
export function modIndex(a: Scalar, k: number): Scalar {
  if (k === 1) return constant(0);
  const { rest } = raised(split(linearOf(a), k), k);
  const [lo, hi] = rangeOfSum(rest);
  if (lo >= 0 && hi < k) return termOf(rest);
  return call("rem", lo >= 0 ? termOf(rest) : a, constant(k));
}

/** The row-major address of coordinates in a dense tensor of this shape. */
export function addressOf(coords: readonly Scalar[], shape: readonly number[]): Scalar {
  const terms: Terms = new Map();
  let constant = 0;
  for (let i = shape.length - 1, stride = 1; i >= 0; stride *= shape[i--]) {
    if (shape[i] === 1) continue;
    const own = linearOf(coords[i]);
    constant = (constant + Math.imul(own.constant, stride)) | 0;
    addTo(terms, own, stride);
  }
  return termOf({ constant, terms });
}

/** The axes of an iteration space, the first of them numbered `first`. */
export function axesOf(shape: readonly number[], first: number = 0): Scalar[] {
  return shape.map((extent, i) =>
    extent === 1 ? constant(0) : { kind: "axis", type: "i32", axis: first + i, extent }
  );
}

/**
 * A term with its axes replaced, sums and divisions of constants rebuilt so that they simplify
 * again. Parts without axes stay the same objects.
 */
export function substitute(
  term: Scalar,
  at: readonly Scalar[],
  memo: Map<Scalar, Scalar> = new Map(),
): Scalar {
  const known = memo.get(term);
  if (known) return known;
  let made: Scalar = term;
  if (term.kind === "axis") made = at[term.axis] ?? term;
  else if (term.kind === "load") {
    const index = substitute(term.index, at, memo);
    const valid = term.valid && substitute(term.valid, at, memo);
    if (index !== term.index || valid !== term.valid) made = { ...term, index, valid };
  } else if (term.kind === "call" && term.fn === "add" && term.type === "i32") {
    made = substitutedSum(term, at, memo);
  } else if (term.kind === "call") {
    const args = term.args.map((a) => substitute(a, at, memo));
    if (args.some((a, i) => a !== term.args[i])) made = rebuilt(term, args);
  }
  memo.set(term, made);
  return made;
}

/** A sum is rebuilt at once, not addition by addition. */
function substitutedSum(
  term: Scalar,
  at: readonly Scalar[],
  memo: Map<Scalar, Scalar>,
): Scalar {
  const old = linearOf(term);
  const parts = [...old.terms.values()].map(({ atom, coef }) => {
    const made = substitute(atom, at, memo);
    return { isNew: made !== atom, sum: scaled(linearOf(made), coef) };
  });
  if (!parts.some(({ isNew }) => isNew)) return term;
  return termOf(parts.reduce((all, { sum }) => plus(all, sum), linearOf(constant(old.constant))));
}

function rebuilt(term: Scalar & { kind: "call" }, args: readonly Scalar[]): Scalar {
  const [a, b] = args;
  if (term.type === "i32" && b) {
    if (b.kind === "lit") {
      if (term.fn === "sub") return plusIndex(a, -b.value);
      if (term.fn === "mul") return timesIndex(a, b.value);
      const positive = b.value > 0 && rangeOf(a)[0] >= 0;
      if (term.fn === "div" && positive) return divIndex(a, b.value);
      if (term.fn === "rem" && positive) return modIndex(a, b.value);
    }
  }
  return call(term.fn, ...args);
}
