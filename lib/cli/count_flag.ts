/**
 * Flags that count: whole numbers from a least one on.
 * @module
 */
import { usageError } from "./parse.ts";

/** The value of a flag that counts; a fraction or too small a number is wrong usage. */
export function countOf(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw usageError(`Cannot take ${value} for --${name}: it takes a whole number from ${least} on`);
}
