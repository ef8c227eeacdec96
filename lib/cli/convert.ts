/**
 * `convert`: one kind of file into another.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Named } from "../core/type.ts";
import { readAll } from "../io/bytes.ts";
import { safetensors } from "../io/safetensors.ts";
import { writeTo } from "../io/sink.ts";
import type { DumpInfo } from "../mge/dump_options.ts";
import type { OnProgress } from "../mge/parts.ts";
import { reformatted } from "../mge/reformat.ts";
import type { DumpToOptions } from "../trace/dump.ts";
import { dumpTo } from "../trace/dump_to.ts";
import { command, type Context, type FlagValues } from "./command.ts";
import { dumpLines } from "./dump_lines.ts";
import { inferenceFlags, inferenceFlagsOf } from "./inference_flags.ts";
import { type ModelArgument, modelNotesOf } from "./model_argument.ts";
import { openModelFile } from "./model_file.ts";
import { argumentOf, openArgument } from "./opened.ts";
import { suggestion, usageError } from "./parse.ts";
import type { Progress } from "./progress.ts";
import { casesKept, namesKept, openAxes } from "./restage.ts";
import { stagedTypes } from "./stated_types.ts";
import { formatBytes } from "./std.ts";
import { subject } from "./subject.ts";
import { type Weights, weightsOfArrays, weightsOfFile, weightsOfModule } from "./weights.ts";

const convertFlags = {
  format: {
    kind: "string",
    choices: ["FBS", "FBS_V2"],
    default: "FBS_V2",
    placeholder: "NAME",
    doc: "the container of a model file: V1 or V2",
  },
  inputs: {
    kind: "list",
    placeholder: "NAME=TYPE",
    doc: "stage for this type of an input, as in image=f32[1,3,224,224]",
  },
  "optimize-for-inference": {
    kind: "boolean",
    doc: "rewrite the operators of a model file; what follows implies it",
  },
  ...inferenceFlags,
} as const;

type Given = Context<typeof convertFlags>;

/** The command. */
export const convert: ReturnType<typeof command> = command({
  name: "convert",
  summary: "one kind of file into another: V1 and V2, optimised, a module as a file, its weights",
  usage: "IN OUT [flags]",
  arity: [2, 2],
  example: [
    "old.mge new.mge --format FBS_V2",
    "digits.mge fast.mge --enable-nchw44 --enable-io16xc32",
    "net.mge large.mge --inputs 'image=f32[1,3,448,448]'",
    "model.ts model.mge",
    "digits.mge weights.safetensors",
  ],
  json: true,
  permissions: "--allow-read=IN (for a module also what it imports); --allow-read and " +
    "--allow-write for the folder of OUT (it is written beside and renamed)",
  notes: [
    ...modelNotesOf("IN"),
    "The ending of OUT says what is made: .mge or .mdl a model file, .safetensors the tensors that " +
    "IN holds, where IN may also be a .npz, .npy, .safetensors or .pb file.",
    "Without --inputs and options of inference a model file keeps its operators as they are, with " +
    "names, metadata and test cases, in the other container. With them it is staged again: test " +
    "cases go on with the values that they expect, as does what metadata hold of the user's; axes " +
    "that could change still can where the operators allow it. A module is dumped with the " +
    "defaults of dump.",
    "A conversion that fails or is interrupted leaves an old OUT as it was.",
  ],
  flags: convertFlags,
  async run(context) {
    const { args: [from, to] } = context;
    const kind = kindOf(to);
    if (kind === "weights") return await weights(from, to, context);
    if (isArrays.test(from)) {
      throw usageError(
        `Cannot convert ${from} to ${to}: it holds arrays and no graph; name a .safetensors file`,
      );
    }
    const argument = await argumentOf(from);
    const info = argument.kind === "module" || isRewriting(context.flags)
      ? await restaged(argument, to, context)
      : await recontained(argument, to, context);
    const { log, print, document, colors, flags } = context;
    for (const line of info.reported) await log(`${colors.yellow("note:")} ${line}`);
    await document({ ...info, file: to });
    for (const line of dumpLines(to, { format: flags.format as "FBS" }, info)) await print(line);
    return 0;
  },
});

const isArrays = /\.(npz|npy|safetensors|pb)$/i;

function kindOf(path: string): "model" | "weights" {
  if (/\.(mge|mdl)$/i.test(path)) return "model";
  if (/\.safetensors$/i.test(path)) return "weights";
  const ending = /\.[^./]*$/.exec(path)?.[0] ?? "";
  const known = [".mge", ".mdl", ".safetensors"];
  throw usageError(
    `Cannot convert to ${path}: its ending says what is made, one of ${known.join(", ")}` +
      (ending ? `; ${suggestion(ending, known)}` : ""),
  );
}

function isRewriting(flags: FlagValues<typeof convertFlags>): boolean {
  const asked = Object.entries(inferenceFlags).some(([name, flag]) =>
    flags[name as keyof typeof inferenceFlags] !== ("default" in flag && flag.default)
  );
  return flags.inputs.length > 0 || flags["optimize-for-inference"] || asked;
}

/** The same operators in a container. */
async function recontained(
  argument: Exclude<ModelArgument, { kind: "module" }>,
  to: string,
  context: Given,
): Promise<DumpInfo> {
  const file = await openModelFile(argument, context);
  const { layout, info } = reformatted(file, context.flags.format === "FBS" ? "V1" : "V2");
  using bar = progressOf(context);
  await writeTo(to, layout.emit(bar.onProgress), { signal: context.signal });
  return info;
}

/** The function dumped anew. */
async function restaged(argument: ModelArgument, to: string, context: Given): Promise<DumpInfo> {
  const { flags, signal } = context;
  // Standard input is read once, a file's values when their turn comes.
  const whole = argument.kind === "stdin" ? await readAll(context.stdin) : undefined;
  const opening = { signal, stdin: whole ? new Blob([whole as BlobPart]).stream() : context.stdin };
  const opened = await openArgument(argument, opening);
  const { f, ...kept } = subject(opened);
  const types = stagedTypes(opened, flags.inputs, "inputs");
  using bar = progressOf(context);
  const options: DumpToOptions = {
    ...kept,
    ...{ types, signal, onProgress: bar.onProgress, format: flags.format as "FBS" },
    ...inferenceFlagsOf(flags),
  };
  if (opened.kind === "module" || argument.kind === "module") return await dumpTo(f, to, options);
  const again = whole ? new Blob([whole as BlobPart]).stream() : context.stdin;
  const { models: [file] } = await openModelFile(argument, { signal, stdin: again });
  const named = types as readonly Named[];
  const { notes, ...cases } = await casesKept(opened.model, file, named);
  const all = { ...options, ...namesKept(file), ...cases };
  const info = await flexibly(f, to, all, openAxes(opened.model, named));
  return { ...info, reported: [...notes, ...info.reported] };
}

/** With every axis open that can be, or else with dump's own choice. */
async function flexibly(
  f: (...args: never[]) => unknown,
  to: string,
  options: DumpToOptions,
  flexible: Readonly<Record<string, readonly number[]>>,
): Promise<DumpInfo> {
  try {
    return await dumpTo(f, to, { ...options, flexible });
  } catch (error) {
    if (!(error instanceof OptionError && /^Cannot dump with axis/.test(error.message))) {
      throw error;
    }
    return await dumpTo(f, to, options);
  }
}

async function weights(from: string, to: string, context: Given): Promise<number> {
  const { flags, signal, print, document } = context;
  if (isRewriting(flags)) {
    throw usageError(`Cannot rewrite weights: ${to} holds tensors and no operators`);
  }
  const found = await weightsOf(from, context);
  if (found.tensors.length === 0) {
    throw usageError(`Cannot convert ${from} to ${to}: it holds no tensors`);
  }
  const file = safetensors(found.tensors, found.metadata);
  using bar = progressOf(context);
  let done = 0;
  const counted = async function* () {
    for await (const chunk of file.open()) {
      yield chunk;
      bar.onProgress(done += chunk.length, file.size);
    }
  };
  await writeTo(to, counted(), { signal });
  const tensors = found.tensors.map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await document({ file: to, bytes: file.size, tensors });
  await print(`${to}: ${tensors.length} tensors, ${formatBytes(file.size)}`);
  return 0;
}

async function weightsOf(from: string, context: Given): Promise<Weights> {
  if (isArrays.test(from)) return await weightsOfArrays(from);
  const argument = await argumentOf(from);
  if (argument.kind !== "module") {
    return await weightsOfFile((await openModelFile(argument, context)).models[0]);
  }
  const opened = await openArgument(argument, context);
  if (opened.kind === "file") throw new TypeError("internal: a module opened as a file");
  return weightsOfModule(opened.module);
}

/** A bar that appears with the first bytes, when the total is known. */
function progressOf(context: Given): Disposable & { readonly onProgress: OnProgress } {
  let bar: Progress | undefined;
  return {
    onProgress(done, total) {
      bar ??= context.progress("writing", { total });
      bar.at(done);
    },
    [Symbol.dispose]: () => bar?.[Symbol.dispose](),
  };
}
