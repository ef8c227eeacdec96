/**
 * Running one place of tests: the embedded cases of a file, or the recorded values of a folder.
 * @module
 */
import { constant } from "../core/leaf.ts";
import type { Machine } from "../core/target.ts";
import { load, type Model } from "../trace/load.ts";
import { read } from "../trace/read.ts";
import { isExpected } from "../trace/testcase.ts";
import { compareValues, suiteTolerance, type Tolerance, type ValueGap } from "./compare_values.ts";
import type { TestPlace } from "./find_tests.ts";
import { inFolder } from "./path.ts";
import { type Compared, judgedCase, verdict } from "./run_cases.ts";
import { folderTolerance, recordedValues } from "./test_folder.ts";

/** What became of a test. */
export interface TestResult {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; null for one that passed. */
  readonly reason: string | null;
  /** The value with the largest error, over all outputs; null where all are equal. */
  readonly worst: (ValueGap & { readonly output: string }) | null;
  readonly ms: number;
  /** Where it ran; null if it did not. */
  readonly device: string | null;
}

/** How tests are run. */
export interface TestOptions {
  readonly machine: Machine;
  readonly signal: AbortSignal;
  /** What the command states; it goes before the folder's own. */
  readonly tolerance: Partial<Tolerance>;
  /** Tests with names that it does not match are left out. */
  readonly filter: RegExp;
}

/** Runs the tests of one place, each as soon as it is asked for. */
export async function* runPlace(
  place: TestPlace,
  options: TestOptions,
): AsyncGenerator<TestResult> {
  const { machine, signal, filter } = options;
  // A file's cases are named after it, so its own name says nothing about them yet.
  if (place.kind === "folder" && !filter.test(place.name)) return;
  const begun = performance.now();
  const path = place.kind === "folder" ? inFolder(place.path, "model.mge") : place.path;
  let model: Model;
  try {
    model = await load(path, { on: machine, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (filter.test(place.name)) yield failure(place.name, error, begun, machine);
    return;
  }
  try {
    if (place.kind === "folder") {
      yield await attempt(place.name, options, () => runFolder(place.path, model, options));
      return;
    }
    if (model.testcases.length === 0 && filter.test(place.name)) {
      yield skipped(place.name, "it has no embedded cases");
    }
    for (const [i, testcase] of model.testcases.entries()) {
      const name = `${place.name}#${i}`;
      if (filter.test(name)) {
        yield await attempt(name, options, () => judgedCase(testcase, options.tolerance));
      }
    }
  } finally {
    model.dispose();
  }
}

async function attempt(
  name: string,
  { machine, signal }: TestOptions,
  run: () => Promise<Compared>,
): Promise<TestResult> {
  const begun = performance.now();
  try {
    const compared = await run();
    const ms = performance.now() - begun;
    if (compared.length === 0) return skipped(name, "nothing is recorded that it should give");
    const { passed, reason, worst } = verdict(compared);
    const result = passed ? "passed" : "failed";
    return { name, result, reason, worst, ms, device: machine.name };
  } catch (error) {
    signal.throwIfAborted();
    return failure(name, error, begun, machine);
  }
}

async function runFolder(
  folder: string,
  model: Model,
  { tolerance }: TestOptions,
): Promise<Compared> {
  const inputs = model.inputs.map(({ name }) => name).filter((name) => !isExpected(name));
  const given = await recordedValues(folder, "inputs", inputs);
  const want = await recordedValues(folder, "outputs", model.outputs.map(({ name }) => name));
  const limits = { ...suiteTolerance, ...await folderTolerance(folder), ...tolerance };
  const outputs = await model(
    Object.fromEntries([...given].map(([name, value]) => [name, constant(value)])),
  );
  const compared: Compared[number][] = [];
  for (const [output, value] of want) {
    compared.push({ output, found: compareValues(await read(outputs[output]), value, limits) });
  }
  for (const t of Object.values(outputs)) t.dispose();
  return compared;
}

function skipped(name: string, reason: string): TestResult {
  return { name, result: "skipped", reason, worst: null, ms: 0, device: null };
}

function failure(name: string, error: unknown, begun: number, machine: Machine): TestResult {
  // One line a test: the ways forward on further lines are for one who runs the model alone.
  const reason = (error instanceof Error ? error.message : String(error)).split("\n")
    .map((line) => line.trim()).filter((line) => !line.startsWith("try ")).join("; ");
  const ms = performance.now() - begun;
  return { name, result: "failed", reason, worst: null, ms, device: machine.name };
}
