/**
 * What a comparison of two models found: the document for programs, and lines for people.
 * @module
 */
import type { Colors } from "./std.ts";
import { type Comparison, numberText, offText, type ValueGap } from "./compare_values.ts";
import { jsonGap } from "./value_text.ts";

/** A value that both have. */
export interface ComparedValue {
  /** Its name in A, behind the number of the case where there are several. */
  readonly name: string;
  readonly kind: "output" | "value";
  readonly found: Comparison;
}

/** A comparison of two models, or of two recordings of values. */
export interface CompareReport {
  readonly values: readonly ComparedValue[];
  /** Names that only one side has. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  /** True where what only one side has makes them different. */
  readonly strict: boolean;
}

/** True if no value differs, and there is at least one. */
export function isSame({ values, onlyA, onlyB, strict }: CompareReport): boolean {
  return values.length > 0 && values.every(({ found }) => found.passed) &&
    !(strict && (onlyA.length > 0 || onlyB.length > 0));
}

/** The report as JSON holds it; `a` and `b` are the values of the two. */
export function compareDocument(report: CompareReport): Record<string, unknown> {
  const { first, worst } = extremes(report.values);
  return {
    passed: isSame(report),
    first: first ? { name: first.name, ...sides(first.found.first) } : null,
    worst: worst ? { name: worst.name, ...sides(worst.found.worst) } : null,
    values: report.values.map(({ name, kind, found }) => ({
      ...{ name, kind, passed: found.passed, reason: found.reason ?? null },
      ...{ wrong: found.wrong, total: found.total },
      first: sides(found.first),
      worst: sides(found.worst),
    })),
    onlyA: report.onlyA,
    onlyB: report.onlyB,
  };
}

/** The report in lines: every output, what differs among the other values, first and worst. */
export function compareLines(report: CompareReport, colors: Colors): string[] {
  const { values, onlyA, onlyB } = report;
  const shown = values.filter(({ kind, found }) => kind === "output" || !found.passed);
  const wrong = values.filter(({ found }) => !found.passed);
  const { first, worst } = extremes(values);
  const lines = shown.slice(0, most).map(({ name, kind, found }) =>
    `${kind} ${colors.bold(name)}: ${
      found.passed ? colors.green("agrees") : colors.red("DIFFERS")
    }${textOf(found)}`
  );
  if (shown.length > most) lines.push(colors.dim(`… ${shown.length - most} more; --json has all`));
  for (const [side, names] of [["A", onlyA], ["B", onlyB]] as const) {
    if (names.length === 0) continue;
    const some = names.slice(0, 5).join(", ");
    lines.push(
      `only in ${side}: ${some}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`,
    );
  }
  if (first) lines.push(`first: ${first.name}${placeText(first.found.first, first.found)}`);
  if (worst) lines.push(`worst: ${worst.name}${placeText(worst.found.worst, worst.found)}`);
  if (values.length === 0) return [...lines, "no value is in both"];
  const count = `${values.length} ${values.length === 1 ? "value" : "values"} compared`;
  return [...lines, `${count}, ${wrong.length === 0 ? "none differs" : `${wrong.length} differ`}`];
}

const most = 40;

/** The first value that differs, and of those that differ the one that does by most. */
function extremes(
  values: readonly ComparedValue[],
): { readonly first?: ComparedValue; readonly worst?: ComparedValue } {
  const wrong = values.filter(({ found }) => !found.passed);
  const share = (value: ComparedValue) => value.found.share;
  return { first: wrong[0], worst: wrong.toSorted((x, y) => share(y) - share(x))[0] };
}

function textOf({ passed, reason, worst, wrong, total }: Comparison): string {
  if (reason) return `, ${reason}`;
  if (!worst) return ", equal";
  return passed ? `, worst ${placeText(worst)}` : `, ${wrong} of ${total}`;
}

/** `[0,1] is 2.5 in A, 2 in B, off by 0.5`. */
function placeText(gap: ValueGap | undefined, found?: Comparison): string {
  if (!gap) return found?.reason ? ` ${found.reason}` : "";
  const values = `${numberText(gap.got)} in A, ${numberText(gap.want)} in B`;
  return `[${gap.index.join(",")}] is ${values}${offText(gap)}`;
}

function sides(gap: ValueGap | undefined): Record<string, unknown> | null {
  const plain = jsonGap(gap);
  return plain && { index: plain.index, a: plain.got, b: plain.want };
}
