/**
 * Boxes cut into bins of whole pixels: which pixels an element of a pooled box covers.
 * @module
 */
import { guarded } from "../core/form.ts";
import type { Host } from "../core/host.ts";
import { axesOf, constant } from "../core/index.ts";
import type { At } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Type } from "../core/type.ts";
import { maximum, minimum } from "./arithmetic.ts";
import { iota } from "./create.ts";
import { type Numbers, scalars, terms } from "./numbers.ts";
import { as } from "./select.ts";
import { reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";

/** How boxes are cut. */
export interface Bins {
  readonly size: readonly number[];
  readonly scale: number;
}

/** The pixels that an element of a pooled box covers. */
export interface Bin<T> {
  readonly low: T;
  readonly high: T;
}

function binOf(
  first: number,
  last: number,
  scale: number,
  extents: readonly [pooled: number, pixels: number],
  at: number,
): Bin<number> {
  const f = Math.fround;
  const away = (x: number) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
  const low = away(f(first * scale));
  const step = f(Math.max(away(f(last * scale)) - low + 1, 1) / extents[0]);
  const inside = (v: number) => Math.min(Math.max(v + low, 0), extents[1]);
  return { low: inside(Math.floor(f(at * step))), high: inside(Math.ceil(f((at + 1) * step))) };
}

/** The pixels of one bin, of numbers or of terms. */
export function binTerm<T>(
  n: Numbers<T>,
  [first, last]: readonly [T, T],
  scale: number,
  extents: readonly [pooled: number, pixels: number],
  at: T,
): Bin<T> {
  // halves go away from zero
  const rounded = (x: T) => {
    const size = n.floor(n.add(n.abs(n.mul(x, scale)), 0.5));
    return n.int(n.where(n.lt(x, 0), n.sub(0, size), size));
  };
  const low = rounded(first);
  const whole = n.max(n.add(n.sub(rounded(last), low), 1), 1);
  const step = n.div(n.float(whole), extents[0]);
  const inside = (v: T) => n.min(n.max(n.add(n.int(v), low), 0), extents[1]);
  const place = n.float(at);
  return {
    low: inside(n.floor(n.mul(place, step))),
    high: inside(n.sub(0, n.floor(n.sub(0, n.mul(n.add(place, 1), step))))),
  };
}

/** Rows and columns of each bin as masks (f32) [m,oh,h] and [m,ow,w], and its image [m]. */
export function binMasks(
  rois: Tensor,
  { size, scale }: Bins,
  shape: readonly number[],
) {
  const m = rois.shape[0];
  const corner = (k: number) =>
    reshape(sliceFn(rois, { begin: [0, k], size: [m, 1], step: [1, 1] }), { shape: [m, 1, 1] });
  const mask = (low: number, i: 0 | 1) => {
    const [pooled, pixels] = [size[i], shape[2 + i]];
    const at = iota({ shape: [1, pooled, 1], axis: 1 });
    const bin = binTerm(terms, [corner(low), corner(low + 2)], scale, [pooled, pixels], at);
    const pixel = iota({ shape: [1, 1, pixels], axis: 2 });
    return as(terms.and(terms.le(bin.low, pixel), terms.lt(pixel, bin.high)), "f32");
  };
  const image = minimum(maximum(as(reshape(corner(0), { shape: [m] }), "i32"), 0), shape[0] - 1);
  return { rows: mask(2, 0), columns: mask(1, 1), image };
}

/** The box, rows and columns of an element, and the pixel that is looked at. */
export function looking(at: At, x: Type, attrs: Bins, out: Type) {
  const [m, c, oh, ow] = axesOf(out.shape);
  const [y, q] = axesOf(x.shape.slice(2), 4);
  const corner = (k: number) => at(1, [m, constant(k)]);
  const rows = binTerm(
    scalars,
    [corner(2), corner(4)],
    attrs.scale,
    [attrs.size[0], x.shape[2]],
    oh,
  );
  const columns = binTerm(
    scalars,
    [corner(1), corner(3)],
    attrs.scale,
    [attrs.size[1], x.shape[3]],
    ow,
  );
  const image = s.min(s.max(s.toI32(corner(0)), 0), x.shape[0] - 1);
  const within = (v: Scalar, { low, high }: Bin<Scalar>) => s.and(s.le(low, v), s.lt(v, high));
  const inside = s.and(within(y, rows), within(q, columns));
  const count = s.mul(s.sub(rows.high, rows.low), s.sub(columns.high, columns.low));
  return { inside, count, image, pixel: guarded(at(0, [image, c, y, q]), inside) };
}

/** Calls `visit` with every element, and the address of every pixel that it is made of. */
export function eachPixel(
  x: readonly number[],
  rois: Host,
  { size, scale }: Bins,
  visit: (element: number, pixel: number, count: number, place: number) => void,
): void {
  const [n, c, h, w] = x;
  const [oh, ow] = size;
  for (let e = 0; e < rois.shape[0] * c * oh * ow; e++) {
    const [j, i] = [e % ow, Math.floor(e / ow) % oh];
    const channel = Math.floor(e / ow / oh) % c;
    const m = Math.floor(e / ow / oh / c);
    const box = (k: number) => Number(rois.data[m * 5 + k]);
    const image = Math.min(Math.max(Math.trunc(box(0)), 0), n - 1);
    const rows = binOf(box(2), box(4), scale, [oh, h], i);
    const columns = binOf(box(1), box(3), scale, [ow, w], j);
    const count = (rows.high - rows.low) * (columns.high - columns.low);
    const first = (image * c + channel) * h * w;
    for (let y = rows.low; y < rows.high; y++) {
      for (let v = columns.low; v < columns.high; v++) {
        visit(e, first + y * w + v, count, y * w + v);
      }
    }
  }
}
