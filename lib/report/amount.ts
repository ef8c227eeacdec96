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
