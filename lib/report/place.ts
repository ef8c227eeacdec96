/**
 * Where cells stand from left to right, after Brandes and Köpf: cells are aligned with a median
 * neighbour in four ways, each way is made as narrow as the distances allow, and a cell takes the
 * mean of the middle two. Long edges come out straight.
 * @module
 */
import type { Layers } from "./layers.ts";

/** The least distance between the middles of two cells, the first on the left of the second. */
export type Distance = (left: number, right: number) => number;

/** The middle of each cell. */
export function placed(
  rows: readonly (readonly number[])[],
  layers: Layers,
  distance: Distance,
): Float64Array {
  const at = new Int32Array(layers.count);
  for (const row of rows) row.forEach((cell, i) => at[cell] = i);
  const conflicts = new Set([...conflictsOf(rows, layers, at), ...freed(layers)]);
  const ways: Float64Array[] = [];
  for (const down of [true, false]) {
    for (const left of [true, false]) {
      const turned = rows.map((row) => left ? row : [...row].reverse());
      const ordered = down ? turned : turned.reverse();
      const place = left ? at : mirrored(rows, layers.count);
      const neighbours = down ? layers.above : layers.below;
      const { root, align } = aligned(ordered, neighbours, place, conflicts);
      const apart: Distance = left ? distance : (a, b) => distance(b, a);
      const xs = compacted(ordered, root, align, apart);
      ways.push(left ? xs : xs.map((x) => -x));
    }
  }
  return balanced(ways);
}

function mirrored(rows: readonly (readonly number[])[], count: number): Int32Array {
  const at = new Int32Array(count);
  for (const row of rows) row.forEach((cell, i) => at[cell] = row.length - 1 - i);
  return at;
}

/** Edges that cross one between two bends; they give way, so that long edges stay straight. */
function conflictsOf(
  rows: readonly (readonly number[])[],
  { above, nodes }: Layers,
  at: Int32Array,
): ReadonlySet<number> {
  const found = new Set<number>();
  for (let r = 1; r < rows.length; r++) {
    const row = rows[r];
    let [left, next] = [0, 0];
    row.forEach((cell, i) => {
      const inner = cell >= nodes ? above[cell].find((other) => other >= nodes) : undefined;
      if (inner === undefined && i < row.length - 1) return;
      const right = inner === undefined ? rows[r - 1].length - 1 : at[inner];
      for (; next <= i; next++) {
        for (const other of above[row[next]]) {
          const outside = at[other] < left || at[other] > right;
          if (outside && !(other >= nodes && row[next] >= nodes)) found.add(pair(other, row[next]));
        }
      }
      left = right;
    });
  }
  return found;
}

/** Long edges of at least this many bends are not aligned with the boxes at their ends. */
const long = 7;

/**
 * The first and the last piece of every long edge. If a long edge stood in line with its box, the
 * edges beside it would have to keep a box's distance all along; so they stand close, and bend at
 * their ends.
 */
function freed({ above, below, nodes, count }: Layers): number[] {
  const [up, down] = [new Int32Array(count), new Int32Array(count)];
  // bends of an edge are numbered from top to bottom
  for (let bend = nodes; bend < count; bend++) {
    const [over] = above[bend];
    up[bend] = over >= nodes ? up[over] + 1 : 1;
  }
  for (let bend = count - 1; bend >= nodes; bend--) {
    down[bend] = below[bend].reduce((n, o) => o >= nodes ? Math.max(n, down[o] + 1) : n, 1);
  }
  const found: number[] = [];
  for (let bend = nodes; bend < count; bend++) {
    const [over] = above[bend];
    if (over < nodes && down[bend] >= long) found.push(pair(over, bend));
    if (up[bend] < long) continue;
    for (const under of below[bend]) if (under < nodes) found.push(pair(bend, under));
  }
  return found;
}

function pair(a: number, b: number): number {
  return Math.min(a, b) * 2 ** 26 + Math.max(a, b);
}

/** Blocks of cells that share a place: `root` is a block's first cell, `align` the next one. */
interface Blocks {
  readonly root: Int32Array;
  readonly align: Int32Array;
}

function aligned(
  rows: readonly (readonly number[])[],
  neighbours: readonly (readonly number[])[],
  at: Int32Array,
  conflicts: ReadonlySet<number>,
): Blocks {
  const root = Int32Array.from(at, (_, cell) => cell);
  const align = root.slice();
  for (const row of rows) {
    let last = -1;
    for (const cell of row) {
      const list = [...neighbours[cell]].sort((a, b) => at[a] - at[b]);
      if (list.length === 0) continue;
      const middle = (list.length - 1) / 2;
      for (let m = Math.floor(middle); m <= Math.ceil(middle); m++) {
        const other = list[m];
        if (align[cell] !== cell || last >= at[other] || conflicts.has(pair(other, cell))) continue;
        align[other] = cell;
        root[cell] = root[other];
        align[cell] = root[other];
        last = at[other];
      }
    }
  }
  return { root, align };
}

/** Each block as far left as its left neighbours allow, then as far right as costs no width. */
function compacted(
  rows: readonly (readonly number[])[],
  root: Int32Array,
  align: Int32Array,
  distance: Distance,
): Float64Array {
  const after: [other: number, least: number][][] = Array.from(root, () => []);
  const waits = new Int32Array(root.length);
  for (const row of rows) {
    for (let i = 1; i < row.length; i++) {
      const [a, b] = [root[row[i - 1]], root[row[i]]];
      after[a].push([b, distance(row[i - 1], row[i])]);
      waits[b]++;
    }
  }
  const order = rows.flat().filter((cell) => root[cell] === cell && waits[cell] === 0);
  const x = new Float64Array(root.length);
  for (let i = 0; i < order.length; i++) {
    for (const [other, least] of after[order[i]]) {
      x[other] = Math.max(x[other], x[order[i]] + least);
      if (--waits[other] === 0) order.push(other);
    }
  }
  for (const block of order.reverse()) {
    const room = after[block].reduce(
      (n, [other, least]) => Math.min(n, x[other] - least),
      Infinity,
    );
    if (room < Infinity) x[block] = Math.max(x[block], room);
  }
  for (const block of order) {
    for (let cell = align[block]; cell !== block; cell = align[cell]) x[cell] = x[block];
  }
  return x;
}

/** The four ways put against the narrowest one; of each cell's four places the middle two count. */
function balanced(ways: readonly Float64Array[]): Float64Array {
  const spans = ways.map((xs) => ({
    low: xs.reduce((a, b) => Math.min(a, b), Infinity),
    high: xs.reduce((a, b) => Math.max(a, b), -Infinity),
  }));
  const narrowest = spans.reduce((a, b) => b.high - b.low < a.high - a.low ? b : a);
  const shifts = spans.map(({ low, high }, i) =>
    i % 2 === 0 ? narrowest.low - low : narrowest.high - high
  );
  return ways[0].map((_, cell) => {
    const [, a, b] = ways.map((xs, i) => xs[cell] + shifts[i]).sort((a, b) => a - b);
    return (a + b) / 2;
  });
}
