/**
 * What a traced function is.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import type { Target } from "../io/sink.ts";
import type { DumpInfo } from "../mge/dump_options.ts";
import type { DumpToOptions } from "./dump.ts";
import type { TracedMemory } from "./memory.ts";
import type { TraceOptions } from "./options.ts";
import type { Profile, ProfileOptions } from "./profile.ts";

/** What the latest call was. */
export interface Recorded {
  /** The arguments with types in the place of tensors. */
  readonly types: readonly unknown[];
  /** The program of the call. */
  readonly graph: Graph;
}

/** A traced function. */
export interface Traced<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** The graph of the latest call. */
  graph(): Graph;
  /** The latest call, if there was one. */
  readonly recorded: Recorded | undefined;
  /** The function that was traced. */
  readonly source: (...args: A) => unknown;
  /** The options it was traced with. */
  readonly options: TraceOptions;
  /** What memory the plans of the latest call need, and what the options make of it. */
  memory(): TracedMemory;
  /** How many plans it keeps: one for each structure, types and host values of its arguments. */
  readonly plans: number;
  /** What each kernel of each call did and took; needs the option `profiling`. */
  profile(options?: ProfileOptions): Promise<Profile>;
  /** Writes it as a model file; a path is replaced only when the new file is whole. */
  dump(sink: Target, options?: DumpToOptions): Promise<DumpInfo>;
  /** Releases the plans. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
