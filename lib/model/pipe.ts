/**
 * Composition of models: functions after one another, beside one another, and around one another.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { add } from "../ops/arithmetic.ts";

/** Functions applied one after another, the first one first. */
export function pipe<A = Tensor, B = Tensor>(f: (a: A) => B): (a: A) => B;
/** The same with more functions. */
export function pipe<A, B, C>(f: (a: A) => B, g: (b: B) => C): (a: A) => C;
/** The same with more functions. */
export function pipe<A, B, C, D>(f: (a: A) => B, g: (b: B) => C, h: (c: C) => D): (a: A) => D;
/** The same with more functions. */
export function pipe<A, B, C, D, E>(
  f: (a: A) => B,
  g: (b: B) => C,
  h: (c: C) => D,
  i: (d: D) => E,
): (a: A) => E;
/** The same with more functions. */
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
