/**
 * Composition of models: functions after one another, beside one another, and around one another.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { add } from "../ops/arithmetic.ts";

/**
 * Functions applied one after another, the first one first: up to twelve whose types may differ,
 * or any number from one type to itself.
 *
 * ```ts
 * import { add, exp, pipe, read, type Tensor, tensor } from "@weft/weft";
 *
 * const model = pipe((x: Tensor) => add(x, 1), exp);
 * console.log((await read(model(tensor([-1])))).data); // Float32Array [1]
 * ```
 */
export function pipe<A = Tensor, B = Tensor>(f: (a: A) => B): (a: A) => B;
/** Two functions, one after another. */
export function pipe<A, B, C>(f: (a: A) => B, g: (b: B) => C): (a: A) => C;
/** Three functions, one after another. */
export function pipe<A, B, C, D>(f: (a: A) => B, g: (b: B) => C, h: (c: C) => D): (a: A) => D;
/** Four functions, one after another. */
export function pipe<A, B, C, D, E>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
): (a: A) => E;
/** Five functions, one after another. */
export function pipe<A, B, C, D, E, F>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
): (a: A) => F;
/** Six functions, one after another. */
export function pipe<A, B, C, D, E, F, G>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
): (a: A) => G;
/** Seven functions, one after another. */
export function pipe<A, B, C, D, E, F, G, H>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
  l: (g: G) => H,
): (a: A) => H;
/** Eight functions, one after another. */
export function pipe<A, B, C, D, E, F, G, H, I>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
  l: (g: G) => H,
  m: (h: H) => I,
): (a: A) => I;
/** Nine functions, one after another. */
export function pipe<A, B, C, D, E, F, G, H, I, J>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
  l: (g: G) => H,
  m: (h: H) => I,
  n: (i: I) => J,
): (a: A) => J;
/** Ten functions, one after another. */
export function pipe<A, B, C, D, E, F, G, H, I, J, K>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
  l: (g: G) => H,
  m: (h: H) => I,
  n: (i: I) => J,
  o: (j: J) => K,
): (a: A) => K;
/** Eleven functions, one after another. */
export function pipe<A, B, C, D, E, F, G, H, I, J, K, L>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
  l: (g: G) => H,
  m: (h: H) => I,
  n: (i: I) => J,
  o: (j: J) => K,
  p: (k: K) => L,
): (a: A) => L;
/** Twelve functions, one after another. */
export function pipe<A, B, C, D, E, F, G, H, I, J, K, L, M>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
  j: (e: E) => F,
  k: (f: F) => G,
  l: (g: G) => H,
  m: (h: H) => I,
  n: (i: I) => J,
  o: (j: J) => K,
  p: (k: K) => L,
  q: (l: L) => M,
): (a: A) => M;
/** Any number of functions from one type to itself. */
export function pipe<T = Tensor>(...fs: readonly ((t: T) => T)[]): (t: T) => T;
export function pipe(...fs: readonly ((x: unknown) => unknown)[]): (x: unknown) => unknown {
  return (x) => fs.reduce((value, f) => f(value), x);
}

/** Several functions of one value; the results in a list. */
export function fork<A, R extends readonly unknown[]>(
  ...fs: { readonly [K in keyof R]: (a: A) => R[K] }
): (a: A) => R {
  return (a) => fs.map((f) => f(a)) as unknown as R;
}

/** A function whose argument is added to its result. */
export function residual(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => add(x, f(x));
}

/** A function applied n times; it also gets the number of the round. */
export function times<T = Tensor>(n: number, f: (x: T, round: number) => T): (x: T) => T {
  return (x) => {
    let value = x;
    for (let i = 0; i < n; i++) value = f(value, i);
    return value;
  };
}
