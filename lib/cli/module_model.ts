/**
 * A module that states a model: it is imported, which executes it, and gives the function and the
 * types of its arguments.
 * @module
 */
import { FormatError, OptionError } from "../core/fault.ts";
import { isTensor } from "../core/tensor.ts";
import { leavesOf, mapTree, type Path, pathText } from "../core/tree.ts";
import type { Named, Type } from "../core/type.ts";
import { isType } from "../stage/stage.ts";
import type { Traced, TraceOptions } from "../trace/trace.ts";
import type { ModelArgument } from "./model_argument.ts";
import { suggestion } from "./parse.ts";

/** A function of tensors, or of trees of them. */
export type ModelFunction = (...args: never[]) => unknown;

/** What a module says. */
export interface ModuleModel {
  /** The model, not traced. */
  readonly source: ModelFunction;
  /** The options that it was traced with. */
  readonly options: TraceOptions;
  /** The argument types as the module has them: types, or trees of types. */
  readonly types: readonly unknown[];
  /** The types at the leaves, in order, each with the name it has in files. */
  readonly inputs: readonly Named[];
}

/** Imports a module and finds the model in it. What is wrong with it is a FormatError. */
export async function loadModule(
  argument: ModelArgument & { readonly kind: "module" },
): Promise<ModuleModel> {
  const { title, path, name } = argument;
  const found = await imported(title, path);
  const model = found[name];
  if (typeof model !== "function") {
    throw new FormatError(
      `Cannot use ${title}: its export "${name}" is ${
        model === undefined ? "not there" : `a ${typeof model}, no function`
      }\n  ${wayForward(found, path, name)}`,
    );
  }
  const types = typesOf(found.inputs, title);
  const traced = "source" in model ? model as unknown as Traced<never[], unknown> : undefined;
  return {
    source: (traced?.source ?? model) as ModelFunction,
    options: traced?.options ?? {},
    types,
    inputs: leavesOf(types, isType).map(({ leaf, path }) => namedInput(leaf, path)),
  };
}

/** The argument types with another list of leaves, in the same order. */
export function withLeaves(types: readonly unknown[], leaves: readonly unknown[]): unknown[] {
  let at = 0;
  return mapTree(types, isType, () => leaves[at++]) as unknown[];
}

async function imported(title: string, path: string): Promise<Record<string, unknown>> {
  try {
    return await import(urlOf(path).href);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const denied = /Requires (\w+) access to (\S+?),/.exec(text);
    if (denied) {
      throw new OptionError(
        `Cannot load ${title}: it needs ${denied[1]} access to ${denied[2]}\n` +
          `  run with --allow-${denied[1]}`,
        { code: "option.permission" },
      );
    }
    const code = (error as { code?: unknown }).code;
    const kind = error instanceof Error && code !== "ERR_MODULE_NOT_FOUND" ? `${error.name}: ` : "";
    const fault = new FormatError(`Cannot load ${title}: ${kind}${firstLines(text)}`, {
      code: "format.module",
      place: (error as { place?: string }).place,
    });
    fault.cause = error;
    throw fault;
  }
}

function urlOf(path: string): URL {
  const absolute = /^([A-Za-z]:)?[\\/]/.test(path);
  const base = absolute ? "file:///" : `file://${Deno.cwd()}/`;
  return new URL(path.split("/").map(encodeURIComponent).join("/").replaceAll("%3A", ":"), base);
}

/** Deno colours its own messages, whatever the output is. */
function firstLines(text: string): string {
  // deno-lint-ignore no-control-regex -- these are the codes to take off
  const plain = text.replace(/\x1b\[[\d;]*m/g, "").replace(/^\s+at /gm, "  at ");
  return plain.split("\n").slice(0, 5).join("\n");
}

function wayForward(found: Record<string, unknown>, path: string, name: string): string {
  const functions = Object.keys(found).filter((key) => typeof found[key] === "function");
  if (functions.length === 0) return "it exports no function; export the model as default";
  if (name !== "default") return suggestion(name, functions);
  const some = functions.slice(0, 5).map((key) => `${path}#${key}`).join(", ");
  return `export the model as default, or name one: ${some}${functions.length > 5 ? " …" : ""}`;
}

function typesOf(inputs: unknown, title: string): readonly unknown[] {
  const example = 'export const inputs = [named("x", f32([1, 3]))]';
  if (!Array.isArray(inputs)) {
    throw new FormatError(
      `Cannot use ${title}: it exports ${inputs === undefined ? "no" : "no list"} \`inputs\`, ` +
        `the types of the model's arguments\n  try ${example}`,
    );
  }
  for (const [i, entry] of inputs.entries()) {
    if (leavesOf(entry, isType).length === 0 || leavesOf(entry, isTensor).length > 0) {
      throw new FormatError(
        `Cannot use ${title}: inputs[${i}] is no type and no tree of types\n  try ${example}`,
      );
    }
  }
  return inputs;
}

/** The names that dumping gives where the author gives none. */
function namedInput(type: Type | Named, path: Path): Named {
  const name = "name" in type
    ? type.name
    : path.length > 1
    ? pathText(path.slice(1))
    : `arg_${path[0]}`;
  return { name, dtype: type.dtype, shape: type.shape };
}
