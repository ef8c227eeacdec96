/**
 * Loading model files as functions. What reads them is loaded with the first of them.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Graph } from "../core/graph.ts";
import type { Machine } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Type } from "../core/type.ts";
import type { BytesLike } from "../io/bytes.ts";
import type { Described, Parameter } from "../mge/describe.ts";
import type { Listing } from "../mge/listing.ts";
import type { Metadata } from "../mge/metadata.ts";
import type { FileFormat } from "../mge/model.ts";
import type { Level } from "../stage/level.ts";
import type { Profile, ProfileOptions } from "./profile.ts";
import type { TestCase } from "./testcase.ts";

/** How a model is loaded. */
export interface LoadOptions {
  /** Where it runs; by default where its arguments live, else the best CPU target. */
  readonly on?: Machine;
  /** Stops the loading. */
  readonly signal?: AbortSignal;
  /** The file's name in messages; by default its path or URL. */
  readonly name?: string;
  /** Times every kernel of every call, for `profile()`; calls are slower then. */
  readonly profiling?: boolean;
  /** 0: what the file says … 3: measured kernels; 2 by default. */
  readonly optLevel?: Level;
}

const loadOptions: readonly (keyof LoadOptions)[] = [
  ...["on", "signal", "name", "profiling", "optLevel"] as const,
];

/** A loaded model: call it with a record of tensors by name, or with tensors in order. */
export interface Model<Out = Record<string, Tensor>> {
  (named: Readonly<Record<string, Tensor>>): Promise<Out>;
  (...inputs: Tensor[]): Promise<Out>;
  /** Container layout. */
  readonly format: FileFormat;
  /** Bytes of the file, unpacked. */
  readonly bytes: number;
  /** Inputs in the file's order. */
  readonly inputs: readonly (Described & { readonly shape: readonly number[] })[];
  /** Outputs in order; the result's keys are their names. */
  readonly outputs: readonly Described[];
  /** Tensors that the file holds. */
  readonly params: readonly Parameter[];
  /** How often the file holds each operator. */
  readonly operators: Readonly<Record<string, number>>;
  /** What the file says of itself. */
  readonly metadata: Metadata;
  /** The file's operators as they stand there, whether or not they have a meaning here. */
  listing(): Listing;
  /** Embedded test cases. */
  readonly testcases: readonly TestCase[];
  /** Why it cannot run; calling it throws this. Absent if it can. */
  readonly refusal?: Error;
  /** The function itself: stage it, differentiate it, call it inside other models. */
  readonly source: (...inputs: Tensor[]) => Out;
  /** The graph for the file's own types, or for others of the same dtypes. */
  graph(types?: readonly Type[]): Graph;
  /** The same with every variable of the file as a result, by its name in the file. */
  variables(types?: readonly Type[]): Graph;
  /** What each kernel of each call did and took; needs the option `profiling`. */
  profile(options?: ProfileOptions): Promise<Profile>;
  /** Releases the plans. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Loads a model file (V0, V1, V2, bare or with test cases; gzip or not). Large weights stay in the
 * file until a run needs them. Throws FormatError for files of another kind or damaged ones; a
 * file with operators that have no meaning here loads, says what it holds, and refuses to run.
 */
export async function load(source: BytesLike, options: LoadOptions = {}): Promise<Model> {
  for (const key of Object.keys(options)) {
    if (!loadOptions.includes(key as keyof LoadOptions)) {
      throw new OptionError(
        `Cannot load with option ${key}: known are ${loadOptions.join(", ")}`,
      );
    }
  }
  const { loadModel } = await import("./load_model.ts");
  return await loadModel(source, options);
}
