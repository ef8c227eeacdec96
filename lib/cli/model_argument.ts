/**
 * The model argument of a command: a file, a module, or standard input. What can never be a model
 * is refused by its name, before a byte of it is read.
 * @module
 */
import { FormatError } from "../core/fault.ts";
import { fileCheck } from "./path.ts";

/** What a model argument names. */
export type ModelArgument =
  | { readonly kind: "file"; readonly title: string; readonly path: string }
  | { readonly kind: "stdin"; readonly title: string }
  | {
    readonly kind: "module";
    readonly title: string;
    readonly path: string;
    /** The export that is the model. */
    readonly name: string;
  };

/** What the help of every command that takes a model says about it. */
export const modelNotes: readonly string[] = modelNotesOf("MODEL");

/** The same where the usage calls the model by another name. */
export function modelNotesOf(name: string): readonly string[] {
  return [
    `${name} is a .mge or .mdl file, a .ts or .js module, or - for standard input. A module is ` +
    "executed, with the permissions of this command: run only what you trust. It exports the " +
    "model, a traced or a plain function, as default (or under the name after #, as in " +
    "model.ts#encoder), and `inputs`, the list of its arguments' types. Its imports, " +
    "this library among them, need --allow-read as well.",
  ];
}

const modules = /^(.*\.(?:ts|mts|js|mjs))(?:#(.*))?$/s;

const pickles = /\.(tm|pkl|pickle|pth|pt|ckpt)$/i;

/** Takes a model argument apart; pickles and ONNX files are a FormatError that says what to do. */
export function modelArgument(text: string): ModelArgument {
  if (text === "-") return { kind: "stdin", title: "standard input" };
  const module = modules.exec(text);
  if (module) {
    return { kind: "module", title: text, path: module[1], name: module[2] || "default" };
  }
  if (pickles.test(text)) {
    throw new FormatError(
      `Cannot read ${text}: by its name it is a Python pickle, which can run any code and is ` +
        "never opened\n  try dumping the traced function to a .mge file",
      { code: "format.kind" },
    );
  }
  if (/\.onnx$/i.test(text)) throw onnxRefusal(text);
  return { kind: "file", title: text, path: text };
}

/** The error for ONNX files and for tests in ONNX's layout. */
export function onnxRefusal(path: string): FormatError {
  return new FormatError(
    `Cannot read ${path}: it is an ONNX model, and this version reads MegEngine's files only\n` +
      "  try a .mge file, or a module that states the model",
    { code: "format.kind" },
  );
}

/** Looks whether the file or module is there, so that the message is about the path. */
export async function checkArgument(argument: ModelArgument): Promise<void> {
  if (argument.kind !== "stdin") await fileCheck(argument.path);
}
