/**
 * The roofline of a profile: each kernel by its arithmetic for a byte and by its rate, below what
 * the machine reached when it was measured. Both scales are logarithmic.
 * @module
 */
import type { Peak } from "../trace/peak.ts";
import { digits, ofThem, percentText } from "./amount.ts";
import { chart, columnLine, powerText, rowLine, short } from "./chart.ts";
import { escaped } from "./escape.ts";
import type { KernelRow } from "./profile_data.ts";

const height = 300;

/** The chart, and a sentence on the kernels that have no place in it. */
export function roofline(rows: readonly KernelRow[], peak: Peak): string {
  const placed = rows.filter(({ flops, bytes, medianNs }) => flops && bytes && medianNs);
  const left = rows.filter((row) => !placed.includes(row));
  const ridge = peak.gflops / peak.gbps;
  const [x0, x1] = decades([...placed.map(intensity), ridge / 10, ridge * 10]);
  const [y0, y1] = decades([...placed.map(({ rate }) => rate.gflops), peak.gflops * 1.2]);
  const x = (value: number) => (Math.log10(value) - x0) / (x1 - x0) * 100;
  const y = (value: number) => height - (Math.log10(value) - y0) / (y1 - y0) * height;
  const low = Math.max(10 ** x0, 10 ** y0 / peak.gbps);
  const line = (name: string, from: number, to: number, at: (i: number) => number) =>
    `<line class="roof ${name}" x1="${short(x(from))}%" y1="${short(y(at(from)))}" ` +
    `x2="${short(x(to))}%" y2="${short(y(at(to)))}"/>`;
  const body = [
    ...powers(x0, x1).map((n) => columnLine(x(n), height, powerText(n))),
    ...powers(y0, y1).map((n) => rowLine(y(n), powerText(n))),
    line("memory", low, ridge, (i) => i * peak.gbps),
    line("compute", ridge, 10 ** x1, () => peak.gflops),
    // The largest lie lowest, so that none hides another.
    ...placed.map((row) => point(row, x(intensity(row)), y(row.rate.gflops))),
    ...numbers(placed.map((row) => ({ row, x: x(intensity(row)), y: y(row.rate.gflops) }))),
  ].join("");
  const label = `Roofline: ${ofThem(placed.length, "kernel")} below ${
    digits(peak.gflops)
  } GF/s and ${digits(peak.gbps)} GB/s`;
  const rest = left.length
    ? `<p class="soft">${ofThem(left.length, "kernel")} without arithmetic or without time ` +
      `(${percentText(left.reduce((n, { part }) => n + part, 0))} of the time) ` +
      `${left.length === 1 ? "is" : "are"} in the table only.</p>`
    : "";
  return `<p class="legend"><span><i class="memory"></i>${digits(peak.gbps)} GB/s</span>` +
    `<span><i class="compute"></i>${digits(peak.gflops)} GF/s, both measured</span></p>` +
    `<p class="unit">GF/s</p>${chart({ height, label, className: "roofline", body })}` +
    `<p class="unit below">operations a byte</p>${rest}`;
}

function intensity({ flops, bytes }: KernelRow): number {
  return flops / bytes;
}

/** Whole powers of ten around some numbers, at least two apart. */
function decades(values: readonly number[]): readonly [number, number] {
  const logs = values.map(Math.log10);
  const low = Math.floor(Math.min(...logs));
  return [low, Math.max(low + 2, Math.ceil(Math.max(...logs)))];
}

/** At most eight powers of ten, both ends among them where they fit. */
function powers(from: number, to: number): readonly number[] {
  const step = Math.ceil((to - from) / 7);
  const count = Math.floor((to - from) / step) + 1;
  return Array.from({ length: count }, (_, i) => 10 ** (from + i * step));
}

function point(row: KernelRow, x: number, y: number): string {
  const { rank, part, family, operation, rate } = row;
  const text = `${operation}, ${digits(rate.gflops)} GF/s`;
  return `<circle class="mark ${family}" data-k="${rank - 1}" cx="${short(x)}%" cy="${short(y)}" ` +
    `r="${short(radius(part))}" tabindex="0" role="button" aria-label="${escaped(text)}"/>`;
}

function radius(part: number): number {
  return 4 + 10 * Math.sqrt(part);
}

/** The first nine by time have their numbers beside them, where there is room. */
function numbers(
  points: readonly { readonly row: KernelRow; readonly x: number; readonly y: number }[],
): readonly string[] {
  const written: { readonly x: number; readonly y: number }[] = [];
  return points.filter(({ row }) => row.rank <= 9).map((at) => {
    const { row: { rank, part }, x, y } = at;
    if (written.some((w) => Math.abs(w.x - x) < 6 && Math.abs(w.y - y) < 13)) return "";
    written.push(at);
    return `<text class="number" x="${short(x)}%" dx="${short(radius(part) + 3)}" ` +
      `y="${short(y)}">${rank}</text>`;
  });
}
