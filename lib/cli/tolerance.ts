/**
 * The `--rtol` and `--atol` flags.
 * @module
 */
import type { Flag } from "./command.ts";
import type { Tolerance } from "./compare_values.ts";
import { usageError } from "./parse.ts";

/** The flags, the same for every command that compares. */
export const toleranceFlags = {
  rtol: { kind: "number", doc: "the error allowed, relative to the recorded value (1e-3)" },
  atol: { kind: "number", doc: "the error allowed at 0 (1e-7)" },
} as const satisfies Readonly<Record<string, Flag>>;

/** What the flags state, and nothing for those that are not given. */
export function toleranceOf(
  flags: { readonly rtol: number | undefined; readonly atol: number | undefined },
): Partial<Tolerance> {
  const given: { rtol?: number; atol?: number } = {};
  for (const name of ["rtol", "atol"] as const) {
    const value = flags[name];
    if (value === undefined) continue;
    if (value < 0) throw usageError(`Cannot take ${value} for --${name}: it is below 0`);
    given[name] = value;
  }
  return given;
}
