/**
 * A suite of benches as `bench` runs it: a module that measures, with a history beside it. The
 * project's own suite lies in its repository and not in the package.
 * @module
 */
import { FormatError, OptionError } from "../core/fault.ts";
import { statOf } from "./path.ts";

/** A measured row. */
export interface BenchRow {
  readonly name: string;
  /** Milliseconds of the best run. */
  readonly ms: number;
}

/** What was measured on a target. */
export interface BenchColumn {
  readonly target: string;
  /** What it ran on, in words: histories of other places are not compared with. */
  readonly place: string;
  readonly results: readonly BenchRow[];
}

/** Milliseconds of each row in the last stored run, by target. */
export type Stored = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What a suite is asked for. */
export interface SuiteOptions {
  readonly targets: readonly string[];
  /** Rows whose names match. */
  readonly rows: RegExp;
  /** With the time to the first result, in fresh processes. */
  readonly first: boolean;
  readonly signal: AbortSignal;
}

/** What a suite gave. */
export interface Measured {
  readonly columns: readonly BenchColumn[];
  /** The table, beside what was stored before. */
  table(before: Stored): string;
}

/** What a suite's module exports. */
export interface Suite {
  /** The names of targets that it knows; the first of them are measured unless others are asked for. */
  readonly targets: readonly string[];
  /** How many of them are measured by default. */
  readonly usual: number;
  /** Measures rows. */
  measure(options: SuiteOptions): Promise<Measured>;
}

/** The suite that a path names, or the repository's own; with the folder of its history. */
export async function openSuite(
  path: string | undefined,
): Promise<{ readonly suite: Suite; readonly title: string; readonly history: string }> {
  const url = path === undefined ? ownSuite : new URL(path, `file://${Deno.cwd()}/`);
  const title = path ?? "bench/suite.ts";
  if (url.protocol !== "file:" || !(await statOf(decodeURIComponent(url.pathname)))?.isFile) {
    throw path === undefined ? noSuite() : new FormatError(
      `Cannot bench ${path}: there is no such file; check the path`,
      { code: "format.missing" },
    );
  }
  const suite = await import(url.href) as Partial<Suite>;
  if (!Array.isArray(suite.targets) || typeof suite.measure !== "function") {
    throw new FormatError(
      `Cannot bench ${title}: it exports no \`targets\` and \`measure\`, as suites do`,
    );
  }
  const history = decodeURIComponent(new URL("results/", url).pathname);
  return { suite: suite as Suite, title, history };
}

/** Beside the sources, where there is a repository around them. */
const ownSuite = new URL("../../bench/suite.ts", import.meta.url);

function noSuite(): OptionError {
  return new OptionError(
    "Cannot bench: the suite is in the project's repository and not in the package\n" +
      "  try it in a clone, or name a module with --suite FILE",
    { code: "option.suite" },
  );
}
