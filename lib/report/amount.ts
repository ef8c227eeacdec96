/**
 * Amounts as people read them in a report.
 * @module
 */

const units = ["B", "kB", "MB", "GB", "TB"];

/** A number of bytes with three digits, as in `4.1 kB`. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** A whole number with its thousands apart, as in `12,345`. */
export function countText(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number of things, as in `1 node` and `2,000 nodes`. */
export function ofThem(n: number, one: string): string {
  return `${countText(n)} ${one}${n === 1 ? "" : "s"}`;
}

/** A time in nanoseconds with three digits, as in `12.3 µs`. */
export function timeText(ns: number): string {
  const units = ["ns", "µs", "ms", "s"];
  let [value, unit] = [ns, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${digits(value)} ${units[unit]}`;
}

/** A part of a whole, as in `12.3 %`. */
export function percentText(part: number): string {
  return `${digits(part * 100, 1)} %`;
}

/** A number as people read it: three digits, without an exponent, and `most` decimals at most. */
export function digits(value: number, most = 3): string {
  if (value === 0) return "0";
  const rounded = Math.abs(Number(value.toPrecision(3)));
  const size = Math.floor(Math.log10(rounded));
  if (size >= 3) return countText(Math.round(value));
  const decimals = Math.max(0, Math.min(most, 2 - size));
  return Number(value.toFixed(decimals)) === 0 ? `< ${10 ** -decimals}` : value.toFixed(decimals);
}
