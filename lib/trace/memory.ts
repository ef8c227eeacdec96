/**
 * Memory of traced functions: the options that trade work for it, with MegEngine's names, and what a
 * call's plans need.
 * @module
 */
import { OptionError, TraceError } from "../core/fault.ts";
import type { CompileOptions, Dtr, Loaded, MemoryReport, SublinearMemory } from "../core/target.ts";

/** What a traced function may take of memory. */
export interface MemoryOptions {
  /**
   * Computes values again instead of keeping them: `true`, or how to search for what is kept. The
   * results have the same bits; `memory()` says what it saves and costs.
   */
  readonly sublinearMemory?: boolean | SublinearMemory;
  /** Gives values up while a plan would hold more than a threshold, and computes them again. */
  readonly dtr?: Dtr;
}

/** A number that an option takes: what it must be, in words and as a test. */
interface Range {
  readonly text: string;
  readonly holds: (value: number) => boolean;
}

const count = (from: number): Range => ({
  text: `a whole number from ${from}`,
  holds: (n) => Number.isSafeInteger(n) && n >= from,
});
const amount: Range = { text: "a number from 0", holds: (n) => n >= 0 && n < Infinity };

const sublinearRanges: Readonly<Record<keyof SublinearMemory, Range>> = {
  threshNrTry: count(0),
  geneticNrIter: count(0),
  geneticPoolSize: count(1),
  lbMemoryMb: amount,
  numWorker: count(1),
};

const dtrRanges: Readonly<Record<keyof Dtr, Range>> = {
  evictionThreshold: {
    text: "a number of bytes greater than 0",
    holds: (n) => n > 0 && n < Infinity,
  },
  evicteeMinimumSize: amount,
  recompMemoryFactor: amount,
  recompTimeFactor: amount,
};

/** Refuses memory options that do not exist, are out of range, or exclude one another. */
export function checkMemory({ sublinearMemory, dtr }: MemoryOptions): void {
  if (sublinearMemory !== undefined && typeof sublinearMemory !== "boolean") {
    const wanted = "it must be true, false or a record of numbers";
    checkRecord("sublinearMemory", sublinearMemory, sublinearRanges, wanted);
  }
  if (dtr !== undefined) {
    checkRecord("dtr", dtr, dtrRanges, "it must be a record with evictionThreshold, in bytes");
    if (dtr.evictionThreshold === undefined) {
      throw new OptionError(
        "Cannot trace with dtr without evictionThreshold: " +
          `it must be ${dtrRanges.evictionThreshold.text}`,
      );
    }
  }
  if (sublinearMemory && dtr) {
    throw new OptionError(
      "Cannot trace with sublinearMemory and dtr together: each decides what is computed again\n" +
        "  try sublinearMemory for the least memory, or dtr for as much as there is",
    );
  }
}

function checkRecord(
  name: string,
  given: unknown,
  ranges: Readonly<Record<string, Range>>,
  wanted: string,
): void {
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw new OptionError(`Cannot trace with ${name}: ${JSON.stringify(given)}: ${wanted}`);
  }
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(ranges, key)) {
      const known = Object.keys(ranges).join(", ");
      throw new OptionError(`Cannot trace with ${name}.${key}: known are ${known}`);
    }
    if (value === undefined || (typeof value === "number" && ranges[key].holds(value))) continue;
    const found = typeof value === "number" ? String(value) : JSON.stringify(value);
    throw new OptionError(
      `Cannot trace with ${name}.${key}: ${found}: it must be ${ranges[key].text}`,
    );
  }
}

/** The same as plans are compiled with. */
export function compiledMemory(
  { sublinearMemory, dtr }: MemoryOptions,
): Pick<CompileOptions, "sublinearMemory" | "dtr"> {
  if (dtr) return { dtr };
  if (!sublinearMemory) return {};
  return { sublinearMemory: sublinearMemory === true ? {} : sublinearMemory };
}

/** What the plan of a call needs. */
export interface TracedMemory extends MemoryReport {
  /** What the plans of the values that the call read inside the function need, in their order. */
  readonly reads: readonly MemoryReport[];
}

/** The memory of the plans of a call: its own, then those of its reads. */
export function memoryOf(plans: readonly Loaded[]): TracedMemory {
  if (!plans.length) {
    throw new TraceError(
      "never called",
      "Cannot give the memory: no plan was run\n" +
        "  try calling the function, without recordOnly",
    );
  }
  const [report, ...reads] = plans.map((loaded) => loaded.memory());
  return { ...report, reads };
}
