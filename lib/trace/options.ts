/**
 * The options of tracing, and what they say about the arguments of a call.
 * @module
 */
import type { Comparator } from "../core/compare.ts";
import { OptionError, TraceError } from "../core/fault.ts";
import type { CompileOptions, GraphOpt, Machine } from "../core/target.ts";
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
  /** Fusions chosen by hand; what is unset `optLevel` decides. */
  readonly graphOpt?: GraphOpt;
  /** One trace serves many shapes, with a plan for each; false: a second shape is an error. */
  readonly symbolicShape?: boolean;
  /** Times every kernel of every call, for `profile()`; calls are slower then. */
  readonly profiling?: boolean;
}

/** What each option may be: a text for people, and the check. */
const accepted: Readonly<Record<keyof TraceOptions, readonly [string, (v: never) => boolean]>> = {
  on: ["a target that open() gave", (v: Machine) => typeof v?.compile === "function"],
  symbolic: ["true or false", isTruth],
  captureAsConst: ["true or false", isTruth],
  recordOnly: ["true or false", isTruth],
  withoutHost: ["true or false", isTruth],
  comparator: ["a function of two arrays", (v) => typeof v === "function"],
  donate: ["a list of positions from 0, or of paths such as [0, 'weight']", isDonate],
  optLevel: ["0, 1, 2 or 3", (v) => [0, 1, 2, 3].includes(v)],
  graphOpt: ["a record of jitFuseDimshuffle and jitFuseReduce, each true or false", isGraphOpt],
  symbolicShape: ["true or false", isTruth],
  profiling: ["true or false", isTruth],
  // memory.ts says more of what these may be.
  sublinearMemory: ["true, false or a record of numbers", () => true],
  dtr: ["a record with evictionThreshold, in bytes", () => true],
};

function isTruth(value: unknown): boolean {
  return typeof value === "boolean";
}

function isPosition(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isDonate(value: unknown): boolean {
  const isKey = (key: unknown) => typeof key === "string" || isPosition(key);
  return Array.isArray(value) &&
    value.every((entry) =>
      Array.isArray(entry) ? isPosition(entry[0]) && entry.every(isKey) : isPosition(entry)
    );
}

function isGraphOpt(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const names = ["jitFuseDimshuffle", "jitFuseReduce"];
  return Object.entries(value).every(([name, v]) =>
    names.includes(name) && (v === undefined || isTruth(v))
  );
}

/** Refuses options that do not exist, are out of range, or contradict one another. */
export function checkOptions(f: unknown, options: TraceOptions): void {
  if (typeof f !== "function") throw new OptionError(`Cannot trace ${typeof f}: give a function`);
  for (const [name, value] of Object.entries(options)) {
    const [range, holds] = Object.hasOwn(accepted, name)
      ? accepted[name as keyof TraceOptions]
      : [];
    if (!range || !holds) {
      throw new OptionError(
        `Cannot trace with option ${name}: known are ${Object.keys(accepted).join(", ")}`,
      );
    }
    if (value === undefined || holds(value as never)) continue;
    throw new OptionError(`Cannot trace with ${name}: ${shown(value)}: it must be ${range}`);
  }
  checkMemory(options);
  if (!options.recordOnly) return;
  for (const name of ["symbolic", "captureAsConst"] as const) {
    if (options[name] !== false) continue;
    throw new OptionError(`Cannot trace with ${name}: false: recordOnly needs it to be true`);
  }
}

/** What the options say about every plan. */
export function compileOptions(options: TraceOptions): CompileOptions {
  const { optLevel, graphOpt } = options;
  return { optLevel, graphOpt, ...compiledMemory(options) };
}

/** An option's value in a message. */
function shown(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
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
