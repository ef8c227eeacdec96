/**
 * From strokes of a pen to the image that the network reads, made as MNIST's were: scaled to a box of
 * 20 × 20 pixels, antialiased, and moved so that the ink's centre of mass is the centre of 28 × 28.
 * Strokes are drawn anew at that size, with the pen of the training images, so that neither the
 * size of a drawing nor the width of its line matters.
 * @module
 */

/** A place on the drawing area, from 0 to 1 to the right and down. */
export type Point = readonly [x: number, y: number];

/** The way of a pen from touching down to lifting. */
export type Stroke = readonly Point[];

/** Pixels of a side. */
export const side = 28;

/** Pixels of a side of the box that the ink is scaled to. */
const box = 20;
/** Half the width of the pen, in pixels; MNIST's lines are some 2.5 pixels wide. */
const pen = 1.2;
/** Part of the drawing area below which a drawing is not enlarged further: a dot stays a dot. */
const smallest = 0.2;

/** The image [28 · 28], row by row; 0 is paper, 255/256 ink, in steps of 1/256 as in MNIST. */
export function digitImage(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> {
  const points = strokes.flat();
  if (points.length === 0) return new Float32Array(side * side);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [least(xs), most(xs), least(ys), most(ys)];
  const scale = (box - 2 * pen) / Math.max(right - left, bottom - top, smallest);
  const placed = (dx: number, dy: number) =>
    strokes.map((stroke) =>
      stroke.map(([x, y]): Point => [
        (x - (left + right) / 2) * scale + side / 2 + dx,
        (y - (top + bottom) / 2) * scale + side / 2 + dy,
      ])
    );
  const [x, y] = centre(inked(placed(0, 0)));
  // The ink stays inside the image, however uneven it is.
  const kept = (shift: number) => Math.max(-4, Math.min(4, shift));
  const image = inked(placed(kept(side / 2 - x), kept(side / 2 - y)));
  return image.map((v) => Math.round(v * 255) / 256);
}

/** How much of each pixel is ink. */
function inked(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> {
  const image = new Float32Array(side * side);
  const reach = pen + 1;
  for (const stroke of strokes) {
    stroke.forEach((to, i) => {
      const from = stroke[Math.max(0, i - 1)];
      const row = (y: number) => Math.max(0, Math.min(side, y));
      const first = row(Math.floor(Math.min(from[1], to[1]) - reach));
      const end = row(Math.ceil(Math.max(from[1], to[1]) + reach));
      for (let y = first; y < end; y++) {
        for (let x = 0; x < side; x++) {
          const ink = pen + 0.5 - distance([x + 0.5, y + 0.5], from, to);
          const at = y * side + x;
          if (ink > image[at]) image[at] = Math.min(1, ink);
        }
      }
    });
  }
  return image;
}

/** Distance of a point from a line's piece. */
function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((x - ax) * dx + (y - ay) * dy) / length;
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** The centre of mass of an image. */
function centre(image: Float32Array): Point {
  let mass = 0, x = 0, y = 0;
  image.forEach((v, i) => {
    mass += v;
    x += v * (i % side + 0.5);
    y += v * (Math.floor(i / side) + 0.5);
  });
  return mass === 0 ? [side / 2, side / 2] : [x / mass, y / mass];
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}
