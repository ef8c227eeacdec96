/**
 * Keeping borders instead of everything. The order is cut into blocks; what the next block reads
 * is kept, what only later blocks read is dropped and computed again, from the borders of its block,
 * when the first of them needs it. Where to cut is searched by thresholds, by moving cuts, and by
 * mutation and crossover; it is the same search each time.
 * @module
 */
import type { SublinearMemory } from "../core/target.ts";
import { type Cuts, evolve } from "./evolve.ts";
import { makersOf, type Order, peakOf, type Program, totalCost } from "./schedule.ts";

/** An order that some cuts lead to. */
export interface Candidate {
  readonly order: Order;
  /** The most bytes alive at one work. */
  readonly peak: number;
  /** What all its works take. */
  readonly cost: number;
}

/** What some cuts lead to; the order is made again when it is wanted, since there are many. */
interface Cut extends Omit<Candidate, "order"> {
  readonly cuts: Cuts;
}

/** Works that are gone through to make a search better that has found something. */
const effort = 200_000;
/** Cuts that are made better, and orders that come of them: which lies best is known in an arena. */
const mostOffered = 3;

/** Orders that hold less at one time, best first. */
export function sublinear(
  program: Program,
  order: Order,
  options: Required<Omit<SublinearMemory, "numWorker">>,
): readonly Candidate[] {
  const { threshNrTry, geneticNrIter, geneticPoolSize, lbMemoryMb } = options;
  const recompute = recomputing(program, order);
  const across = crossings(program, order);
  const whole = peakOf(program, order);
  const seen = new Map<string, Cut>();
  const leaders: Cut[] = [];
  const attempt = (cuts: Cuts): Cut => {
    const key = cuts.join();
    let found = seen.get(key);
    if (!found) {
      const made = recompute(cuts, new Set());
      found = { cuts, peak: peakOf(program, made), cost: totalCost(program, made) };
      seen.set(key, found);
      leaders.push(found);
      leaders.sort(better).splice(Math.max(geneticPoolSize, mostOffered));
    }
    return found;
  };
  const thresholds = new Map<number, Cut>();
  const under = (bytes: number) => {
    if (bytes >= 1) thresholds.set(bytes, attempt(cutsAt(program, order, across, bytes)));
  };

  for (let bytes = whole / 2; bytes >= 1024; bytes /= 2) under(bytes);
  for (let i = 1; i <= threshNrTry; i++) under(whole * i / (threshNrTry + 1));
  const start = [...thresholds].sort(([, a], [, b]) => better(a, b))[0]?.[0];
  for (let i = 0; start !== undefined && i < threshNrTry; i++) {
    under(start / 2 + 1.5 * start * i / Math.max(1, threshNrTry - 1));
  }

  const tries = Math.ceil(effort / (order.length * mostOffered));
  const improve = () => {
    for (const cut of leaders.slice(0, mostOffered)) moved(cut, order.length, tries, attempt);
  };
  improve();
  if (geneticNrIter > 0) {
    const parents = () => leaders.slice(0, geneticPoolSize);
    evolve(geneticNrIter, order.length, parents, attempt);
    improve();
  }
  const least = lbMemoryMb * 2 ** 20;
  return leaders.slice(0, mostOffered).map((cut) => refined(program, cut, least, tries, recompute))
    .sort(better);
}

function better(
  a: Omit<Candidate, "order">,
  b: Omit<Candidate, "order">,
): number {
  return a.peak - b.peak || a.cost - b.cost;
}

/** Bytes that lie across each position and are read soon: what a cut there keeps. */
function crossings({ works, bytes }: Program, order: Order): Float64Array {
  const soon = 2 * Math.ceil(Math.sqrt(order.length));
  const change = new Float64Array(order.length + 1);
  const at = new Int32Array(bytes.length);
  order.forEach((w, i) => {
    for (const v of new Set(works[w].ins)) {
      if (i - at[v] <= soon) {
        change[at[v] + 1] += bytes[v];
        change[i + 1] -= bytes[v];
      }
      at[v] = i;
    }
    for (const v of works[w].outs) at[v] = i;
  });
  for (let i = 1; i <= order.length; i++) change[i] += change[i - 1];
  return change;
}

/**
 * Cuts behind which the values of a block that are alive have reached so many bytes: where little
 * lies across, for which a block may grow by half.
 */
function cutsAt(
  { works, bytes }: Program,
  order: Order,
  across: Float64Array,
  most: number,
): Cuts {
  const left = new Int32Array(bytes.length);
  for (const w of order) for (const v of works[w].ins) left[v]++;
  const cuts: number[] = [];
  let own = new Set<number>();
  let sum = 0, start = 0, full = 0;
  order.forEach((w, i) => {
    for (const v of works[w].outs) {
      own.add(v);
      sum += bytes[v];
    }
    for (const v of works[w].ins) {
      if (--left[v] === 0 && own.delete(v)) sum -= bytes[v];
    }
    if (sum >= most && full === 0) full = i + 1;
    if (full === 0 || i === order.length - 1) return;
    const least = across.subarray(start + 1, full + 1).reduce((a, b) => Math.min(a, b));
    if (across[i + 1] > least && 2 * (i + 1 - full) < full - start) return;
    cuts.push(start = i + 1);
    own = new Set();
    [sum, full] = [0, 0];
  });
  return cuts;
}

/** How an order is changed by cuts; values made by `kept` works are never dropped. */
function recomputing(
  program: Program,
  order: Order,
): (cuts: Cuts, kept: ReadonlySet<number>) => Order {
  const { works, bytes } = program;
  const makers = makersOf(program);
  const place = new Int32Array(works.length);
  order.forEach((w, i) => place[w] = i);
  const reads: number[][] = bytes.map(() => []);
  order.forEach((w, i) => works[w].ins.forEach((v) => reads[v].push(i)));
  return (cuts, kept) => {
    const block = new Int32Array(order.length);
    for (let i = 0, b = 0; i < order.length; i++) {
      if (i === cuts[b]) b++;
      block[i] = b;
    }
    // The next block reads what is kept; the rest is gone when a later block wants it.
    const isDropped = new Uint8Array(bytes.length);
    bytes.forEach((size, v) => {
      if (size === 0 || kept.has(makers[v])) return;
      const home = block[place[makers[v]]];
      const next = reads[v].find((i) => block[i] > home);
      if (next === undefined || block[next] > home + 1) isDropped[v] = 1;
    });
    const out: number[] = [];
    order.forEach((w, i) => {
      const isGone = (v: number) => isDropped[v] && block[i] > block[place[makers[v]]];
      const wanted = works[w].ins.filter(isGone);
      if (!wanted.length) return void out.push(w);
      const again = new Set<number>();
      for (let v = wanted.pop(); v !== undefined; v = wanted.pop()) {
        if (again.has(makers[v])) continue;
        again.add(makers[v]);
        wanted.push(...works[makers[v]].ins.filter(isGone));
      }
      for (const r of [...again].sort((a, b) => place[a] - place[b])) {
        out.push(r);
        for (const v of works[r].outs) isDropped[v] = 0;
      }
      out.push(w);
    });
    return out;
  };
}

/** Moves each cut, leaves it out or puts one beside it, while that makes the peak lower. */
function moved(cut: Cut, length: number, tries: number, attempt: (cuts: Cuts) => Cut): void {
  let found = cut;
  let left = tries;
  for (let isBetter = true; isBetter && left > 0;) {
    isBetter = false;
    for (let i = 0; i < found.cuts.length && left > 0; i++) {
      for (const change of changes) {
        const { cuts } = found;
        const own = change.map((by) => cuts[i] + by);
        const others = cuts.filter((_, k) => k !== i);
        const next = [...new Set([...others, ...own])].filter((at) => at > 0 && at < length);
        const made = attempt(next.sort((a, b) => a - b));
        left--;
        if (better(made, found) >= 0) continue;
        [found, isBetter] = [made, true];
        if (i >= found.cuts.length) break;
      }
    }
  }
}

/** What may stand for a cut, as distances from it. */
const changes: readonly (readonly number[])[] = [
  ...[[-1], [1], [-2], [2], [-4], [4], [-8], [8], []],
  ...[[-5, 0], [0, 5], [-12, 0], [0, 12]],
];

/** Keeps what need not be done again, dearest first, while the peak stays or is under `least`. */
function refined(
  program: Program,
  cut: Cut,
  least: number,
  tries: number,
  recompute: (cuts: Cuts, kept: ReadonlySet<number>) => Order,
): Candidate {
  const { works } = program;
  const kept = new Set<number>();
  const { cuts, ...rest } = cut;
  let found: Candidate = { ...rest, order: recompute(cuts, kept) };
  const times = new Int32Array(works.length);
  for (const w of found.order) times[w]++;
  const again = [...times.keys()].filter((w) => times[w] > 1)
    .sort((a, b) => works[b].cost - works[a].cost || a - b);
  for (const w of again.slice(0, tries)) {
    kept.add(w);
    const order = recompute(cuts, kept);
    const peak = peakOf(program, order);
    const cost = totalCost(program, order);
    if (peak <= Math.max(found.peak, least) && cost < found.cost) found = { order, peak, cost };
    else kept.delete(w);
  }
  return found;
}
