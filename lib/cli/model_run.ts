/**
 * What commands that run a model share: the flags that say what runs, where and on what, and the
 * model made ready as they say.
 * @module
 */
import type { Machine } from "../core/target.ts";
import type { Model } from "../trace/load.ts";
import type { Context, Flag } from "./command.ts";
import { countOf } from "./count_flag.ts";
import { deviceFlag, openDeviceFlag } from "./device.ts";
import { argumentOf, openArgument, type Opened } from "./opened.ts";
import { usageError } from "./parse.ts";
import { type Runnable, runnable, type RunOptions } from "./runnable.ts";
import { noteChoices, readTuning, writeTuning } from "./tune_cache.ts";
import { valueFlags, valueOptions } from "./value_flags.ts";

/** Where a model runs, and on what. */
export const givenFlags = {
  device: deviceFlag,
  input: { kind: "list", placeholder: "NAME=SPEC", doc: "the value of an input" },
  ...valueFlags,
} as const satisfies Readonly<Record<string, Flag>>;

/** How many values a run takes at once. */
export const batchFlag = {
  kind: "number",
  doc: "make axis 0 of every input N, repeating its values",
} as const satisfies Flag;

/** Which kernels run, and what drawn values follow from. */
export const kernelFlags = {
  "fast-run": { kind: "boolean", doc: "measure kernel variants first and take the fastest" },
  "tune-cache": {
    kind: "string",
    placeholder: "FILE",
    doc: "use the choices that this file holds, and keep those of --fast-run there",
  },
  seed: { kind: "number", default: 0, doc: "of #rand: NumPy's RandomState(seed).uniform" },
} as const satisfies Readonly<Record<string, Flag>>;

/** A number of runs; each command has a default of its own. */
type CountFlag = { readonly kind: "number"; readonly default: number; readonly doc: string };

type RunFlags = typeof givenFlags & typeof kernelFlags & {
  readonly iter: CountFlag;
  readonly warmup: CountFlag;
  readonly batch: typeof batchFlag;
};

/** A model ready to run as the flags say. */
export interface ModelRun extends AsyncDisposable {
  readonly machine: Machine;
  readonly opened: Opened;
  readonly model: Runnable;
  /** The model of a file whose own cases are what runs. */
  readonly embedded: Model | undefined;
  readonly counts: {
    readonly iter: number;
    readonly warmup: number;
    readonly seed: number;
    readonly batch: number | undefined;
  };
  /** How files become values. */
  readonly values: ReturnType<typeof valueOptions> & { readonly log: (line: string) => void };
  /** Keeps measured choices where `--tune-cache` says. */
  keepChoices(signal: AbortSignal): Promise<void>;
}

/** Flags that say nothing of embedded cases. */
const forInputs = ["batch", "resize-input", "rgb", "input-transform"] as const;

/** Opens the model of a command; `more` names further flags that embedded cases leave no use for. */
export async function openRun(
  context: Context<RunFlags>,
  { profiling, more = [] }: { readonly profiling: boolean; readonly more?: readonly string[] },
): Promise<ModelRun> {
  const { args: [text], flags, log, colors } = context;
  const counts = {
    iter: countOf("iter", flags.iter, 1),
    warmup: countOf("warmup", flags.warmup, 0),
    seed: countOf("seed", flags.seed, 0),
    batch: flags.batch === undefined ? undefined : countOf("batch", flags.batch, 1),
  };
  const cache = flags["tune-cache"];
  const tuning = cache === undefined ? undefined : await readTuning(cache);
  const note = (line: string) => void log(`${colors.yellow("note:")} ${line}`);
  const values = { ...valueOptions(flags, note), log: note };
  const argument = await argumentOf(text);
  await using stack = new AsyncDisposableStack();
  // What is measured runs as it goes on running, with all threads from the start.
  const isMeasured = profiling || counts.iter + counts.warmup > 1;
  const threads = isMeasured ? navigator.hardwareConcurrency : undefined;
  const machine = stack.use(await openDeviceFlag(flags.device, log, { tuning, threads }));
  if (flags["fast-run"]) await noteChoices(machine, log);
  const how: RunOptions = {
    ...(profiling ? { profiling } : {}),
    ...(flags["fast-run"] ? { optLevel: 3 } : {}),
  };
  const opened = await openArgument(argument, context, machine, how);
  const hasCases = opened.kind === "file" && opened.model.testcases.length > 0;
  const embedded = hasCases && flags.input.length === 0 ? opened.model : undefined;
  const given = flags as Readonly<Record<string, unknown>>;
  const needless = embedded && [...more, ...forInputs].find((name) => isGiven(given[name]));
  if (needless) {
    throw usageError(`Cannot take --${needless} with embedded cases: give --input as well`);
  }
  const model = stack.adopt(runnable(opened, machine, how), (model) => model.dispose());
  const kept = stack.move();
  return {
    ...{ machine, opened, model, embedded, counts, values },
    async keepChoices(signal) {
      if (cache !== undefined && machine.tuning) await writeTuning(cache, machine.tuning(), signal);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
