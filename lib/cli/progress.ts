/**
 * A bar for long work: it shows after half a second, on a terminal only, with the speed and the
 * time left, and leaves no trace.
 * @module
 */
import { speedometer } from "../io/stream.ts";
import { formatBytes, formatDuration } from "./std.ts";

/** A running bar. */
export interface Progress extends Disposable {
  /** Says how much is done so far. */
  at(done: number): void;
  /** Takes the bar off the screen; a second call does nothing. */
  [Symbol.dispose](): void;
}

/** Where a bar is drawn. */
export interface Screen {
  /** Writes to the terminal's line. */
  draw(text: string): void;
  /** Milliseconds of a clock. */
  now(): number;
  /** Columns of the terminal. */
  readonly columns: number;
}

/** What a bar says. */
export interface ProgressOptions {
  /** All there is to do; without it there is a count and no bar. */
  readonly total?: number;
  /** What is counted: `bytes` unless stated. */
  readonly unit?: string;
}

/** Work shorter than this shows nothing, in milliseconds. */
const delay = 500;

/** A new picture at most this often, in milliseconds. */
const pause = 100;

/** A bar on this screen, or one that shows nothing where there is no screen. */
export function progress(
  screen: Screen | undefined,
  label: string,
  options: ProgressOptions = {},
): Progress {
  if (!screen) return { at() {}, [Symbol.dispose]() {} };
  const { total, unit = "bytes" } = options;
  const speed = speedometer(total, screen.now);
  const begun = screen.now();
  let drawn = -Infinity;
  let ended = false;
  return {
    at(done) {
      const rate = speed(done);
      const now = screen.now();
      if (ended || now - begun < delay || now - drawn < pause) return;
      drawn = now;
      const amount = (n: number) => unit === "bytes" ? formatBytes(n) : `${Math.round(n)} ${unit}`;
      const parts = [total === undefined ? amount(done) : percent(done, total)];
      if (rate.perSecond > 0) parts.push(`${amount(rate.perSecond)}/s`);
      if (rate.left !== undefined) parts.push(`${remaining(rate.left)} left`);
      const text = parts.join("  ");
      const width = Math.min(30, screen.columns - label.length - text.length - 6);
      const bar = total === undefined || width < 5 ? "" : `${drawBar(done / total, width)} `;
      screen.draw(`${label} ${bar}${text}`.slice(0, screen.columns - 1));
    },
    [Symbol.dispose]() {
      if (!ended && drawn > -Infinity) screen.draw("");
      ended = true;
    },
  };
}

function percent(done: number, total: number): string {
  // Work that turns out longer than stated stays at 100
  return `${total > 0 ? Math.min(100, Math.floor(done / total * 100)) : 100}%`;
}

function drawBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `[${"#".repeat(full)}${"-".repeat(width - full)}]`;
}

function remaining(ms: number): string {
  if (ms < 1000) return "1s";
  const whole = Math.min(Math.round(ms / 1000) * 1000, 100 * 3600 * 1000);
  return formatDuration(whole, { style: "narrow", ignoreZero: true });
}
