/**
 * Schedules: a program as works that read and make values, and the order in which they are done. A
 * work may stand in it several times; a reader takes the latest version of a value, and a version
 * lives from the work that makes it to its last reader.
 * @module
 */
import type { Life } from "./memory.ts";

/** Something to be done: a kernel, or an operation of the interpreter. */
export interface Work {
  /** Values that it reads, of those that works make. */
  readonly ins: readonly number[];
  /** Values that it makes. */
  readonly outs: readonly number[];
  /** Arithmetic operations. */
  readonly flops: number;
  /** What doing it again takes, in bytes moved or arithmetic that takes as long. */
  readonly cost: number;
}

/** Works, operands before users, and what their values take. */
export interface Program {
  readonly works: readonly Work[];
  /** Bytes of each value while it lives, aligned; 0 for what is kept elsewhere, as results are. */
  readonly bytes: readonly number[];
  /** Bytes of each value itself. */
  readonly sizes: readonly number[];
}

/** Indices of works in the order in which they are done. */
export type Order = readonly number[];

/** Arithmetic operations that take as long as moving a byte; targets differ around this. */
const flopsPerByte = 8;

/** What doing something again takes. */
export function costOf(flops: number, bytes: number): number {
  return bytes + flops / flopsPerByte;
}

/** The work that makes each value. */
export function makersOf({ works, bytes }: Program): Int32Array {
  const makers = new Int32Array(bytes.length).fill(-1);
  works.forEach(({ outs }, w) => outs.forEach((v) => makers[v] = w));
  return makers;
}

/** The versions of all values that take memory. */
export function livesOf({ works, bytes }: Program, order: Order): readonly Life[] {
  const lives: { bytes: number; from: number; to: number }[] = [];
  const latest = new Int32Array(bytes.length).fill(-1);
  order.forEach((w, i) => {
    for (const v of works[w].ins) if (bytes[v] > 0) lives[latest[v]].to = i;
    for (const v of works[w].outs) {
      if (bytes[v] > 0) latest[v] = lives.push({ bytes: bytes[v], from: i, to: i }) - 1;
    }
  });
  return lives;
}

/** Bytes that are alive while each work of an order is done. */
export function liveBytes(program: Program, order: Order): Float64Array {
  return summed(livesOf(program, order), order.length);
}

/** The most bytes that are alive at one work of an order: `livesOf` without making the lives. */
export function peakOf({ works, bytes }: Program, order: Order): number {
  const made = new Int32Array(bytes.length).fill(-1);
  const last = new Int32Array(bytes.length);
  const change = new Float64Array(order.length + 1);
  for (let i = 0; i < order.length; i++) {
    const { ins, outs } = works[order[i]];
    for (const v of ins) last[v] = i;
    for (const v of outs) {
      if (made[v] >= 0) change[last[v] + 1] -= bytes[v];
      made[v] = last[v] = i;
      change[i] += bytes[v];
    }
  }
  made.forEach((at, v) => {
    if (at >= 0) change[last[v] + 1] -= bytes[v];
  });
  let live = 0, peak = 0;
  for (const bytes of change) peak = Math.max(peak, live += bytes);
  return peak;
}

/** The most bytes of lives that are alive at one time. */
export function peakOfLives(lives: readonly Life[]): number {
  const length = lives.reduce((n, { to }) => Math.max(n, to + 1), 0);
  return summed(lives, length).reduce((a, b) => Math.max(a, b), 0);
}

function summed(lives: readonly Life[], length: number): Float64Array {
  const live = new Float64Array(length + 1);
  for (const { bytes, from, to } of lives) {
    live[from] += bytes;
    live[to + 1] -= bytes;
  }
  for (let i = 1; i < length; i++) live[i] += live[i - 1];
  return live.subarray(0, length);
}

/** What all works of an order take. */
export function totalCost({ works }: Program, order: Order): number {
  return order.reduce((sum, w) => sum + works[w].cost, 0);
}
