/**
 * The row of each node of a layered picture: below everything it reads, and no further from its
 * neighbours than that asks for.
 * @module
 */
import { OptionError } from "../core/fault.ts";

/** An edge, from the node that gives to the node that reads, by position. */
export type Link = readonly [from: number, to: number];

/**
 * Rows by node: the longest path from the top, then each node with at least as many users as
 * operands goes down to its nearest user, so that arguments and constants stand above what reads
 * them. Throws OptionError if the links go round in a circle.
 */
export function ranksOf(count: number, links: readonly Link[]): Int32Array {
  const above = neighbours(count, links, 1, 0);
  const below = neighbours(count, links, 0, 1);
  const order = topological(above, below);
  const rank = new Int32Array(count);
  for (const node of order) {
    for (const user of below[node]) rank[user] = Math.max(rank[user], rank[node] + 1);
  }
  for (const node of order.reverse()) {
    if (below[node].length === 0 || below[node].length < above[node].length) continue;
    rank[node] = below[node].reduce((least, user) => Math.min(least, rank[user] - 1), count);
  }
  return rank;
}

/** The distinct neighbours of each node on one side, in the order of the links. */
function neighbours(count: number, links: readonly Link[], of: 0 | 1, other: 0 | 1): number[][] {
  const sets = Array.from({ length: count }, () => new Set<number>());
  for (const link of links) sets[link[of]].add(link[other]);
  return sets.map((set) => [...set]);
}

/** Operands before users, otherwise by position. */
function topological(
  above: readonly (readonly number[])[],
  below: readonly (readonly number[])[],
): number[] {
  const waits = above.map((list) => list.length);
  const order = waits.flatMap((n, node) => n === 0 ? [node] : []);
  for (let i = 0; i < order.length; i++) {
    for (const user of below[order[i]]) if (--waits[user] === 0) order.push(user);
  }
  if (order.length === above.length) return order;
  throw new OptionError("Cannot lay out this graph: its edges go round in a circle");
}
