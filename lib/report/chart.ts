/**
 * Parts of charts. Places along the width are percent and along the height pixels, so that a chart
 * fills any width while its text keeps its size; no script and no style attribute is needed.
 * @module
 */
import { digits } from "./amount.ts";
import { escaped } from "./escape.ts";

/** A number in markup, short. */
export function short(x: number): string {
  return String(Number(x.toFixed(3)));
}

/** The frame of a chart: its height in pixels without the labels below, and what is in it. */
export interface Frame {
  readonly height: number;
  /** What the chart shows, for those who do not see it. */
  readonly label: string;
  readonly className: string;
  readonly body: string;
}

/** A chart with room for labels at its left and below it. */
export function chart({ height, label, className, body }: Frame): string {
  return `<div class="chart ${className}"><svg width="100%" height="${height + 22}" role="img" ` +
    `aria-label="${escaped(label)}">${body}</svg></div>`;
}

/** A power of ten as an axis shows it. */
export function powerText(n: number): string {
  return n >= 1 ? digits(n, 0) : String(Number(n.toPrecision(1)));
}

/** A label at the left of a horizontal line. */
export function rowLine(y: number, text: string): string {
  return `<line class="grid" x1="0" x2="100%" y1="${short(y)}" y2="${short(y)}"/>` +
    `<text class="axis left" x="-8" y="${short(y)}">${escaped(text)}</text>`;
}

/** A label below a vertical line; the last one ends at the edge. */
export function columnLine(x: number, height: number, text: string): string {
  const end = x > 94 ? " end" : x < 4 ? " begin" : "";
  return `<line class="grid" x1="${short(x)}%" x2="${short(x)}%" y1="0" y2="${height}"/>` +
    `<text class="axis below${end}" x="${short(x)}%" y="${height + 16}">${escaped(text)}</text>`;
}

/** Round numbers from 0 to `most`, about `count` of them. */
export function ticks(most: number, count: number): readonly number[] {
  if (!(most > 0)) return [0];
  const rough = most / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * size).find((n) => n >= rough * 0.999)!;
  return Array.from({ length: Math.floor(most / step * 1.0001) + 1 }, (_, i) => i * step);
}
