/**
 * An opened model argument: a model file as a function, or a module's function.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import type { Machine } from "../core/target.ts";
import { load, type Model } from "../trace/load.ts";
import type { ModelArgument } from "./model_argument.ts";
import { checkArgument, modelArgument } from "./model_argument.ts";
import type { RunOptions } from "./runnable.ts";
import { loadModule, type ModuleModel } from "./module_model.ts";

/** What a model argument turned out to be. */
export type Opened =
  | { readonly kind: "file"; readonly title: string; readonly model: Model }
  | { readonly kind: "module"; readonly title: string; readonly module: ModuleModel };

/** What opening needs of the command's context. */
export interface Opening {
  readonly stdin: ReadableStream<Uint8Array>;
  readonly signal: AbortSignal;
}

/** Looks whether a model argument can be one, before a device is opened for it. */
export async function argumentOf(text: string): Promise<ModelArgument> {
  const argument = modelArgument(text);
  await checkArgument(argument);
  return argument;
}

/** Opens a model argument; a file runs on `on`. */
export async function openArgument(
  argument: ModelArgument,
  context: Opening,
  on?: Machine,
  how: RunOptions = {},
): Promise<Opened> {
  const { title } = argument;
  const options = { signal: context.signal, name: title, ...(on ? { on } : {}), ...how };
  switch (argument.kind) {
    case "file":
      return await loaded(title, load(argument.path, options));
    case "stdin":
      return await loaded(title, load(context.stdin, options));
    case "module":
      return { kind: "module", title, module: await loadModule(argument) };
    default:
      return argument satisfies never;
  }
}

/** Errors about bytes say of which file they are. */
async function loaded(title: string, loading: Promise<Model>): Promise<Opened> {
  try {
    return { kind: "file", title, model: await loading };
  } catch (error) {
    if (error instanceof FormatError && !error.message.includes(title)) {
      error.message += `\n  in ${title}`;
    }
    throw error;
  }
}
