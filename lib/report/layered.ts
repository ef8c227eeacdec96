/**
 * A layered picture of a graph without circles, after Sugiyama: rows, an order within them, places,
 * and a way for each edge. Plain numbers in and out; nothing is drawn here. 3,000 nodes take well
 * under a second.
 * @module
 */
import { type Layers, layersOf } from "./layers.ts";
import { ordered } from "./order.ts";
import { placed } from "./place.ts";
import { type Link, ranksOf } from "./ranks.ts";

/** How much room a node takes. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A node's place: its left upper corner and its size. */
export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

/** A point of an edge's way. */
export type Point = readonly [x: number, y: number];

/** The way of an edge. */
export interface Route {
  /** From the lower edge of one box to the upper edge of the other, never going up. */
  readonly points: readonly Point[];
  /** True for an edge so long that it is not led around other boxes. */
  readonly loose: boolean;
}

/** Distances in a picture. */
export interface Spacing {
  /** Between boxes of a row. */
  readonly column: number;
  /** Between rows; more where edges go far to the side. */
  readonly row: number;
  /** Between edges that pass a row, and from them to boxes it is half as much again. */
  readonly lane: number;
  /** The most bends of edges; beyond it the longest edges are loose. */
  readonly bends: number;
}

/** Where everything stands. */
export interface Layout extends Size {
  /** One a node, in order. */
  readonly boxes: readonly Box[];
  /** One an edge, in order. */
  readonly routes: readonly Route[];
}

const usual: Spacing = { column: 24, row: 36, lane: 10, bends: 30_000 };

/** Lays a graph out: nodes by their sizes, edges by the positions of their ends. */
export function layered(
  sizes: readonly Size[],
  links: readonly Link[],
  spacing: Partial<Spacing> = {},
): Layout {
  const space = { ...usual, ...spacing };
  const nodes = sizes.length;
  const layers = layersOf(ranksOf(nodes, links), links, space.bends);
  const rows = ordered(layers);
  const half = (cell: number) => cell < nodes ? sizes[cell].width / 2 : 0;
  const xs = placed(rows, layers, (a, b) => {
    const gap = a < nodes && b < nodes ? space.column : space.lane;
    const mixed = (a < nodes) !== (b < nodes) ? 1.5 : 1;
    return half(a) + half(b) + gap * mixed;
  });
  const left = rows.flat().reduce(
    (least, cell) => Math.min(least, xs[cell] - half(cell)),
    Infinity,
  );
  const middle = xs.map((x) => Math.round((x - left) * 2) / 2);
  const { tops, bottoms, height } = bands(rows, layers, sizes, middle, space.row);
  const boxes: Box[] = [...sizes.map(({ width, height }) => ({ x: 0, y: 0, width, height }))];
  const rowOf = new Int32Array(layers.count);
  rows.forEach((row, r) => row.forEach((cell) => rowOf[cell] = r));
  sizes.forEach(({ width, height }, node) => {
    const r = rowOf[node];
    const y = (tops[r] + bottoms[r] - height) / 2;
    boxes[node] = { x: middle[node] - width / 2, y, width, height };
  });
  return {
    width: boxes.reduce((most, b) => Math.max(most, b.x + b.width), middle.reduce(larger, 0)),
    height,
    boxes,
    routes: routesOf(layers, boxes, middle, rowOf, tops, bottoms),
  };
}

function larger(a: number, b: number): number {
  return Math.max(a, b);
}

/** Where rows begin and end; a gap grows with how far to the side its edges go. */
function bands(
  rows: readonly (readonly number[])[],
  { below }: Layers,
  sizes: readonly Size[],
  middle: Float64Array,
  gap: number,
): { readonly tops: number[]; readonly bottoms: number[]; readonly height: number } {
  const tops: number[] = [];
  const bottoms: number[] = [];
  let y = 0;
  for (const row of rows) {
    const tall = row.reduce((most, cell) => Math.max(most, sizes[cell]?.height ?? 0), 0);
    tops.push(y);
    bottoms.push(y + tall);
    const aside = row.reduce(
      (most, cell) =>
        below[cell].reduce((n, other) => Math.max(n, Math.abs(middle[other] - middle[cell])), most),
      0,
    );
    y += tall + Math.max(gap, Math.min(3 * gap, aside / 8));
  }
  return { tops, bottoms, height: bottoms.at(-1) ?? 0 };
}

/** The ways of the edges: curves between rows, straight past a row. */
function routesOf(
  { chains, loose, below, above }: Layers,
  boxes: readonly Box[],
  middle: Float64Array,
  rowOf: Int32Array,
  tops: readonly number[],
  bottoms: readonly number[],
): Route[] {
  const outs = boxes.map((box, node) => ports(box, middle[node], below[node], middle));
  const ins = boxes.map((box, node) => ports(box, middle[node], above[node], middle));
  return chains.map((chain, i) => {
    const [from, to] = [chain[0], chain[chain.length - 1]];
    const [source, target] = [boxes[from], boxes[to]];
    const begin = outs[from].get(chain[1]) ?? middle[from];
    const end = ins[to].get(chain[chain.length - 2]) ?? middle[to];
    const points: Point[] = [[begin, source.y + source.height]];
    if (!loose[i]) {
      points.push([begin, bottoms[rowOf[from]]]);
      for (const bend of chain.slice(1, -1)) {
        points.push([middle[bend], tops[rowOf[bend]]], [middle[bend], bottoms[rowOf[bend]]]);
      }
      points.push([end, tops[rowOf[to]]]);
    }
    points.push([end, target.y]);
    return { points: straightened(points), loose: loose[i] };
  });
}

/** Where edges meet a box, by the neighbour that they come from: spread in the neighbours' order. */
function ports(
  box: Box,
  middle: number,
  neighbours: readonly number[],
  at: Float64Array,
): ReadonlyMap<number, number> {
  const order = [...neighbours].sort((a, b) => at[a] - at[b]);
  const step = Math.min(12, (box.width - 16) / Math.max(1, order.length));
  const first = middle - step * (order.length - 1) / 2;
  return new Map(order.map((other, i) => [other, Math.round((first + i * step) * 2) / 2]));
}

/** Without points that repeat or lie on a vertical between two others. */
function straightened(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of points) {
    const [a, b] = kept.slice(-2);
    if (b && b[0] === point[0] && b[1] === point[1]) continue;
    if (b && a[0] === b[0] && b[0] === point[0]) kept.pop();
    kept.push(point);
  }
  return kept;
}
