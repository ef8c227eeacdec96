/**
 * The flags of `dump` as the options of dumping.
 * @module
 */
import type { Flag, FlagValues } from "./command.ts";
import type { DumpToOptions } from "../trace/dump.ts";
import { inferenceFlags, inferenceFlagsOf } from "./inference_flags.ts";
import { countOf } from "./count_flag.ts";
import { usageError } from "./parse.ts";
import { valueFlags, valueOptions } from "./value_flags.ts";

/** The flags: trace.md's options in kebab-case. */
export const dumpFlags = {
  format: {
    kind: "string",
    choices: ["FBS", "FBS_V2"],
    default: "FBS_V2",
    placeholder: "NAME",
    doc: "the container: V1 or V2",
  },
  "arg-names": { kind: "list", placeholder: "A,B", doc: "names of the inputs, in order" },
  "output-names": { kind: "list", placeholder: "A,B", doc: "names of the outputs, in order" },
  flexible: {
    kind: "list",
    placeholder: "NAME=AXES",
    doc: "axes of an input that may change, as in image=0 or image=0,2; none for none at all",
  },
  append: { kind: "boolean", doc: "append to the file" },
  "keep-var-name": { kind: "number", default: 1, doc: "names of variables: 0, 1 outputs, 2 all" },
  "keep-opr-name": { kind: "boolean", doc: "keep names of operators" },
  "keep-param-name": { kind: "boolean", doc: "keep names of parameters" },
  "keep-opr-priority": { kind: "boolean", doc: "keep priorities of operators" },
  "strip-info-file": {
    kind: "string",
    placeholder: "FILE",
    doc: "write the operators and dtypes in use there, as JSON",
  },
  "append-json": { kind: "boolean", doc: "merge into that file" },
  "optimize-for-inference": { kind: "boolean", default: true, doc: "rewrite for inference" },
  ...inferenceFlags,
  "user-info": { kind: "string", placeholder: "JSON", doc: "a value to keep in the metadata" },
  "enable-metadata": { kind: "boolean", default: true, doc: "write metadata" },
  "input-data": {
    kind: "list",
    placeholder: "SPEC",
    doc: "a test case: #rand(0,255), a file of values, name:…;name:…, or @list.txt",
  },
  ...valueFlags,
  repeat: { kind: "number", default: 1, doc: "repeat values of files along axis 0" },
  silent: { kind: "boolean", doc: "the checks say nothing when they fail" },
  "no-assert": { kind: "boolean", doc: "no checks of the test cases" },
  maxerr: { kind: "number", default: 1e-4, doc: "the error that a check allows" },
  gzip: { kind: "boolean", doc: "compress the file" },
  "opt-level": { kind: "number", default: 2, doc: "0 writes what is there; 1 to 3 simplify first" },
  seed: { kind: "number", default: 0, doc: "of #rand" },
} as const satisfies Readonly<Record<string, Flag>>;

/**
 * The options that the flags state; values outside what is accepted are wrong usage. `warn` hears
 * of a transform that wraps.
 */
export function dumpOptions(
  flags: FlagValues<typeof dumpFlags>,
  warn: (line: string) => void,
): DumpToOptions {
  const argNames = namesOf(flags["arg-names"]);
  const outputNames = namesOf(flags["output-names"]);
  const flexible = flexibleOf(flags.flexible);
  if (flags["append-json"] && flags["strip-info-file"] === undefined) {
    throw usageError("Cannot take --append-json without --strip-info-file FILE");
  }
  if (!(flags.maxerr >= 0)) {
    throw usageError(`Cannot take ${flags.maxerr} for --maxerr: it takes a number from 0 on`);
  }
  return {
    format: flags.format as "FBS" | "FBS_V2",
    ...(argNames ? { argNames } : {}),
    ...(outputNames ? { outputNames } : {}),
    ...(flexible === undefined ? {} : { flexible }),
    append: flags.append,
    keepVarName: oneOf("keep-var-name", flags["keep-var-name"], [0, 1, 2]),
    keepOprName: flags["keep-opr-name"],
    keepParamName: flags["keep-param-name"],
    keepOprPriority: flags["keep-opr-priority"],
    ...(flags["strip-info-file"] ? { stripInfoFile: flags["strip-info-file"] } : {}),
    appendJson: flags["append-json"],
    optimizeForInference: flags["optimize-for-inference"],
    ...inferenceFlagsOf(flags),
    ...(flags["user-info"] === undefined ? {} : { userInfo: jsonOf(flags["user-info"]) }),
    enableMetadata: flags["enable-metadata"],
    ...(flags["input-data"].length ? { inputData: flags["input-data"] } : {}),
    ...valueOptions(flags, warn),
    repeat: countOf("repeat", flags.repeat, 1),
    silent: flags.silent,
    noAssert: flags["no-assert"],
    maxerr: flags.maxerr,
    gzip: flags.gzip,
    optLevel: oneOf("opt-level", flags["opt-level"], [0, 1, 2, 3]),
    seed: countOf("seed", flags.seed, 0),
  };
}

function namesOf(given: readonly string[]): readonly string[] | undefined {
  return given.length ? given.flatMap((text) => text.split(",")) : undefined;
}

function oneOf<const T extends number>(name: string, value: number, known: readonly T[]): T {
  if (known.includes(value as T)) return value as T;
  throw usageError(`Cannot take ${value} for --${name}: it takes ${known.join(", ")}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`Cannot take ${text} for --user-info: ${(error as Error).message}`);
  }
}

function flexibleOf(given: readonly string[]): DumpToOptions["flexible"] {
  if (given.length === 0) return undefined;
  if (given.includes("none")) {
    if (given.length === 1) return false;
    throw usageError("Cannot take --flexible none with others: give it alone, or axes by name");
  }
  return Object.fromEntries(given.map((text) => {
    const [, name, axes] = /^(.+)=(\d+(?:,\d+)*)$/s.exec(text) ?? [];
    if (name !== undefined) return [name, axes.split(",").map(Number)];
    throw usageError(`Cannot take ${text} for --flexible: it is written NAME=0 or NAME=0,2`);
  }));
}
