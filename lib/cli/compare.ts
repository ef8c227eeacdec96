/**
 * `compare`: two models, two targets or two recordings of values, value by value.
 * @module
 */
import { deviceNames } from "../trace/open.ts";
import { command, type Context, type Flag } from "./command.ts";
import { compareFolders, compareTexts, type DumpKind, dumpKind } from "./compare_dumps.ts";
import { compareModels } from "./compare_models.ts";
import { compareDocument, compareLines, type CompareReport, isSame } from "./compare_report.ts";
import { suiteTolerance, type Tolerance } from "./compare_values.ts";
import { countOf } from "./count_flag.ts";
import { deviceFlag, openDeviceFlag } from "./device.ts";
import { status } from "./fault.ts";
import { modelArgument, modelNotesOf } from "./model_argument.ts";
import { argumentOf, openArgument } from "./opened.ts";
import { usageError } from "./parse.ts";
import { toleranceFlags, toleranceOf } from "./tolerance.ts";
import { valueFlags, valueNotes, valueOptions } from "./value_flags.ts";

const compareFlags = {
  device: deviceFlag,
  "device-b": {
    kind: "string",
    choices: deviceNames as readonly string[],
    placeholder: "NAME",
    doc: "what runs B, if not the same",
  },
  input: { kind: "list", placeholder: "NAME=SPEC", doc: "the value of an input, as for run" },
  ...valueFlags,
  all: { kind: "boolean", doc: "compare every value that both name, before the outputs" },
  ...toleranceFlags,
  seed: { kind: "number", default: 0, doc: "of #rand and of drawn values" },
} as const satisfies Readonly<Record<string, Flag>>;

type Given = Context<typeof compareFlags>;

/** The command. */
export const compare: ReturnType<typeof command> = command({
  name: "compare",
  summary: "run two models, or one on two targets, on the same inputs and compare their values",
  usage: "A B [flags]",
  arity: [2, 2],
  example: [
    "old.mge new.mge",
    "model.ts model.mge --input x=x.npy --all",
    "digits.mge digits.mge --device wasm --device-b reference --rtol 1e-5",
    "values-before/ values-after/ --atol 1e-6",
  ],
  json: true,
  permissions: "--allow-read=A,B (for a module also what it imports) and the files that --input " +
    "names",
  notes: [
    ...modelNotesOf("Each of A and B"),
    "A and B may also be what run --io-dump wrote: two folders, or two texts, which say whether " +
    "values are equal and not by how much they differ.",
    "Without --input the values are those of the embedded cases of A, else of B, else drawn: " +
    "floats from -1 to 1, u8 from 0 to 255, other integers 0 or 1. Inputs and outputs are taken " +
    "together by name, or by position where no name is the same.",
    "Integers and truths agree exactly, floats within atol + rtol times the value of B; NaN equals " +
    "NaN, and the shapes [] and [1] agree. The first and the worst value that differs are named, " +
    "and the exit status is 1. The values of --all are computed each by itself, as they are " +
    "written; names that only one model has are counted and not compared.",
    ...valueNotes,
  ],
  flags: compareFlags,
  async run(context) {
    const { args: [a, b], flags, print, document, colors } = context;
    const given = toleranceOf(flags);
    const kinds = [await recordingOf(a), await recordingOf(b)] as const;
    const tolerance = { ...suiteTolerance, ...given };
    const found = kinds[0] || kinds[1]
      ? await recordings(kinds, tolerance, Object.keys(given).length > 0, context)
      : await models(tolerance, context);
    await document({ a, b, ...found.devices, ...compareDocument(found.report) });
    for (const line of compareLines(found.report, colors)) await print(line);
    return isSame(found.report) ? status.done : status.failed;
  },
});

interface Found {
  readonly report: CompareReport;
  readonly devices: Readonly<Record<string, unknown>>;
}

/** A model's name says what it is; anything else may be a recording. */
async function recordingOf(text: string): Promise<DumpKind | undefined> {
  if (text === "-" || /\.(mge|mdl|onnx)$/i.test(text)) return undefined;
  return modelArgument(text).kind === "file" ? await dumpKind(text) : undefined;
}

async function recordings(
  [a, b]: readonly [DumpKind | undefined, DumpKind | undefined],
  tolerance: Tolerance,
  isStated: boolean,
  { args, signal, flags }: Given,
): Promise<Found> {
  if (a !== b) {
    const word = (kind: DumpKind | undefined) => kind ? `a ${kind} of run --io-dump` : "a model";
    throw usageError(
      `Cannot compare ${args[0]}, ${word(a)}, with ${args[1]}, ${word(b)}: compare two of one kind`,
    );
  }
  if (flags.input.length || flags["device-b"] !== undefined) {
    throw usageError("Cannot run recorded values: --input and --device-b are for models");
  }
  if (a === "folder") {
    return { report: await compareFolders(args[0], args[1], tolerance, signal), devices: {} };
  }
  if (isStated) {
    throw usageError(
      "Cannot take --rtol or --atol for texts of run --io-dump: they hold hashes; write folders",
    );
  }
  return { report: await compareTexts(args[0], args[1]), devices: {} };
}

async function models(tolerance: Tolerance, context: Given): Promise<Found> {
  const { args: [a, b], flags, signal, log, colors } = context;
  if (a === "-" && b === "-") throw usageError("Cannot read both models from standard input");
  const seed = countOf("seed", flags.seed, 0);
  const note = (line: string) => void log(`${colors.yellow("note:")} ${line}`);
  const values = { ...valueOptions(flags, note), seed, log: note };
  const [first, second] = [await argumentOf(a), await argumentOf(b)];
  const other = flags["device-b"];
  await using machine = await openDeviceFlag(flags.device, log);
  await using more = other === undefined || other === flags.device
    ? undefined
    : await openDeviceFlag(other, log);
  const machineB = more ?? machine;
  const [openedA, openedB] = [
    await openArgument(first, context, machine),
    await openArgument(second, context, machineB),
  ];
  using bar = context.progress("comparing");
  const report = await compareModels(
    { opened: openedA, machine },
    { opened: openedB, machine: machineB },
    { specs: flags.input, values, tolerance, all: flags.all, signal, note },
  );
  bar.at(1);
  return { report, devices: { devices: { a: machine.name, b: machineB.name } } };
}
