/**
 * `profile`: runs a model with every kernel timed, and says where the time and the memory go.
 * @module
 */
import { writeTo } from "../io/sink.ts";
import { chromeTrace, profileHtml } from "../report/mod.ts";
import type { Profile } from "../trace/profile.ts";
import { command } from "./command.ts";
import { status } from "./fault.ts";
import { inputValues } from "./input_spec.ts";
import { modelNotes } from "./model_argument.ts";
import { batchFlag, givenFlags, kernelFlags, openRun } from "./model_run.ts";
import { writeJson } from "./output_files.ts";
import { usageError } from "./parse.ts";
import { profileLines } from "./profile_report.ts";
import { type CaseRun, runCases } from "./run_cases.ts";
import { timed, type Timing } from "./run_times.ts";
import { valueNotes } from "./value_flags.ts";

/** The command. */
export const profile: ReturnType<typeof command> = command({
  name: "profile",
  summary: "run a model and report where the time and the memory go",
  usage: "MODEL [--input NAME=SPEC…] [flags]",
  arity: [1, 1],
  example: [
    "digits.mge --input 'image=#rand(0,1)'",
    "digits.mge --input 'image=#rand(0,1)' --batch 32 --html profile.html",
    "model.ts --input x=x.npy --device webgpu --chrome-trace trace.json",
    "digits.mge --iter 100 --json",
  ],
  json: true,
  permissions: "--allow-read=MODEL,INPUTS; with --html, --chrome-trace or --tune-cache also " +
    "--allow-read and --allow-write for the folder of FILE (it is written beside and renamed)",
  notes: [
    ...modelNotes,
    "Without --input the embedded cases of a file run. SPEC is what `run` takes: #rand(min,max) " +
    "or a file of values.",
    ...valueNotes,
    "Runs are slower while kernels are timed one by one; `run --iter` gives the plain time. " +
    "Times are medians, and shares are of all kernels of all runs. Rates stand beside what this " +
    "machine reaches at best, measured at the end: the bandwidth of an elementwise operation, the " +
    "arithmetic of a matrix product. What lies in a cache can be faster than that bandwidth. A " +
    "multiply-add counts as two operations, each operand and result as moved once.",
    "--json gives per kernel: operation, place, types, dispatch, bytes, flops, nanoseconds of each " +
    "run, rate, share of what the machine reaches; per run: its time, readback, kernels; per plan: " +
    "times of plan, compile and upload, the memory and its timeline. `clock` says whose clock " +
    "kernels are timed by.",
  ],
  flags: {
    ...givenFlags,
    iter: { kind: "number", default: 10, doc: "timed runs" },
    warmup: { kind: "number", default: 1, doc: "runs before them, which are not counted" },
    batch: batchFlag,
    html: {
      kind: "string",
      placeholder: "FILE",
      doc: "write a page: kernels, roofline, a run along time, memory; for any browser",
    },
    "chrome-trace": {
      kind: "string",
      placeholder: "FILE",
      doc: "write the runs as JSON for chrome://tracing or Perfetto",
    },
    ...kernelFlags,
  },
  async run(context) {
    const { args: [text], flags, print, document, log, progress, colors, signal } = context;
    const { html, "chrome-trace": trace } = flags;
    checkFiles({ html, "chrome-trace": trace }, text);
    await using opened = await openRun(context, { profiling: true });
    const { model, embedded, counts: { iter, warmup, seed, batch }, values } = opened;
    const rounds = (warmup + iter) * (embedded ? embedded.testcases.length : 1);
    using bar = progress("profiling", { total: rounds, unit: "runs" });
    const run = await runner();
    if (warmup > 0) await run({ iter: warmup, warmup: 0, signal, at: (n) => bar.at(n) });
    const since = performance.now();
    const failed = await run({
      ...{ iter, warmup: 0, signal },
      at: (n) => bar.at(rounds / (warmup + iter) * warmup + n),
    });
    const found = await model.profile({ since });
    const title = text.split(/[\\/]/).at(-1) || text;
    const written = await writeReports(found, { html, trace }, title, [
      ["Runs", `${iter}${warmup ? ` after ${warmup} to warm up` : ""}`],
    ], signal);
    await opened.keepChoices(signal);
    await document({ ...found, ...written });
    for (const line of profileLines(found, colors)) await print(line);
    for (const [what, file] of Object.entries(written)) await print(`${what}: ${file}`);
    for (const { name, reason } of failed) {
      await log(`case ${name}: ${colors.red("FAILED")}, ${reason}`);
    }
    return failed.length > 0 ? status.failed : status.done;

    /** Runs as often as asked, and gives the cases that fail. */
    async function runner(): Promise<(timing: Timing) => Promise<readonly CaseRun[]>> {
      if (embedded) {
        return async (timing) =>
          (await runCases(embedded, timing, {})).cases.filter(({ passed }) => !passed);
      }
      const given = await inputValues(model.inputs, flags.input, { seed, batch, ...values });
      return async (timing) => {
        await timed(() => model.run(given), timing);
        return [];
      };
    }
  },
});

/** Reports are files of their own; names that were meant otherwise are refused. */
function checkFiles(files: Readonly<Record<string, string | undefined>>, model: string): void {
  const seen = new Map<string, string>([[model, "it is the model"]]);
  for (const [flag, file] of Object.entries(files)) {
    if (file === undefined) continue;
    if (file === "" || file === "-") {
      throw usageError(`Cannot write --${flag} to standard output: give it a file's name`);
    }
    const other = seen.get(file);
    if (other) throw usageError(`Cannot write --${flag} to ${file}: ${other}; name another file`);
    seen.set(file, `--${flag} goes there`);
  }
}

/** Writes the reports that were asked for, each whole or not at all, and says where they are. */
async function writeReports(
  found: Profile,
  { html, trace }: { readonly html?: string; readonly trace?: string },
  title: string,
  facts: readonly (readonly [string, string])[],
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const written: Record<string, string> = {};
  if (html !== undefined) {
    const page = await profileHtml(found, { title, facts });
    await writeTo(html, [new TextEncoder().encode(page)], { signal });
    written.html = html;
  }
  if (trace !== undefined) {
    await writeJson(trace, chromeTrace(found), signal);
    written.chromeTrace = trace;
  }
  return written;
}
