/**
 * A model file as it stands: every graph in it with its operators, whether or not they have a
 * meaning here.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { openBytes } from "../io/bytes.ts";
import { unpacked } from "../io/unpack.ts";
import { type ReadFile, readModel } from "../mge/open_file.ts";
import type { ModelArgument } from "./model_argument.ts";
import type { Opening } from "./opened.ts";

/** Reads the graphs of a file or of standard input; values stay there until they are asked for. */
export async function openModelFile(
  argument: Exclude<ModelArgument, { readonly kind: "module" }>,
  { stdin, signal }: Opening,
): Promise<ReadFile> {
  const source = await openBytes(argument.kind === "file" ? argument.path : stdin);
  try {
    return await readModel(await unpacked(source, signal));
  } catch (error) {
    if (error instanceof FormatError && !error.message.includes(argument.title)) {
      error.message += `\n  in ${argument.title}`;
    }
    throw error;
  }
}
