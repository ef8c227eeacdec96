/**
 * `run`: loads a model and runs it, on its embedded cases or on given values.
 * @module
 */
import { command } from "./command.ts";
import { countOf } from "./count_flag.ts";
import { deviceFlag, openDeviceFlag } from "./device.ts";
import { status } from "./fault.ts";
import { writeRuns } from "./io_dump.ts";
import { modelNotes } from "./model_argument.ts";
import { argumentOf, openArgument } from "./opened.ts";
import { writeJson, writeOutputs } from "./output_files.ts";
import { usageError } from "./parse.ts";
import { isRight, runDocument, runLines } from "./run_report.ts";
import { runCases } from "./run_cases.ts";
import { runnable, type RunOptions } from "./runnable.ts";
import { checkOutputs, runValues } from "./run_values.ts";
import { toleranceFlags, toleranceOf } from "./tolerance.ts";
import { noteChoices, readTuning, writeTuning } from "./tune_cache.ts";
import { valueFlags, valueNotes, valueOptions } from "./value_flags.ts";

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
    device: deviceFlag,
    input: { kind: "list", placeholder: "NAME=SPEC", doc: "the value of an input" },
    ...valueFlags,
    iter: { kind: "number", default: 1, doc: "timed runs" },
    warmup: { kind: "number", default: 0, doc: "runs before them" },
    batch: { kind: "number", doc: "make axis 0 of every input N, repeating its values" },
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
    "fast-run": { kind: "boolean", doc: "measure kernel variants first and take the fastest" },
    "tune-cache": {
      kind: "string",
      placeholder: "FILE",
      doc: "use the choices that this file holds, and keep those of --fast-run there",
    },
    seed: { kind: "number", default: 0, doc: "of #rand: NumPy's RandomState(seed).uniform" },
  },
  async run(context) {
    const { args: [text], flags, print, document, log, progress, colors, signal } = context;
    const counts = {
      iter: countOf("iter", flags.iter, 1),
      warmup: countOf("warmup", flags.warmup, 0),
      seed: countOf("seed", flags.seed, 0),
      batch: flags.batch === undefined ? undefined : countOf("batch", flags.batch, 1),
    };
    const tolerance = toleranceOf(flags);
    const cache = flags["tune-cache"];
    const tuning = cache === undefined ? undefined : await readTuning(cache);
    const note = (line: string) => void log(`${colors.yellow("note:")} ${line}`);
    const values = valueOptions(flags, note);
    const argument = await argumentOf(text);
    await using machine = await openDeviceFlag(flags.device, log, { tuning });
    if (flags["fast-run"]) await noteChoices(machine, log);
    const how: RunOptions = {
      ...(flags.profile === undefined ? {} : { profiling: true }),
      ...(flags["fast-run"] ? { optLevel: 3 } : {}),
    };
    const opened = await openArgument(argument, context, machine, how);
    const cases = opened.kind === "file" ? opened.model.testcases : [];
    const embedded = cases.length > 0 && flags.input.length === 0;
    const needless = embedded && forInputs.find((name) => isGiven(flags[name]));
    if (needless) {
      throw usageError(`Cannot take --${needless} with embedded cases: give --input as well`);
    }
    const model = runnable(opened, machine, how);
    using _model = { [Symbol.dispose]: () => model.dispose() };
    using bar = progress("running", {
      total: (counts.iter + counts.warmup) * (embedded ? cases.length : 1),
      unit: "runs",
    });
    const timing = { ...counts, signal, at: (done: number) => bar.at(done) };
    const ran = embedded && opened.kind === "file"
      ? await runCases(opened.model, timing, tolerance)
      : await runValues(model, flags.input, { ...timing, ...values, log: note });
    const written: Record<string, string> = {};
    if (flags.profile !== undefined) {
      await writeJson(flags.profile, await model.profile(), signal);
      written.profile = flags.profile;
    }
    if (flags["io-dump"] !== undefined) {
      await writeRuns(flags["io-dump"], opened, ran.inputs, machine, signal);
      written.ioDump = flags["io-dump"];
    }
    if (cache !== undefined && machine.tuning) await writeTuning(cache, machine.tuning(), signal);
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

/** Flags that say nothing of embedded cases. */
const forInputs = ["check", "batch", "resize-input", "rgb", "input-transform"] as const;

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
