/**
 * Eviction under a threshold, played on the static order: when memory would run over, the value that
 * is cheapest to have again for its size and for how long nobody reads it is given up, and computed
 * again when it is read. The next reader is known here, so the distance to it stands for staleness.
 * @module
 */
import type { Dtr } from "../core/target.ts";
import { makersOf, type Order, type Program } from "./schedule.ts";

/** Works that an order may have for each of the program's; past that it only thrashes. */
const mostAgain = 32;

/**
 * The order that never holds more than `most` bytes; undefined where eviction does not achieve it.
 */
export function evicting(
  program: Program,
  order: Order,
  most: number,
  { evicteeMinimumSize, recompMemoryFactor, recompTimeFactor }: Required<Dtr>,
): Order | undefined {
  const { works, bytes, sizes } = program;
  const makers = makersOf(program);
  const reads: number[][] = bytes.map(() => []);
  order.forEach((w, i) => new Set(works[w].ins).forEach((v) => reads[v].push(i)));
  const users: Set<number>[] = bytes.map(() => new Set());
  works.forEach(({ ins }, w) => ins.forEach((v) => users[v].add(w)));
  const isAlive = new Uint8Array(bytes.length);
  const wasMade = new Uint8Array(bytes.length);
  const pins = new Int32Array(bytes.length);
  const alive = new Set<number>();
  const out: number[] = [];
  let live = 0, at = 0;

  const nextRead = (v: number) => {
    const list = reads[v];
    while (list.length && list[0] < at) list.shift();
    return list[0] ?? Infinity;
  };
  const take = (v: number) => {
    wasMade[v] = 1;
    if (isAlive[v]) return;
    isAlive[v] = 1;
    alive.add(v);
    live += bytes[v];
  };
  const give = (v: number) => {
    if (!isAlive[v]) return;
    isAlive[v] = 0;
    alive.delete(v);
    live -= bytes[v];
  };
  const giveUnread = (list: readonly number[]) => {
    for (const v of list) if (pins[v] === 0 && bytes[v] > 0 && nextRead(v) === Infinity) give(v);
  };

  /** What having values again takes: time with those that it needs or that need it, and bytes. */
  function regained(v: number): { time: number; memory: number } {
    const above = new Set<number>([makers[v]]);
    let time = 0, memory = bytes[v];
    for (const w of above) {
      time += works[w].cost;
      for (const u of works[w].ins) {
        if (isAlive[u] || above.has(makers[u])) continue;
        above.add(makers[u]);
        memory += bytes[u];
      }
    }
    const below = new Set<number>([v]);
    for (const u of below) {
      for (const w of users[u]) {
        for (const o of works[w].outs) {
          if (!wasMade[o] || isAlive[o] || below.has(o) || nextRead(o) === Infinity) continue;
          below.add(o);
          time += works[w].cost;
        }
      }
    }
    return { time, memory };
  }

  function evict(): boolean {
    let worst = -1, least = Infinity;
    for (const v of alive) {
      if (bytes[v] === 0 || sizes[v] < evicteeMinimumSize || pins[v] > 0) continue;
      const { time, memory } = regained(v);
      const distance = nextRead(v) - at + 1;
      const score = time ** recompTimeFactor * memory ** recompMemoryFactor / bytes[v] / distance;
      if (score < least || (score === least && v < worst)) [worst, least] = [v, score];
    }
    if (worst >= 0) give(worst);
    return worst >= 0;
  }

  /** Does a work; what it reads comes first. False where memory does not suffice. */
  function perform(w: number): boolean {
    const { ins, outs } = works[w];
    for (const v of ins) pins[v]++;
    for (const v of ins) if (!isAlive[v] && !perform(makers[v])) return false;
    const need = () => outs.reduce((sum, v) => sum + (isAlive[v] ? 0 : bytes[v]), live);
    while (need() > most) if (!evict()) return false;
    if (out.push(w) > mostAgain * works.length) return false;
    outs.forEach(take);
    for (const v of ins) pins[v]--;
    giveUnread([...ins, ...outs]);
    return true;
  }

  for (const w of order) {
    if (!perform(w)) return undefined;
    at++;
    giveUnread([...alive]);
  }
  return out;
}
