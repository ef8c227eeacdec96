/**
 * Flags that choose by a regular expression.
 * @module
 */
import { usageError } from "./parse.ts";

/** The expression of a flag, or one that matches all; what is none is wrong usage. */
export function patternOf(name: string, text: string | undefined): RegExp {
  try {
    return new RegExp(text ?? "");
  } catch (error) {
    throw usageError(`Cannot take ${text} for --${name}: ${(error as Error).message}`);
  }
}
