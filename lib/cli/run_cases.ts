/**
 * Embedded test cases: each is run, and what its model asserts decides.
 * @module
 */
import type { Host } from "../core/host.ts";
import type { Tensor } from "../core/tensor.ts";
import { read } from "../trace/read.ts";
import type { Model } from "../trace/load.ts";
import type { CaseCheck, CaseResult, TestCase } from "../trace/testcase.ts";
import {
  compareValues,
  type Comparison,
  comparisonText,
  suiteTolerance,
  type Tolerance,
  type ValueGap,
} from "./compare_values.ts";
import { inputsOfCase } from "./io_dump.ts";
import type { NamedValue } from "./runnable.ts";
import { type Measured, timed, type Timing } from "./run_times.ts";

/** What the outputs of a case gave; none: there was nothing to compare. */
export type Compared = readonly { readonly output: string; readonly found: Comparison }[];

/** A case that ran. */
export interface CaseRun {
  readonly name: string;
  readonly passed: boolean;
  /** Why it failed, or that nothing was compared; null for one that passed. */
  readonly reason: string | null;
  readonly worst: (ValueGap & { readonly output: string }) | null;
}

/** What a run gave. */
export interface Ran {
  /** The outputs of all cases; their names begin with the case's where there are several. */
  readonly outputs: readonly NamedValue[];
  readonly cases: readonly CaseRun[];
  readonly times: readonly Measured[];
  /** What went in, in the order of the model's inputs: one entry a case. */
  readonly inputs: readonly (readonly Host[])[];
}

/** Runs every case of a file as often as asked. */
export async function runCases(
  { testcases: cases, inputs: described }: Model,
  timing: Timing,
  tolerance: Partial<Tolerance>,
): Promise<Ran> {
  const outputs: NamedValue[] = [];
  const done: CaseRun[] = [];
  const times: Measured[] = [];
  const total = timing.iter + timing.warmup;
  for (const [i, testcase] of cases.entries()) {
    const found = await timed(() => caseValues(testcase), {
      ...timing,
      at: (n) => timing.at(i * total + n),
    });
    const { checks, values } = found.last;
    const compared = checks.map((check) => judged(check, tolerance));
    const prefix = cases.length > 1 ? `${i}/` : "";
    outputs.push(...values.map(({ name, value }) => ({ name: prefix + name, value })));
    done.push({ name: String(i), ...verdict(compared) });
    times.push(found.times);
  }
  const names = described.map(({ name }) => name);
  const inputs = await Promise.all(cases.map((testcase) => inputsOfCase(names, testcase)));
  return { outputs, cases: done, times, inputs };
}

/** What became of a case, by its outputs. */
export function verdict(compared: Compared): Omit<CaseRun, "name"> {
  const bad = compared.find(({ found }) => !found.passed);
  const worst = bad ?? compared.find(({ found }) => found.worst);
  return {
    passed: !bad,
    reason: bad
      ? `output ${bad.output}: ${comparisonText(bad.found)}`
      : compared.length === 0
      ? "nothing to compare"
      : null,
    worst: worst?.found.worst ? { output: worst.output, ...worst.found.worst } : null,
  };
}

/** Runs a case once and judges what it asserts. */
export async function judgedCase(
  testcase: TestCase,
  tolerance: Partial<Tolerance>,
): Promise<Compared> {
  return (await caseValues(testcase)).checks.map((check) => judged(check, tolerance));
}

interface ReadCheck extends Omit<CaseCheck, "got" | "want"> {
  readonly got: Host;
  readonly want: Host;
}

/** A run with everything read; what an assertion compared stands for the output itself. */
async function caseValues(
  testcase: TestCase,
): Promise<{ readonly checks: readonly ReadCheck[]; readonly values: readonly NamedValue[] }> {
  const result: CaseResult = await testcase.run();
  const checks: ReadCheck[] = [];
  for (const { got, want, ...check } of result.checks) {
    checks.push({ ...check, got: await taken(got!), want: await taken(want!) });
  }
  const values: NamedValue[] = checks.map(({ name, got }) => ({ name, value: got }));
  for (const [name, t] of Object.entries(result.outputs)) {
    if (checks.length === 0) values.push({ name, value: await taken(t) });
    else t.dispose();
  }
  return { checks, values };
}

/** The model's own assertion decides, unless the command states a tolerance. */
function judged(check: ReadCheck, tolerance: Partial<Tolerance>): Compared[number] {
  const stated = Object.keys(tolerance).length > 0;
  const limits = stated
    ? { ...suiteTolerance, ...tolerance }
    : { rtol: check.most, atol: check.most };
  const found = compareValues(check.got, check.want, limits);
  const output = check.name;
  if (stated) return { output, found };
  if (check.passed) return { output, found: { ...found, passed: true } };
  // Its error is no number where a value is NaN; then our own comparison decides.
  if (Number.isNaN(check.error)) return { output, found };
  const [wrong, first] = [Math.max(1, found.wrong), found.first ?? found.worst];
  return { output, found: { ...found, passed: false, wrong, first } };
}

async function taken(t: Tensor): Promise<Host> {
  const value = await read(t);
  t.dispose();
  return value;
}
