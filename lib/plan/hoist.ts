/**
 * An order that frees memory early: what ends in a result, such as the gradient of a parameter and
 * its update, comes right behind what it is made from, and not after the gradients of all layers.
 * @module
 */
import { makersOf, type Order, type Program } from "./schedule.ts";

/** A work that makes one byte of so many that it reads brings their end nearer. */
const reduction = 16;
/** Works that are moved together at most. */
const mostTogether = 32;

/** The works of a program, each as soon as it can be where that frees memory. */
export function hoisted(program: Program): Order {
  const { works, bytes } = program;
  const makers = makersOf(program);
  const readers: number[][] = bytes.map(() => []);
  works.forEach(({ ins }, w) => new Set(ins).forEach((v) => readers[v].push(w)));
  const left = readers.map((list) => list.length);
  const together = endings(program, readers);
  const done = new Uint8Array(works.length);
  const order: number[] = [];

  /** What follows from doing a work next: it and those that belong to it, as far as they are left. */
  const batchOf = (w: number) => together[w].filter((other) => !done[other]);

  /** Bytes that works free beyond what they add; undefined where they cannot or should not be next. */
  const gain = (batch: readonly number[]): number | undefined => {
    const own = new Set(batch);
    const times = new Map<number, number>();
    for (const w of batch) {
      for (const v of new Set(works[w].ins)) times.set(v, (times.get(v) ?? 0) + 1);
    }
    let freed = 0, largest = 0, added = 0;
    for (const [v, reads] of times) {
      if (own.has(makers[v])) continue;
      if (!done[makers[v]]) return undefined;
      if (left[v] === reads) freed += bytes[v];
      largest = Math.max(largest, bytes[v]);
    }
    for (const w of batch) {
      for (const v of works[w].outs) if (left[v] !== (times.get(v) ?? 0)) added += bytes[v];
    }
    const isWorth = added === 0 || freed > added || added <= largest / reduction;
    return isWorth ? freed - added : undefined;
  };
  const near = new Set<number>();
  const perform = (w: number) => {
    done[w] = 1;
    near.delete(w);
    order.push(w);
    for (const v of new Set(works[w].ins)) left[v]--;
    for (const v of [...works[w].ins, ...works[w].outs]) {
      for (const r of readers[v]) if (!done[r]) near.add(r);
    }
  };
  const next = (): readonly number[] | undefined => {
    let best: readonly number[] | undefined, most = -Infinity;
    for (const w of near) {
      const batch = batchOf(w);
      const gained = gain(batch);
      if (gained === undefined || gained < most) continue;
      if (gained === most && batch[0] > best![0]) continue;
      [best, most] = [batch, gained];
    }
    return best;
  };
  works.forEach((_, first) => {
    if (done[first]) return;
    perform(first);
    for (let batch = next(); batch; batch = next()) batch.forEach(perform);
  });
  return order;
}

/**
 * Works that belong together, for each work: a last one, whose values several or none read, and what
 * is done for nothing but it, in order.
 */
function endings({ works }: Program, readers: readonly (readonly number[])[]): readonly number[][] {
  const last = new Int32Array(works.length);
  const members = new Map<number, number[]>();
  for (let w = works.length - 1; w >= 0; w--) {
    const users = new Set(works[w].outs.flatMap((v) => readers[v].map((r) => last[r])));
    const [only] = users;
    last[w] = users.size === 1 ? only : w;
    members.set(last[w], [w, ...members.get(last[w]) ?? []]);
  }
  return works.map((_, w) => {
    const list = members.get(last[w])!;
    return list.length <= mostTogether ? list : [w];
  });
}
