/**
 * What `run` tells: the document for programs, and lines for people.
 * @module
 */
import type { Colors } from "./std.ts";
import { type Comparison, comparisonText } from "./compare_values.ts";
import type { Ran } from "./run_cases.ts";
import { timesOf } from "./run_times.ts";
import { jsonGap, jsonNumbers, valueText } from "./value_text.ts";

/** A run with what was compared and written. */
export interface RunReport {
  readonly device: string;
  readonly ran: Ran;
  readonly checks: readonly { readonly name: string; readonly found: Comparison }[];
  /** Where each output was written, if it was. */
  readonly files: readonly string[] | undefined;
  /** Further files, by what they hold. */
  readonly written: Readonly<Record<string, string>>;
}

/** True if every case and every check passed. */
export function isRight({ ran, checks }: RunReport): boolean {
  return ran.cases.every(({ passed }) => passed) && checks.every((c) => c.found.passed);
}

/** The report as JSON holds it. */
export function runDocument({ device, ran, checks, files, written }: RunReport) {
  return {
    device,
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
    ms: jsonNumbers(timesOf(ran.times)),
    ...written,
  };
}

/** The report in lines. */
export function runLines({ ran, checks, written }: RunReport, colors: Colors): string[] {
  const mark = (passed: boolean) => passed ? colors.green("passed") : colors.red("FAILED");
  const spent = Object.entries(timesOf(ran.times)).map(([name, x]) => `${name} ${x.toFixed(3)} ms`);
  return [
    ...ran.outputs.map(({ name, value }) => `${colors.bold(name)} ${valueText(value)}`),
    ...ran.cases.map(({ name, passed, reason }) =>
      `case ${name}: ${mark(passed)}${reason === null ? "" : `, ${reason}`}`
    ),
    ...checks.map(({ name, found }) =>
      `check ${name}: ${mark(found.passed)}${
        found.passed ? "" : `, output ${name}: ${comparisonText(found)}`
      }`
    ),
    spent.join(", "),
    ...Object.entries(written).map(([what, file]) => `${what}: ${file}`),
  ];
}
