/**
 * A picture of cards and edges as SVG. It is cut into tiles, so that a page can leave out what is
 * not in sight.
 * @module
 */
import { type Card, type Cards, cardStyle } from "./cards.ts";
import { escaped } from "./escape.ts";
import type { GraphData } from "./graph_data.ts";
import type { Box, Layout, Point, Route } from "./layered.ts";

/** The sides of a tile; small enough that a screen shows a few, large enough that there are few. */
const tile = { width: 2400, height: 1600 };

/** The room around the picture. */
const margin = 24;

/** The text of the picture; cards have the ids `c0`, `c1` …, edges `e0`, `e1` … */
export function pictureSvg({ nodes }: GraphData, { cards }: Cards, layout: Layout): string {
  const { width, height, boxes, routes } = layout;
  const frame = [-margin, -margin, Math.ceil(width) + 2 * margin, Math.ceil(height) + 2 * margin];
  const edges = routes.map((route, i) => ({ box: boxOf(route.points), text: edgeText(route, i) }));
  const marks = cards.map((card, i) => ({
    box: boxes[i],
    text: cardText(card, i, boxes[i], `${nodes[card.node].family} ${nodes[card.node].role}`),
  }));
  return `<svg id="picture" viewBox="${frame.join(" ")}" tabindex="0" role="group"
  aria-label="The graph: arrow keys walk along it" xmlns="http://www.w3.org/2000/svg">
<defs>
${tip("tip", 7)}
${tip("near", 9)}
</defs>
<g id="world">
<g id="edges">
${tiles(edges)}
</g>
<g id="front"></g>
<g id="nodes">
${tiles(marks)}
</g>
</g>
</svg>`;
}

function tip(id: string, size: number): string {
  return `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="${size}"
  markerHeight="${size}" orient="auto" markerUnits="userSpaceOnUse"><path d="M0 .5 8 4 0 7.5z"/></marker>`;
}

interface Mark {
  readonly box: Box;
  readonly text: string;
}

/** Marks in groups; a group says how far its marks reach. Long edges are groups of their own. */
function tiles(marks: readonly Mark[]): string {
  const groups = new Map<string, Mark[]>();
  for (const mark of marks) {
    const { x, y, width, height } = mark.box;
    const long = width > tile.width || height > tile.height;
    const key = `${Math.floor(x / tile.width)} ${Math.floor(y / tile.height)} ${long}`;
    groups.set(key, [...groups.get(key) ?? [], mark]);
  }
  return [...groups.values()].map((group) => {
    const reach = [
      Math.min(...group.map(({ box }) => box.x)),
      Math.min(...group.map(({ box }) => box.y)),
      Math.max(...group.map(({ box }) => box.x + box.width)),
      Math.max(...group.map(({ box }) => box.y + box.height)),
    ].map(Math.round);
    return `<g data-reach="${reach.join(" ")}">\n${group.map(({ text }) => text).join("\n")}\n</g>`;
  }).join("\n");
}

function boxOf(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** A loose edge shows its two ends only; a page draws all of it when one of them is chosen. */
function edgeText({ points, loose }: Route, i: number): string {
  if (!loose) return `<path id="e${i}" class="edge" d="${pathOf(points)}"/>`;
  const [[x0, y0], [x1, y1]] = [points[0], points[points.length - 1]].map((p) => p.map(short));
  const ends = `M${x0} ${y0}v24M${x1} ${short(Number(y1) - 24)}v24`;
  return `<path id="e${i}" class="edge loose" data-ends="${x0} ${y0} ${x1} ${y1}" d="${ends}"/>`;
}

/** Verticals stay straight; everything else is a curve that leaves and arrives vertically. */
function pathOf(points: readonly Point[]): string {
  const [[x0, y0]] = points;
  const steps = points.slice(1).map(([x, y], i) => {
    const [px, py] = points[i];
    if (x === px) return `V${short(y)}`;
    const bend = Math.min(160, (y - py) / 2);
    return `C${short(px)} ${short(py + bend)} ${short(x)} ${short(y - bend)} ${short(x)} ${
      short(y)
    }`;
  });
  return `M${short(x0)} ${short(y0)}${steps.join("")}`;
}

function cardText(card: Card, i: number, box: Box, classes: string): string {
  const { title, note, lines, width, height } = card;
  const label = [title, note, ...lines.map(({ text }) => text)].filter(Boolean).join(", ");
  const rows = lines.map(({ text, kind, node }, k) => {
    const y = cardStyle.first + (k + 1) * cardStyle.step;
    const of = node === undefined ? "" : ` data-node="${node}"`;
    return `<text class="row ${kind}" x="${cardStyle.left}" y="${y}"${of}>${escaped(text)}</text>`;
  });
  const end = width - cardStyle.right;
  return `<g id="c${i}" class="node ${classes}" data-node="${card.node}" transform="translate(${
    short(box.x)
  } ${short(box.y)})" role="button" tabindex="-1" aria-label="${escaped(label)}">` +
    `<rect class="card" width="${width}" height="${height}" rx="6"/>` +
    `<path class="bar" d="M6 0H4.5V${height}H6A6 6 0 0 1 0 ${height - 6}V6A6 6 0 0 1 6 0z"/>` +
    `<text class="title" x="${cardStyle.left}" y="${cardStyle.first}">${escaped(title)}</text>` +
    (note ? `<text class="note" x="${end}" y="${cardStyle.first}">${escaped(note)}</text>` : "") +
    `${rows.join("")}</g>`;
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
