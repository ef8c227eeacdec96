/**
 * Running one place of tests: the embedded cases of a file, or the recorded values of a folder.
 * @module
 */
import type { Host } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import type { Machine } from "../core/target.ts";
import { load, type Model } from "../trace/load.ts";
import { read } from "../trace/read.ts";
import { type CaseCheck, isExpected, type TestCase } from "../trace/testcase.ts";
import {
  compareValues,
  type Comparison,
  comparisonText,
  suiteTolerance,
  type Tolerance,
  type ValueGap,
} from "./compare_values.ts";
import type { TestPlace } from "./find_tests.ts";
import { inFolder } from "./path.ts";
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
        yield await attempt(name, options, () => runEmbedded(testcase, options.tolerance));
      }
    }
  } finally {
    model.dispose();
  }
}

/** What the outputs of a test gave, by name; none: there was nothing to compare. */
type Compared = readonly { readonly output: string; readonly found: Comparison }[];

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
    const bad = compared.find(({ found }) => !found.passed);
    const worst = bad ?? compared.find(({ found }) => found.worst);
    return {
      name,
      result: bad ? "failed" : "passed",
      reason: bad ? `output ${bad.output}: ${comparisonText(bad.found)}` : null,
      worst: worst?.found.worst ? { output: worst.output, ...worst.found.worst } : null,
      ms,
      device: machine.name,
    };
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
  const compared: { output: string; found: Comparison }[] = [];
  for (const [output, value] of want) {
    compared.push({ output, found: compareValues(await read(outputs[output]), value, limits) });
  }
  for (const t of Object.values(outputs)) t.dispose();
  return compared;
}

/** The model's own assertions decide, unless the command states a tolerance. */
async function runEmbedded(testcase: TestCase, tolerance: Partial<Tolerance>): Promise<Compared> {
  const stated = Object.keys(tolerance).length > 0;
  const { checks, outputs } = await testcase.run();
  const compared: { output: string; found: Comparison }[] = [];
  for (const check of checks) {
    const limits = stated
      ? { ...suiteTolerance, ...tolerance }
      : { rtol: check.most, atol: check.most };
    const found = compareValues(await valueOf(check.got), await valueOf(check.want), limits);
    compared.push({ output: check.name, found: stated ? found : byAssertion(found, check) });
  }
  for (const t of Object.values(outputs)) t.dispose();
  return compared;
}

/** The assertion's error is no number where a value is NaN; then our own comparison decides. */
function byAssertion(found: Comparison, check: CaseCheck): Comparison {
  if (check.passed || Number.isNaN(check.error)) {
    return check.passed ? { ...found, passed: true } : found;
  }
  return {
    ...found,
    passed: false,
    wrong: Math.max(1, found.wrong),
    first: found.first ?? found.worst,
  };
}

async function valueOf(t: CaseCheck["got"]): Promise<Host> {
  const value = await read(t!);
  t!.dispose();
  return value;
}

function skipped(name: string, reason: string): TestResult {
  return { name, result: "skipped", reason, worst: null, ms: 0, device: null };
}

function failure(name: string, error: unknown, begun: number, machine: Machine): TestResult {
  const reason = error instanceof Error ? error.message : String(error);
  const ms = performance.now() - begun;
  return { name, result: "failed", reason, worst: null, ms, device: machine.name };
}
