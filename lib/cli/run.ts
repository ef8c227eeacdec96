/**
 * `run`: loads a model and runs it, on its embedded cases or on given values.
 * @module
 */
import { command } from "./command.ts";
import { comparisonText } from "./compare_values.ts";
import { countOf } from "./count_flag.ts";
import { deviceFlag, openDeviceFlag } from "./device.ts";
import { status } from "./fault.ts";
import { modelNotes } from "./model_argument.ts";
import { argumentOf, openArgument } from "./opened.ts";
import { writeOutputs } from "./output_files.ts";
import { usageError } from "./parse.ts";
import { runCases } from "./run_cases.ts";
import { checkOutputs, runValues } from "./run_values.ts";
import { timesOf } from "./run_times.ts";
import { jsonGap, jsonNumbers, valueText } from "./value_text.ts";
import { toleranceFlags, toleranceOf } from "./tolerance.ts";
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
    "resnet.mge --input photo.jpg --resize-input --input-transform '(data-[104,117,124])/58'",
  ],
  json: true,
  permissions: "--allow-read=MODEL,INPUTS; with --output DIR also --allow-read=DIR and " +
    "--allow-write=DIR (for a file its folder, since it is written beside and renamed)",
  notes: [
    ...modelNotes,
    "SPEC is #rand(min,max), #rand(min,max,1,3,224,224) or #rand(min,max,1,...), or a file of " +
    "values. NAME= may be left out where there is one input, for one #rand that serves every " +
    "input, and for a file that holds arrays by the inputs' names. NAME:SPEC;NAME:SPEC, as in " +
    "test cases, and @list.txt with an --input a line are taken too.",
    ...valueNotes,
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
    const note = (line: string) => void log(`${colors.yellow("note:")} ${line}`);
    const how = valueOptions(flags, note);
    const argument = await argumentOf(text);
    await using machine = await openDeviceFlag(flags.device, log);
    const opened = await openArgument(argument, context, machine);
    const cases = opened.kind === "file" ? opened.model.testcases : [];
    const embedded = cases.length > 0 && flags.input.length === 0;
    const needless = embedded && forInputs.find((name) => isGiven(flags[name]));
    if (needless) {
      throw usageError(`Cannot take --${needless} with embedded cases: give --input as well`);
    }
    using bar = progress("running", {
      total: (counts.iter + counts.warmup) * (embedded ? cases.length : 1),
      unit: "runs",
    });
    const timing = { ...counts, signal, at: (done: number) => bar.at(done) };
    const ran = embedded
      ? await runCases(cases, timing, tolerance)
      : await runValues(opened, machine, flags.input, { ...timing, ...how, log: note });
    if (opened.kind === "file") opened.model.dispose();
    const checks = await checkOutputs(ran.outputs, flags.check, tolerance);
    const files = flags.output === undefined
      ? undefined
      : await writeOutputs(flags.output, ran.outputs, signal);
    const ms = timesOf(ran.times);
    await document({
      device: machine.name,
      outputs: ran.outputs.map(({ name, value: { dtype, shape } }, i) => ({
        name,
        dtype,
        shape,
        file: files?.[i] ?? null,
      })),
      cases: ran.cases.map(({ name, passed, reason, worst }) => ({
        name,
        passed,
        reason,
        worst: jsonGap(worst),
      })),
      checks: checks.map(({ name, found }) => ({
        name,
        passed: found.passed,
        worst: jsonGap(found.worst),
      })),
      ms: jsonNumbers(ms),
    });
    for (const { name, value } of ran.outputs) {
      await print(`${colors.bold(name)} ${valueText(value)}`);
    }
    for (const { name, passed, reason } of ran.cases) {
      await print(
        `case ${name}: ${passed ? colors.green("passed") : colors.red("FAILED")}${
          reason === null ? "" : `, ${reason}`
        }`,
      );
    }
    for (const { name, found } of checks) {
      await print(
        found.passed
          ? `check ${name}: ${colors.green("passed")}`
          : `check ${name}: ${colors.red("FAILED")}, output ${name}: ${comparisonText(found)}`,
      );
    }
    const spent = Object.entries(ms).map(([name, x]) => `${name} ${x.toFixed(3)} ms`);
    await print(spent.join(", "));
    const right = ran.cases.every(({ passed }) => passed) && checks.every((c) => c.found.passed);
    return right ? status.done : status.failed;
  },
});

/** Flags that say nothing of embedded cases. */
const forInputs = ["check", "batch", "resize-input", "rgb", "input-transform"] as const;

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
