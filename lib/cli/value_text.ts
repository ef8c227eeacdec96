/**
 * Values as text for people and as JSON for programs.
 * @module
 */
import type { Host } from "../core/host.ts";
import { printType } from "../core/type.ts";
import { jsonNumber, type ValueGap } from "./compare_values.ts";

/** A value in a line: type, range, mean, the first elements. */
export function valueText(value: Host): string {
  const { data } = value;
  if (data.length === 0) return `${printType(value)} empty`;
  let [low, high, sum, nans] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const x = Number(data[i]);
    if (x !== x) nans++;
    else [low, high, sum] = [Math.min(low, x), Math.max(high, x), sum + x];
  }
  const some = Array.from(data.subarray(0, 6) as Iterable<number>, short).join(" ");
  const range = nans === data.length
    ? "all NaN"
    : `${short(low)} … ${short(high)}, mean ${short(sum / (data.length - nans))}${
      nans ? `, ${nans} NaN` : ""
    }`;
  return `${printType(value)} ${range}: ${some}${data.length > 6 ? " …" : ""}`;
}

/** A gap with numbers that JSON can hold. */
export function jsonGap(
  gap: (ValueGap & { readonly output?: string }) | null | undefined,
): Readonly<Record<string, unknown>> | null {
  return gap ? { ...gap, got: jsonNumber(gap.got), want: jsonNumber(gap.want) } : null;
}

/** Milliseconds to the microsecond. */
export function jsonNumbers(record: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).map(([key, x]) => [key, Math.round(Number(x) * 1000) / 1000]),
  );
}

function short(x: number): string {
  return String(Number(x.toPrecision(6)));
}
