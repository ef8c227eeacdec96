/**
 * The options of tracing, and what they say about the arguments of a call.
 * @module
 */
import type { Comparator } from "../core/compare.ts";
import { OptionError, TraceError } from "../core/fault.ts";
import type { CompileOptions, Machine } from "../core/target.ts";
import { isTensor } from "../core/tensor.ts";
import { leavesOf, mapTree, type Path, pathText } from "../core/tree.ts";
import type { Type } from "../core/type.ts";
import type { Level } from "../stage/level.ts";
import { checkMemory, compiledMemory, type MemoryOptions } from "./memory.ts";

/** Which arguments give their memory to the results: positions, or paths into a tree. */
export type Donate = readonly (number | readonly [number, ...(string | number)[]])[];

/** How a function is traced. */
export interface TraceOptions extends MemoryOptions {
  /** Where it runs; by default where resident arguments live, else the best CPU target. */
  readonly on?: Machine;
  /** Values cannot be read inside the function. */
  readonly symbolic?: boolean;
  /** Captured tensors become constants of the graph; needed for dumping. */
  readonly captureAsConst?: boolean;
  /** Stage, never execute: results have types and refuse to be read. */
  readonly recordOnly?: boolean;
  /** After the first call with a key the function is not run again. */
  readonly withoutHost?: boolean;
  /** How captured constants are compared on later calls; exactly by default. */
  readonly comparator?: Comparator;
  /** Arguments whose memory the results take over. */
  readonly donate?: Donate;
  /** 0: what was written … 3: measured kernels; 2 by default. */
  readonly optLevel?: Level;
  /** Times every kernel of every call, for `profile()`; calls are slower then. */
  readonly profiling?: boolean;
}

const known: readonly (keyof TraceOptions)[] = [
  "on",
  "symbolic",
  "captureAsConst",
  "recordOnly",
  "withoutHost",
  "comparator",
  "donate",
  "optLevel",
  "profiling",
  "sublinearMemory",
  "dtr",
];

/** Refuses options that do not exist or are out of range. */
export function checkOptions(f: unknown, options: TraceOptions): void {
  if (typeof f !== "function") throw new OptionError(`Cannot trace ${typeof f}: give a function`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name as keyof TraceOptions)) {
      throw new OptionError(`Cannot trace with option ${name}: known are ${known.join(", ")}`);
    }
  }
  const { optLevel } = options;
  if (optLevel !== undefined && ![0, 1, 2, 3].includes(optLevel)) {
    throw new OptionError(`Cannot trace with optLevel: ${optLevel}: it must be 0, 1, 2 or 3`);
  }
  checkMemory(options);
}

/** What the options say about every plan. */
export function compileOptions(options: TraceOptions): CompileOptions {
  return { optLevel: options.optLevel, ...compiledMemory(options) };
}

/** Arguments with types in the place of tensors. */
export function typesOf(value: unknown): unknown {
  return mapTree(value, isTensor, ({ dtype, shape }): Type => ({ dtype, shape }));
}

/** Indices of the leaves that donated arguments hold. */
export function donated(args: readonly unknown[], donate: Donate): number[] {
  const leaves = leavesOf(args, isTensor).map(({ path }) => path);
  return donate.flatMap((entry) => {
    const path: Path = typeof entry === "number" ? [entry] : entry;
    const found = leaves.flatMap((p, i) => path.every((k, d) => p[d] === k) ? [i] : []);
    if (!found.length) {
      throw new OptionError(`Cannot donate ${pathText(path)}: no tensor argument is there`);
    }
    return found;
  });
}

/** Refuses arguments that hold anything but tensors, naming the place. */
export function refuseOthers(args: readonly unknown[]): void {
  const visit = (value: unknown, path: Path): void => {
    if (isTensor(value)) return;
    if (value !== null && typeof value === "object") {
      for (const [k, v] of Object.entries(value)) visit(v, [...path, k]);
      return;
    }
    throw new TraceError(
      "non-tensor argument",
      `Cannot trace argument ${pathText(path)}: ${String(value)}: ` +
        "Only tensor arguments are supported when captureAsConst is set",
    );
  };
  args.forEach((a, i) => visit(a, [i]));
}
