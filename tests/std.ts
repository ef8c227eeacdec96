/**
 * The typed doorway to std's assertions. The package is plain JavaScript, so the signatures stand
 * here: those that narrow a type say so, which is why these are typed constants.
 * @module
 */
import * as std from "@std/assert";

/** A class, abstract or not, whose instances are `T`. */
export type Class<T> = abstract new (...args: never[]) => T;

/** Fails unless the condition is truthy. */
export const assert: (condition: unknown, message?: string) => asserts condition = std.assert;

/** Fails unless the condition is falsy. */
export const assertFalse: (condition: unknown, message?: string) => void = std.assertFalse;

/** Fails unless both values are deeply equal. */
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = std.assertEquals;

/** Fails if both values are deeply equal. */
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotEquals;

/** Fails unless both are the same value by `Object.is`. */
export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  message?: string,
) => asserts actual is T = std.assertStrictEquals;

/** Fails if both are the same value by `Object.is`. */
export const assertNotStrictEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotStrictEquals;

/** Fails if two numbers differ by more than the tolerance, by default 1e-7 of the expected. */
export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
) => void = std.assertAlmostEquals;

/** Fails unless the first is greater. */
export const assertGreater: <T>(actual: T, bound: T, message?: string) => void = std.assertGreater;

/** Fails unless the first is greater or equal. */
export const assertGreaterOrEqual: <T>(actual: T, bound: T, message?: string) => void =
  std.assertGreaterOrEqual;

/** Fails unless the first is less. */
export const assertLess: <T>(actual: T, bound: T, message?: string) => void = std.assertLess;

/** Fails unless the first is less or equal. */
export const assertLessOrEqual: <T>(actual: T, bound: T, message?: string) => void =
  std.assertLessOrEqual;

/** Fails on `null` and `undefined`. */
export const assertExists: <T>(
  actual: T,
  message?: string,
) => asserts actual is NonNullable<T> = std.assertExists;

/** Fails unless the value is of the class. */
export const assertInstanceOf: <T>(
  actual: unknown,
  type: Class<T>,
  message?: string,
) => asserts actual is T = std.assertInstanceOf;

/** Fails unless the list has every expected item. */
export const assertArrayIncludes: <T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
) => void = std.assertArrayIncludes;

/** Fails unless the expected record's entries are in the actual one, deeply. */
export const assertObjectMatch: (
  actual: object,
  expected: Record<PropertyKey, unknown>,
  message?: string,
) => void = std.assertObjectMatch;

/** Fails unless the text matches. */
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertMatch;

/** Fails if the text matches. */
export const assertNotMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertNotMatch;

/** Fails unless the text contains the expected one. */
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  std.assertStringIncludes;

/** Fails unless the function throws an error of the class with the text in its message. */
export const assertThrows: <E extends Error = Error>(
  body: () => unknown,
  type?: Class<E>,
  includes?: string,
  message?: string,
) => E = std.assertThrows;

/** Fails unless the promise is rejected with an error of the class and the text in its message. */
export const assertRejects: <E extends Error = Error>(
  body: () => PromiseLike<unknown>,
  type?: Class<E>,
  includes?: string,
  message?: string,
) => Promise<E> = std.assertRejects;

/** Fails always. */
export const fail: (message?: string) => never = std.fail;

/** True if both values are deeply equal. */
export const equal: (a: unknown, b: unknown) => boolean = std.equal;
