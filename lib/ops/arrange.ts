/**
 * Elements in other places: diagonals, grids, channels as pixels, edges carried outwards.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { tensor } from "../core/leaf.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import { eq } from "./compare.ts";
import { iota } from "./create.ts";
import { gather } from "./gather.ts";
import { pad } from "./pad.ts";
import { where } from "./select.ts";
import { broadcastTo, reshape, transpose } from "./shape.ts";
import { sliceFn } from "./slice.ts";

/**
 * The k-th diagonal of a matrix, or a square matrix that has a vector as its k-th diagonal and
 * zeros elsewhere; k > 0 is above the main one. Throws ShapeError for other ranks and for a
 * diagonal that the matrix does not have.
 */
export function diag(x: Tensor, options: { readonly k?: number } = {}): Tensor {
  const { k = 0 } = options;
  const fail = (why: string) => {
    throw located(new ShapeError(`Cannot take diagonal ${k} of ${printType(x)}: ${why}`), site);
  };
  const site = new Error("diag");
  if (x.shape.length === 2) {
    const [rows, columns] = x.shape;
    const count = Math.min(rows + Math.min(k, 0), columns - Math.max(k, 0));
    if (count < 1) fail(`it has ${rows} rows and ${columns} columns`);
    const begin = [k >= 0 ? k : -k * columns];
    return sliceFn(reshape(x, { shape: [-1] }), { begin, size: [count], step: [columns + 1] });
  }
  if (x.shape.length !== 1) fail("it must be a vector or a matrix");
  const extent = x.shape[0] + Math.abs(k);
  const line = pad(x, { before: [0], after: [Math.abs(k)] });
  const spread = reshape(line, { shape: k >= 0 ? [extent, 1] : [1, extent] });
  const hit = eq(iota({ shape: [extent, 1], start: k }), iota({ shape: [extent] }));
  return where(hit, broadcastTo(spread, { shape: [extent, extent] }), 0);
}

/**
 * Coordinates of a grid: each vector along an axis of its own and repeated along all others. In
 * the order "xy" the first two axes change places, as in NumPy.
 */
export function meshgrid(
  xs: readonly Tensor[],
  options: { readonly indexing?: "xy" | "ij" } = {},
): readonly Tensor[] {
  const order = xs.map((_, i) => i);
  if (options.indexing !== "ij" && xs.length > 1) order.splice(0, 2, 1, 0);
  const shape = order.map((i) => xs[i].shape[0]);
  return xs.map((x, i) => {
    const own = order.map((j) => j === i ? x.shape[0] : 1);
    return broadcastTo(reshape(x, { shape: own }), { shape });
  });
}

/** Channels of images [n,c·r²,h,w] as pixels [n,c,h·r,w·r]. Shi et al., 2016. */
export function pixelShuffle(x: Tensor, options: { readonly factor: number }): Tensor {
  const r = options.factor;
  const [n, all, h, w] = x.shape;
  const c = all / r ** 2;
  if (x.shape.length !== 4 || !Number.isInteger(c)) {
    throw located(
      new ShapeError(
        `Cannot make pixels of the channels of ${printType(x)}: it must be [n,c·${r ** 2},h,w]`,
      ),
      new Error("pixelShuffle"),
    );
  }
  const apart = reshape(x, { shape: [n, c, r, r, h, w] });
  const turned = transpose(apart, { perm: [0, 1, 4, 2, 5, 3] });
  return reshape(turned, { shape: [n, c, h * r, w * r] });
}

/** How a tensor is continued over its edges. */
export interface EdgeOptions {
  /** Elements added before each axis. */
  readonly before: readonly number[];
  /** Elements added after each axis. */
  readonly after: readonly number[];
  /** The outermost element again and again, or the mirror image without the edge itself. */
  readonly mode: "replicate" | "reflect";
}

/** A tensor continued over its edges by its own elements. */
export function padEdge(x: Tensor, { before, after, mode }: EdgeOptions): Tensor {
  if (before.length !== x.shape.length || after.length !== x.shape.length) {
    throw located(
      new ShapeError(
        `Cannot pad ${printType(x)} by before: [${before}] and after: [${after}]: give one ` +
          "number an axis",
      ),
      new Error("padEdge"),
    );
  }
  return x.shape.reduce((t: Tensor, extent, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return t;
    const from = Int32Array.from(
      { length: before[axis] + extent + after[axis] },
      (_, i) => inside(i - before[axis], extent, mode === "reflect"),
    );
    return gather(t, tensor(from, [from.length]), { axis });
  }, x);
}

/** Where an index outside comes from: the nearest element, or the mirror image without the edge. */
function inside(i: number, extent: number, mirror: boolean): number {
  if (!mirror || extent === 1) return Math.min(extent - 1, Math.max(0, i));
  const period = 2 * (extent - 1);
  const at = ((i % period) + period) % period;
  return at < extent ? at : period - at;
}
