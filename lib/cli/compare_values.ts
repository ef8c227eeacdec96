/**
 * The comparison of a result with what was recorded: integers and truths exactly, floats within a
 * tolerance, NaN equal to NaN, `[]` and `[1]` the same shape.
 * @module
 */
import type { Host } from "../core/host.ts";
import { isFloat, printType, sameShape, sizeOf } from "../core/type.ts";

/** How far floats may differ: `|got − want| ≤ atol + rtol·|want|`. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** The suite's own tolerance. */
export const suiteTolerance: Tolerance = { rtol: 1e-3, atol: 1e-7 };

/** One value that differs. */
export interface ValueGap {
  /** Where: one number for each axis. */
  readonly index: readonly number[];
  readonly got: number;
  readonly want: number;
}

/** What a comparison found. */
export interface Comparison {
  readonly passed: boolean;
  /** Why the values cannot be compared at all. */
  readonly reason?: string;
  /** The first value beyond the tolerance. */
  readonly first?: ValueGap;
  /** The value with the largest error, allowed or not; absent where all are equal. */
  readonly worst?: ValueGap;
  /** The worst error over what is allowed: above 1 for one that is not, 0 where all are equal. */
  readonly share: number;
  /** How many values are beyond the tolerance, and how many there are. */
  readonly wrong: number;
  readonly total: number;
}

/** Compares a result with the recorded value. */
export function compareValues(got: Host, want: Host, { rtol, atol }: Tolerance): Comparison {
  const total = sizeOf(want.shape);
  if (got.dtype !== want.dtype || !sameShape(ranked(got.shape), ranked(want.shape))) {
    const reason = `is ${printType(got)}, wanted ${printType(want)}`;
    return { passed: false, reason, share: Infinity, wrong: total, total };
  }
  const float = isFloat(want.dtype);
  let wrong = 0, first = -1, worst = -1, most = 0;
  for (let i = 0; i < total; i++) {
    const [a, b] = [Number(got.data[i]), Number(want.data[i])];
    if (a === b || (a !== a && b !== b)) continue;
    const limit = float ? atol + rtol * Math.abs(b) : 0;
    // Infinities and NaN on one side are as far off as can be, and so is the limit of infinity.
    const gap = Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Infinity;
    if (!(gap <= limit) || gap === Infinity) {
      wrong++;
      if (first < 0) first = i;
    }
    const share = gap === Infinity ? Infinity : limit > 0 ? gap / limit : gap * Number.MAX_VALUE;
    if (worst < 0 || share > most) [worst, most] = [i, share];
  }
  const at = (i: number) => i < 0 ? undefined : gapAt(got, want, i);
  const share = Math.max(0, most);
  return { passed: wrong === 0, first: at(first), worst: at(worst), share, wrong, total };
}

/** A value as text: `[0,3] is 2.5, wanted 2, off by 0.5`. */
export function gapText({ index, got, want }: ValueGap): string {
  const values = `is ${numberText(got)}, wanted ${numberText(want)}`;
  return `[${index.join(",")}] ${values}${offText({ got, want })}`;
}

/** How far off a value is, where that is a number: `, off by 0.5`. */
export function offText({ got, want }: Pick<ValueGap, "got" | "want">): string {
  const off = Math.abs(got - want);
  return Number.isFinite(off) ? `, off by ${numberText(Number(off.toPrecision(3)))}` : "";
}

/** A comparison that failed, as text: the first and the worst value. */
export function comparisonText({ reason, first, worst, wrong, total }: Comparison): string {
  if (reason) return reason;
  const same = String(first?.index) === String(worst?.index);
  return [
    `${wrong} of ${total} values differ`,
    `first ${gapText(first!)}`,
    ...(worst && !same ? [`worst ${gapText(worst)}`] : []),
  ].join(", ");
}

/** JSON has no NaN and no infinities: these are texts there. */
export function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** A number as text, with the sign of zero. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function ranked(shape: readonly number[]): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}

function gapAt(got: Host, want: Host, i: number): ValueGap {
  const index: number[] = [];
  let rest = i;
  for (let axis = want.shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % want.shape[axis]);
    rest = Math.floor(rest / want.shape[axis]);
  }
  return { index, got: Number(got.data[i]), want: Number(want.data[i]) };
}
