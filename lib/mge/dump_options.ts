/**
 * What a dump may be asked and what it answers: the options, checked, and the account of the file.
 * The planner of files stays out of here, so that a program that never dumps does not load it.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { checkFlags } from "./dump_flags.ts";
import { checkInference, inferenceNames, type InferenceOptions } from "./infer/options.ts";
import type { OnProgress } from "./parts.ts";
import type { CaseOptions } from "./testcase.ts";

/** Options of a dump that say what is in the file. */
export interface DumpOptions extends Partial<CaseOptions>, InferenceOptions {
  /** The container: V2 (`FBS_V2`, by default) or V1 (`FBS`), which has no limit of 2 GiB. */
  readonly format?: "FBS" | "FBS_V2";
  /**
   * Names of all arguments, or of those that have none; by default the authors', keys of records
   * among them, else `arg_0` and so on.
   */
  readonly argNames?: readonly string[];
  /** Names of the results, by default those of their operators; not for a record's. */
  readonly outputNames?: readonly string[];
  /** Names of variables: 0 none, 1 those of the results (by default), 2 all. */
  readonly keepVarName?: 0 | 1 | 2;
  /** Names of operators; false by default. */
  readonly keepOprName?: boolean;
  /** Names of parameters; false by default. */
  readonly keepParamName?: boolean;
  /** Priorities of operators; false by default. */
  readonly keepOprPriority?: boolean;
  /**
   * Folds norms, fuses arithmetic and does what the options of inference ask for; true by default.
   * False writes the operators as they are.
   */
  readonly optimizeForInference?: boolean;
  /** 0: operators as written; 1 and above (by default): algebra, folding, sharing first. */
  readonly optLevel?: 0 | 1 | 2 | 3;
  /** Any JSON value, kept with the model. */
  readonly userInfo?: unknown;
  /** Keeps metadata; true by default. */
  readonly enableMetadata?: boolean;
  /**
   * Which axes of which arguments may change in the file, by name; by default axis 0 of every
   * argument where the program generalises. Asked for by name, what does not generalise is an
   * error; else it is fixed and reported. False fixes all.
   */
  readonly flexible?: boolean | Readonly<Record<string, readonly number[]>>;
  /** Compresses the bytes; false by default. */
  readonly gzip?: boolean;
  /** Hears how many of all bytes, before compression, have been given. */
  readonly onProgress?: OnProgress;
}

/** What a dump wrote. */
export interface DumpInfo {
  /** Operators of the main graph, inputs and constants among them. */
  readonly nrOpr: number;
  /** Bytes of the file before compression. */
  readonly totBytes: number;
  /** Bytes of tensors among them. */
  readonly tensorValueBytes: number;
  /** Content hash as a decimal number; 0 in V2. */
  readonly contentHash: string;
  /** Names of the inputs, sorted. */
  readonly inputs: readonly string[];
  /** Names of the outputs in order. */
  readonly outputs: readonly string[];
  /** Names of the parameters, where they are kept. */
  readonly params: readonly string[];
  /** What the file leaves out or fixes, in words. */
  readonly reported: readonly string[];
}

const known: readonly (keyof DumpOptions)[] = [
  ...["format", "argNames", "outputNames", "keepVarName", "keepOprName", "keepParamName"] as const,
  ...["keepOprPriority", "optimizeForInference", "userInfo", "enableMetadata", "gzip"] as const,
  ...["optLevel"] as const,
  ...["onProgress", "inputData", "repeat", "silent", "noAssert", "maxerr", "seed"] as const,
  ...["inputTransform", "resizeInput", "rgb", "log", "flexible"] as const,
  ...inferenceNames,
];

/** Refuses options that nothing here knows, and values that they cannot have. */
export function checkDumpOptions(options: object, more: readonly string[] = []): void {
  const all: readonly string[] = [...known, ...more];
  const unknown = Object.keys(options).filter((key) => !all.includes(key));
  if (unknown.length) {
    throw new OptionError(
      `Cannot dump with unknown options: ${unknown.join(", ")}\n  known are ${all.join(", ")}`,
    );
  }
  const { format, keepVarName, repeat, maxerr, inputTransform } = options as DumpOptions;
  if (format !== undefined && format !== "FBS" && format !== "FBS_V2") {
    throw new OptionError(
      `Cannot dump in format ${JSON.stringify(format)}: it must be FBS or FBS_V2`,
    );
  }
  const { optLevel } = options as DumpOptions;
  if (optLevel !== undefined && ![0, 1, 2, 3].includes(optLevel)) {
    throw new OptionError(`Cannot dump with optLevel: ${optLevel}: it must be 0, 1, 2 or 3`);
  }
  if (keepVarName !== undefined && ![0, 1, 2].includes(keepVarName)) {
    throw new OptionError(`Cannot dump with keepVarName: ${keepVarName}: it must be 0, 1 or 2`);
  }
  if (repeat !== undefined && !(Number.isInteger(repeat) && repeat > 0)) {
    throw new OptionError(`Cannot dump with repeat: ${repeat}: it must be an integer from 1`);
  }
  if (inputTransform !== undefined && typeof inputTransform !== "function") {
    throw new OptionError("Cannot dump with inputTransform: it must be a function of a host array");
  }
  if (maxerr !== undefined && !(maxerr >= 0)) {
    throw new OptionError(`Cannot dump with maxerr: ${maxerr}: it must not be negative`);
  }
  checkFlags(options as Record<string, unknown>);
  checkInference(options as DumpOptions);
}
