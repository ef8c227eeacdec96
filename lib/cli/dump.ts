/**
 * `dump`: stages a model and writes it as a model file.
 * @module
 */
import { dumpTo } from "../trace/dump_to.ts";
import { command } from "./command.ts";
import { dumpLines } from "./dump_lines.ts";
import { dumpFlags, dumpOptions } from "./dump_options.ts";
import { modelNotes } from "./model_argument.ts";
import { argumentOf, openArgument } from "./opened.ts";
import { usageError } from "./parse.ts";
import type { Progress } from "./progress.ts";
import { valueNotes } from "./value_flags.ts";
import { stagedTypes } from "./stated_types.ts";
import { subject } from "./subject.ts";

/** The command. */
export const dump: ReturnType<typeof command> = command({
  name: "dump",
  summary: "stage a model and write it as a MegEngine model file",
  usage: "MODEL -o FILE [flags]",
  arity: [1, 1],
  example: [
    "model.ts -o model.mge",
    "model.ts#encoder -o encoder.mge --format FBS --input-data '#rand(0,255)'",
    "old.mge -o new.mge --format FBS_V2",
    "model.ts -o model.mge --input-data cat.jpg --resize-input",
  ],
  json: true,
  permissions: "--allow-read and --allow-write for the folder of FILE (it is written beside and " +
    "renamed) and that of --strip-info-file; --allow-read=MODEL (for a module also what it " +
    "imports) and the files that --input-data names",
  notes: [
    ...modelNotes,
    "A SPEC is #rand(min,max), in the input's shape or with one as in #rand(min,max,1,3,224,224) " +
    "or #rand(min,max,1,...), or a file of values; NAME:SPEC;NAME:SPEC where there are several " +
    "inputs, which one #rand also serves; @list.txt holds a SPEC a line, with paths as for the " +
    "command.",
    ...valueNotes,
    "With -o - the bytes go to standard output and the information to standard error. A dump that " +
    "fails or is interrupted leaves an old FILE as it was.",
  ],
  flags: {
    output: { kind: "string", short: "o", placeholder: "FILE", doc: "where the model is written" },
    types: {
      kind: "list",
      placeholder: "NAME=TYPE",
      doc: "stage for this type of an input, as in image=f32[1,3,224,224]",
    },
    ...dumpFlags,
  },
  async run(context) {
    const { args: [text], flags, print, document, log, signal, colors } = context;
    const { output } = flags;
    if (output === undefined) throw usageError("Cannot dump without a place: give -o FILE");
    const note = (line: string) => void log(`${colors.yellow("note:")} ${line}`);
    const options = dumpOptions(flags, note);
    const toStdout = output === "-";
    if (toStdout && options.append) {
      throw usageError("Cannot append to standard output: give -o a path");
    }
    const sink = toStdout ? context.stdout : output;
    const opened = await openArgument(await argumentOf(text), context);
    using bars = new DisposableStack();
    let bar: Progress | undefined;
    const { f, ...kept } = subject(opened);
    const info = await dumpTo(f, sink, {
      ...kept,
      ...options,
      types: stagedTypes(opened, flags.types, "types"),
      signal,
      log: (line) => void log(line),
      // The total is known when the first bytes are.
      onProgress(done, total) {
        bar ??= bars.use(context.progress("writing", { total }));
        bar.at(done);
      },
    });
    bars.dispose();
    for (const line of info.reported) await log(`${colors.yellow("note:")} ${line}`);
    await document({ ...info, file: output });
    const tell = toStdout ? log : print;
    for (const line of dumpLines(output, options, info)) await tell(line);
    return 0;
  },
});
