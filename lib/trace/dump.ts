/**
 * Functions as the bytes of model files. What plans and writes them is loaded by the first dump.
 * @module
 */
import { streamOf } from "../io/stream.ts";
import { checkDumpOptions, type DumpInfo, type DumpOptions } from "../mge/dump_options.ts";

/** Options of a dump into a sink. */
export interface DumpToOptions extends DumpOptions {
  /** Types of the arguments, by default those of the latest call. */
  readonly types?: readonly unknown[];
  /** Keeps a path's old bytes in front; false by default. */
  readonly append?: boolean;
  /** A path for the JSON of operators and element types in use. */
  readonly stripInfoFile?: string;
  /** Merges that JSON into what the path holds; false by default. */
  readonly appendJson?: boolean;
  /** Stops the dump; the old file stays. */
  readonly signal?: AbortSignal;
}

/** A dump as bytes; `info` is known before the first of them. */
export type DumpStream = ReadableStream<Uint8Array<ArrayBuffer>> & {
  readonly info: Promise<DumpInfo>;
};

/** Any synchronous model function, plain or traced. */
export type AnyFunction = (...args: never[]) => unknown;

/**
 * A function as the bytes of a model file, for arguments of these types; each may be a type, or an
 * array or record of types. The stream asks the sources of weights only for what is read of it.
 * Throws OptionError for unknown options; what is wrong with the model fails stream and `info`.
 */
export function dump(
  f: AnyFunction,
  types?: readonly unknown[],
  options: DumpOptions = {},
): DumpStream {
  checkDumpOptions(options);
  const plan = import("./dump_to.ts").then(({ planned }) => planned(f, types, options));
  const info = plan.then((made) => made.info);
  info.catch(() => {}); // the stream says it too
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield* (await plan).emit();
  }
  return Object.assign(streamOf(bytes()), { info });
}
