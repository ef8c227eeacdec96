/**
 * The typed doorway to the parts of Deno's standard library that the command line uses. The
 * package comes from npm as plain JavaScript, so the types are written here and nowhere else.
 * @module
 */
import { parseArgs as parse } from "@std/cli/parse-args";
import { closestString as closest } from "@std/text/closest-string";
import { format as bytesText } from "@std/fmt/bytes";
import { format as durationText } from "@std/fmt/duration";
import * as paint from "@std/fmt/colors";

/** What `parseArgs` is told about the flags. */
export interface ParseOptions {
  /** Flags without a value. */
  readonly boolean?: readonly string[];
  /** Flags with a value that stays text; `_` keeps positionals text too. */
  readonly string?: readonly string[];
  /** Flags that may come several times; their values make a list. */
  readonly collect?: readonly string[];
  /** Boolean flags that `--no-NAME` turns off. */
  readonly negatable?: readonly string[];
  /** Other spellings of a flag. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Values of flags that were not given. */
  readonly default?: Readonly<Record<string, unknown>>;
  /** Called for what is not listed (no key: a positional); `false` leaves it out. */
  unknown?(arg: string, key?: string, value?: unknown): unknown;
}

/** Splits arguments into flags by name and positionals under `_`. */
export const parseArgs: (
  args: readonly string[],
  options?: ParseOptions,
) => Record<string, unknown> & { readonly _: readonly string[] } = parse;

/** The word of a list with the least edit distance from `word`; the list has at least one. */
export const closestString: (word: string, words: readonly string[]) => string = closest;

/** A number of bytes as text: decimal units as in `1.5 MB`, or with `binary` as in `1.43 MiB` (and `kiB`). */
export const formatBytes: (
  bytes: number,
  options?: {
    readonly binary?: boolean;
    readonly minimumFractionDigits?: number;
    readonly maximumFractionDigits?: number;
  },
) => string = bytesText;

/** Milliseconds as text: `1m 39s` (narrow), `1 minute, 39 seconds` (full) or digits. */
export const formatDuration: (
  ms: number,
  options?: { readonly style?: "narrow" | "full" | "digital"; readonly ignoreZero?: boolean },
) => string = durationText;

/** A function from text to text with terminal codes around it. */
export type Paint = (text: string) => string;

/** The few colours that commands use. */
export interface Colors {
  /** For headings and names. */
  readonly bold: Paint;
  /** For what matters less. */
  readonly dim: Paint;
  /** For errors. */
  readonly red: Paint;
  /** For what went well. */
  readonly green: Paint;
  /** For warnings. */
  readonly yellow: Paint;
  /** For values. */
  readonly cyan: Paint;
}

/** The colours of std; they give the text as it is where `NO_COLOR` is set. */
export const colors: Colors = {
  bold: paint.bold,
  dim: paint.dim,
  red: paint.red,
  green: paint.green,
  yellow: paint.yellow,
  cyan: paint.cyan,
};

/** Text without its terminal codes. */
export const stripAnsiCode: Paint = paint.stripAnsiCode;
