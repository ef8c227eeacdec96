/**
 * From ranked nodes to rows of cells: a cell is a node, or a bend, the place where a long edge
 * passes a row. Edges of one node share their bends, so a value that is read in many rows comes
 * down as one trunk with branches; a row holds at most one bend for each value that is alive there.
 * @module
 */
import type { Link } from "./ranks.ts";

/** Rows of cells and how they hang together. */
export interface Layers {
  /** How many nodes. */
  readonly nodes: number;
  /** How many cells; the nodes come first, at their own positions. */
  readonly count: number;
  /** Cells of each row. */
  readonly rows: readonly (readonly number[])[];
  /** The cells in the row above that a cell hangs on. */
  readonly above: readonly (readonly number[])[];
  /** The cells in the row below that hang on a cell. */
  readonly below: readonly (readonly number[])[];
  /** The cells of each edge from top to bottom; for edges left out, only its two ends. */
  readonly chains: readonly (readonly number[])[];
  /** True for the edges that are too long to be led through the rows. */
  readonly loose: readonly boolean[];
}

/** Makes the rows. More than `most` bends are not made: the longest edges are left out instead. */
export function layersOf(rank: Int32Array, links: readonly Link[], most: number): Layers {
  const limit = longest(rank, links, most);
  const count = rank.length;
  const rows: number[][] = [];
  const above: number[][] = Array.from({ length: count }, () => []);
  const below: number[][] = Array.from({ length: count }, () => []);
  const trunks: number[][] = Array.from({ length: count }, () => []);
  rank.forEach((row, node) => (rows[row] ??= []).push(node));
  const joined = new Set<number>();
  const join = (a: number, b: number) => {
    const key = a * 2 ** 26 + b;
    if (joined.has(key)) return;
    joined.add(key);
    below[a].push(b);
    above[b].push(a);
  };
  const chains: number[][] = [];
  const loose: boolean[] = [];
  for (const [from, to] of links) {
    const span = rank[to] - rank[from];
    loose.push(span > limit);
    if (span > limit) {
      chains.push([from, to]);
      continue;
    }
    const trunk = trunks[from];
    while (trunk.length < span - 1) {
      const bend = above.length;
      rows[rank[from] + trunk.length + 1].push(bend);
      above.push([]);
      below.push([]);
      join(trunk.at(-1) ?? from, bend);
      trunk.push(bend);
    }
    join(span > 1 ? trunk[span - 2] : from, to);
    chains.push([from, ...trunk.slice(0, span - 1), to]);
  }
  return { nodes: count, count: above.length, rows, above, below, chains, loose };
}

/** The longest span such that edges up to it need at most `most` bends. */
function longest(rank: Int32Array, links: readonly Link[], most: number): number {
  const needed = (limit: number): number => {
    const trunk = new Int32Array(rank.length);
    for (const [from, to] of links) {
      const span = rank[to] - rank[from];
      if (span <= limit) trunk[from] = Math.max(trunk[from], span - 1);
    }
    return trunk.reduce((a, b) => a + b, 0);
  };
  let [low, high] = [1, Math.max(1, rank.reduce((a, b) => Math.max(a, b), 0))];
  if (needed(high) <= most) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (needed(middle) <= most) low = middle;
    else high = middle;
  }
  return low;
}
