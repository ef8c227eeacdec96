/**
 * Memory planning: lifetimes over the steps to offsets in arenas. Largest values first, each at the
 * lowest place that is free for its whole life, so the peak is exact before anything runs.
 * @module
 */

import type { SlotId, Step } from "../core/plan.ts";
import type { Limits } from "../core/target.ts";

/** One value's life: from the step that writes it to the last step that reads it. */
export interface Life {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/** Where a value was put. */
export interface Place {
  readonly arena: number;
  readonly offset: number;
}

/** Places for all lives, the arenas' sizes, and the least that any placement would need. */
export interface Assignment {
  readonly places: readonly Place[];
  readonly arenas: readonly number[];
  readonly lowerBound: number;
}

/** The first and the last step that touch each slot. */
export function slotLives(
  steps: readonly Step[],
): ReadonlyMap<SlotId, { readonly from: number; readonly to: number }> {
  const lives = new Map<SlotId, { from: number; to: number }>();
  steps.forEach((step, i) => {
    for (const id of step.kind === "kernel" ? step.slots : [step.from, step.to]) {
      const life = lives.get(id);
      if (life) life.to = i;
      else lives.set(id, { from: i, to: i });
    }
  });
  return lives;
}

/** Assigns offsets; `align` in bytes, no arena larger than `largest`. */
export function assign(lives: readonly Life[], align: number, largest: number): Assignment {
  const up = (n: number) => Math.ceil(n / align) * align;
  const places = new Array<Place>(lives.length);
  const arenas: number[] = [];
  const placed: number[][] = [];
  const order = lives.map((_, i) => i).sort((a, b) =>
    lives[b].bytes - lives[a].bytes || lives[a].from - lives[b].from || a - b
  );
  for (const i of order) {
    const need = up(lives[i].bytes);
    let put: Place | undefined;
    for (let arena = 0; arena < arenas.length && !put; arena++) {
      const offset = lowest(i, need, placed[arena], lives, places, up);
      if (offset + need <= largest) put = { arena, offset };
    }
    if (!put) {
      put = { arena: arenas.length, offset: 0 };
      arenas.push(0);
      placed.push([]);
    }
    places[i] = put;
    placed[put.arena].push(i);
    arenas[put.arena] = Math.max(arenas[put.arena], put.offset + need);
  }
  return { places, arenas, lowerBound: liveBytes(lives, up) };
}

/** Bytes of the arenas that lives take within some limits. */
export function arenaBytesOf(
  lives: readonly Life[],
  { align, bindingBytes }: Pick<Limits, "align" | "bindingBytes">,
): number {
  return assign(lives, align, bindingBytes).arenas.reduce((a, b) => a + b, 0);
}

function lowest(
  i: number,
  need: number,
  others: readonly number[],
  lives: readonly Life[],
  places: readonly Place[],
  up: (n: number) => number,
): number {
  const meets = others.filter((j) => lives[j].from <= lives[i].to && lives[i].from <= lives[j].to)
    .map((j) => ({ at: places[j].offset, end: places[j].offset + up(lives[j].bytes) }))
    .sort((a, b) => a.at - b.at);
  let offset = 0;
  for (const { at, end } of meets) {
    if (offset + need <= at) break;
    offset = Math.max(offset, end);
  }
  return offset;
}

/** The largest sum of values alive at one step. */
function liveBytes(lives: readonly Life[], up: (n: number) => number): number {
  const change = new Map<number, number>();
  for (const { bytes, from, to } of lives) {
    change.set(from, (change.get(from) ?? 0) + up(bytes));
    change.set(to + 1, (change.get(to + 1) ?? 0) - up(bytes));
  }
  let live = 0, peak = 0;
  for (const step of [...change.keys()].sort((a, b) => a - b)) {
    live += change.get(step)!;
    peak = Math.max(peak, live);
  }
  return peak;
}
