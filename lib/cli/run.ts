/**
 * `run`: loads a model and runs it, on its embedded cases or on given values.
 * @module
 */
import { command } from "./command.ts";
import { status } from "./fault.ts";
import { writeRuns } from "./io_dump.ts";
import { modelNotes } from "./model_argument.ts";
import { batchFlag, givenFlags, kernelFlags, openRun } from "./model_run.ts";
import { writeJson, writeOutputs } from "./output_files.ts";
import { isRight, runDocument, runLines } from "./run_report.ts";
import { runCases } from "./run_cases.ts";
import { checkOutputs, runValues } from "./run_values.ts";
import { toleranceFlags, toleranceOf } from "./tolerance.ts";
import { valueNotes } from "./value_flags.ts";

/** The command. */
export const run: ReturnType<typeof command> = command({
  name: "run",
  summary: "run a model on its embedded cases, or on given values",
  usage: "MODEL [--input NAME=SPEC…] [flags]",
  arity: [1, 1],
  example: [
    "digits.mge",
    "digits.mge --input 'image=#rand(0,1)' --iter 20 --warmup 3",
    "model.ts --input x=x.npy --check y=y.npy --output results",
    "digits.mge --iter 20 --profile profile.json --io-dump values.txt",
    "digits.mge --device webgpu --fast-run --tune-cache kernels.json",
    "resnet.mge --input photo.jpg --resize-input --input-transform '(data-[104,117,124])/58'",
  ],
  json: true,
  permissions: "--allow-read=MODEL,INPUTS; with --output DIR also --allow-read=DIR and " +
    "--allow-write=DIR (for a file its folder, since it is written beside and renamed); the same " +
    "for --io-dump, --profile and --tune-cache",
  notes: [
    ...modelNotes,
    "SPEC is #rand(min,max), #rand(min,max,1,3,224,224) or #rand(min,max,1,...), or a file of " +
    "values. NAME= may be left out where there is one input, for one #rand that serves every " +
    "input, and for a file that holds arrays by the inputs' names. NAME:SPEC;NAME:SPEC, as in " +
    "test cases, and @list.txt with an --input a line are taken too.",
    ...valueNotes,
    "--io-dump computes every value once more by itself, as it is written: nothing is simplified " +
    "or fused away. Its lines hold number, name, operation, a hash of the bytes, type and elements.",
    "A time is that from the call until the outputs are read; `first` includes compiling.",
  ],
  flags: {
    ...givenFlags,
    iter: { kind: "number", default: 1, doc: "timed runs" },
    warmup: { kind: "number", default: 0, doc: "runs before them" },
    batch: batchFlag,
    output: {
      kind: "string",
      short: "o",
      placeholder: "DIR",
      doc: "write a .npy for each output there; FILE.safetensors takes all in one",
    },
    check: {
      kind: "list",
      placeholder: "NAME=FILE",
      doc: "compare an output with an array in a file; exit 1 where it differs",
    },
    ...toleranceFlags,
    "io-dump": {
      kind: "string",
      placeholder: "FILE|DIR",
      doc:
        "write every value: a line each; into a folder, or where the name ends with /, a .npy each",
    },
    profile: {
      kind: "string",
      placeholder: "FILE",
      doc: "time every kernel of every run and write what they did as JSON",
    },
    ...kernelFlags,
  },
  async run(context) {
    const { flags, print, document, progress, colors, signal } = context;
    const tolerance = toleranceOf(flags);
    const profiling = flags.profile !== undefined;
    await using opened = await openRun(context, { profiling, more: ["check"] });
    const { machine, model, embedded, counts, values } = opened;
    using bar = progress("running", {
      total: (counts.iter + counts.warmup) * (embedded ? embedded.testcases.length : 1),
      unit: "runs",
    });
    const timing = { ...counts, signal, at: (done: number) => bar.at(done) };
    const ran = embedded
      ? await runCases(embedded, timing, tolerance)
      : await runValues(model, flags.input, { ...timing, ...values });
    const written: Record<string, string> = {};
    if (flags.profile !== undefined) {
      await writeJson(flags.profile, await model.profile(), signal);
      written.profile = flags.profile;
    }
    if (flags["io-dump"] !== undefined) {
      await writeRuns(flags["io-dump"], opened.opened, ran.inputs, machine, signal);
      written.ioDump = flags["io-dump"];
    }
    await opened.keepChoices(signal);
    const report = {
      device: machine.name,
      ran,
      checks: await checkOutputs(ran.outputs, flags.check, tolerance),
      files: flags.output === undefined
        ? undefined
        : await writeOutputs(flags.output, ran.outputs, signal),
      written,
    };
    await document(runDocument(report));
    for (const line of runLines(report, colors)) await print(line);
    return isRight(report) ? status.done : status.failed;
  },
});
