/**
 * Images moved about: every pixel of the result names a position in the image, from a map, an
 * affine or a perspective transformation.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { axesOf, constant } from "../core/index.ts";
import { lit, s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { type DType, isFloat, printType, type Type, u8 } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { pair } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";
import { clip } from "./activation.ts";
import { add, div, mul } from "./arithmetic.ts";
import { ge } from "./compare.ts";
import { iota } from "./create.ts";
import { gather } from "./gather.ts";
import { stack } from "./join.ts";
import { scalars, terms } from "./numbers.ts";
import { round } from "./round.ts";
import { sum } from "./reduce.ts";
import { as, where } from "./select.ts";
import { broadcastTo, reshape, transpose } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { sampleFields, type SampleOptions, type Tap, tapsAt } from "./taps.ts";

import { lowest, type Pair } from "./window_taps.ts";

/** Channels up to which a kernel may find every pixel's place anew for each channel. */
const fewChannels = 8;

/**
 * An image [n,c,h,w] sampled at the positions that a map [n,oh,ow,2] names: columns, then rows, in
 * pixels.
 */
export const remap: Fn<readonly ["x", "map"], SampleOptions> = op({
  name: "remap",
  doc: "An image [n,c,h,w] sampled at the positions that a map [n,oh,ow,2] names: columns, then " +
    "rows, in pixels",
  ins: ["x", "map"],
  attrs: sampleFields,
  infer: ([x, map]) => {
    const { shape } = map;
    if (x.shape.length !== 4 || shape.length !== 4 || shape[3] !== 2 || shape[0] !== x.shape[0]) {
      throw new ShapeError(
        `Cannot remap x: ${printType(x)} by map: ${printType(map)}: they must be [n,c,h,w] and ` +
          "[n,oh,ow,2] with the same n",
      );
    }
    needPixels("remap", x);
    if (map.dtype !== "f32") {
      throw new DTypeError(
        `Cannot remap x: ${printType(x)} by map: ${printType(map)}: positions are f32\n` +
          `  try cast(map, { dtype: "f32" })`,
      );
    }
    return { dtype: x.dtype, shape: [x.shape[0], x.shape[1], shape[1], shape[2]] };
  },
  compose: ([x, map], attrs) => {
    const [n, , h, w] = x.shape;
    const position = (k: number) => reshape(last(map, k), { shape: map.shape.slice(0, 3) });
    const columns = tapsAt(terms, position(0), w, attrs);
    const rows = tapsAt(terms, position(1), h, attrs);
    const image = iota({ shape: [n, 1, 1], step: h * w });
    const taps = crossed(rows, columns, (row, column) => add(add(mul(row, w), column), image));
    return transpose(sampled(x, taps, attrs.value), { perm: [1, 0, 2, 3] });
  },
  lower: (at, [x], attrs, [out]) => {
    const [, c, h, w] = x.shape;
    if (!isFloat(x.dtype) || attrs.mode === "cubic" || c > fewChannels) return undefined;
    const [n, channel, oh, ow] = axesOf(out.shape);
    const position = (k: number) => at(1, [n, oh, ow, constant(k)]);
    const columns = tapsAt(scalars, position(0), w, attrs);
    const rows = tapsAt(scalars, position(1), h, attrs);
    let body: Scalar | undefined;
    for (const row of rows) {
      for (const column of columns) {
        const inside = row.inside && s.and(row.inside, column.inside!);
        const pixel = at(0, [n, channel, row.place, column.place]);
        const value = inside
          ? s.select(inside, guarded(pixel, inside), lit("f32", attrs.value))
          : pixel;
        const part = row.weight ? s.mul(value, s.mul(row.weight, column.weight!)) : value;
        body = body ? s.add(body, part) : part;
      }
    }
    return { kind: "map", shape: out.shape, body: body! };
  },
  cases: [
    { ins: [between(-1, 1, [2, 2, 4, 5]), between(-1.4, 5.3, [2, 3, 2, 2])] },
    {
      ins: [between(-1, 1, [1, 3, 4, 5]), between(-6, 12, [1, 3, 3, 2])],
      attrs: { border: "reflect" },
    },
    {
      ins: [between(-1, 1, [1, 1, 4, 5]), between(-6, 12, [1, 3, 3, 2])],
      attrs: { border: "reflect101" },
    },
    {
      ins: [between(-1, 1, [1, 9, 4, 3]), between(-6, 12, [1, 3, 3, 2])],
      attrs: { border: "wrap" },
    },
    {
      ins: [between(-1, 1, [1, 2, 3, 4]), between(-2, 5, [1, 3, 3, 2])],
      attrs: { border: "constant", value: 0.5 },
    },
    {
      ins: [between(-1, 1, [1, 2, 5, 4]), between(-2, 5, [1, 2, 3, 2])],
      attrs: { mode: "cubic", border: "constant", value: 0.5 },
      tolerance: { rtol: 1e-5, atol: 1e-5 },
    },
    {
      ins: [between(-1, 1, [1, 2, 5, 4]), between(-2, 6, [1, 4, 3, 2])],
      attrs: { mode: "nearest" },
      gradient: false,
    },
    {
      ins: [between(0, 256, u8([1, 3, 5, 4])), between(-2, 6, [1, 4, 3, 2])],
      attrs: { parts: 32 },
      gradient: false,
    },
    { ins: [between(-1, 1, [4, 3, 256, 256]), between(0, 255, [4, 256, 256, 2])], bench: true },
  ],
});

function needPixels(name: string, x: Type): void {
  needNumbers(name, [x]);
  if (x.dtype !== "i32") return;
  throw new DTypeError(
    `Cannot apply ${name} to x: ${printType(x)}: pixels are floats or narrow integers\n` +
      `  try cast(x, { dtype: "f32" })`,
  );
}

/** The k-th element along the last axis, which stays with extent 1. */
function last(t: Tensor, k: number): Tensor {
  const at = t.shape.length - 1;
  return sliceFn(t, {
    begin: t.shape.map((_, i) => i === at ? k : 0),
    size: t.shape.with(at, 1),
    step: t.shape.map(() => 1),
  });
}

/** A pixel that a result is made of. */
export interface PixelTap {
  /** Place in all images, flattened. */
  readonly place: Tensor;
  /** False where there is none; absent where there always is. */
  readonly inside?: Tensor;
  /** How much of it; absent for all. */
  readonly weight?: Tensor;
}

/** The taps of rows and columns taken together. */
export function crossed(
  rows: readonly Tap<Tensor>[],
  columns: readonly Tap<Tensor>[],
  place: (row: Tensor, column: Tensor) => Tensor,
): readonly PixelTap[] {
  return rows.flatMap((row) =>
    columns.map((column) => ({
      place: place(row.place, column.place),
      ...(row.inside ? { inside: terms.and(row.inside, column.inside!) } : {}),
      ...(row.weight ? { weight: mul(row.weight, column.weight!) } : {}),
    }))
  );
}

/** Pixels of images [n,c,h,w] added up: [c, …], the shape of the taps behind the channels. */
export function sampled(x: Tensor, taps: readonly PixelTap[], value: number): Tensor {
  if (x.dtype !== "f32") return pixelsOf(sampled(as(x, "f32"), taps, value), x.dtype);
  const [n, c, h, w] = x.shape;
  const flat = reshape(transpose(x, { perm: [1, 0, 2, 3] }), { shape: [c, n * h * w] });
  const places = stack(
    taps.map(({ place, inside }) => inside ? where(inside, place, -1) : place),
  );
  const pixels = gather(flat, places, { axis: 1 });
  const known = taps[0].inside ? where(ge(places, 0), pixels, value) : pixels;
  if (taps.length === 1) return reshape(known, { shape: [c, ...taps[0].place.shape] });
  return sum(mul(known, stack(taps.map((t) => t.weight!))), { axis: 1 });
}

/** Pixels of a dtype from numbers (f32): integers are rounded and kept within what it holds. */
export function pixelsOf(x: Tensor, dtype: DType): Tensor {
  if (isFloat(dtype)) return as(x, dtype);
  const lower = lowest(dtype);
  const upper = dtype === "u8" ? 255 : dtype === "u16" ? 65535 : -1 - lower;
  return as(clip(round(x), { lower, upper }), dtype);
}

/** Where pixels of a result lie: the columns and rows that some coefficients give. */
function coefficients(mat: Tensor, rows: number): readonly (readonly Tensor[])[] {
  const [n] = mat.shape;
  return Array.from(
    { length: rows },
    (_, r) =>
      [0, 1, 2].map((k) =>
        reshape(sliceFn(mat, { begin: [0, r, k], size: [n, 1, 1], step: [1, 1, 1] }), {
          shape: [n, 1, 1],
        })
      ),
  );
}

/** a·column + b·row + c at every pixel of a size. */
function planes(mat: Tensor, rows: number, [oh, ow]: readonly number[]): readonly Tensor[] {
  const column = iota({ shape: [1, 1, ow], axis: 2, dtype: "f32" });
  const row = iota({ shape: [1, oh, 1], axis: 1, dtype: "f32" });
  return coefficients(mat, rows).map(([a, b, c]) => add(add(mul(a, column), mul(b, row)), c));
}

/** Options of a warp: how large the result is, and how the image is sampled. */
export interface WarpOptions extends SampleOptions {
  /** Rows and columns of the result. */
  readonly size: Pair;
}

const size = pair("rows and columns of the result", undefined, 1);

function warpType(name: string, x: Type, mat: Type, rows: number, size: readonly number[]): Type {
  const { shape } = mat;
  const fits = x.shape.length === 4 && shape.length === 3 && shape[0] === x.shape[0] &&
    shape[1] === rows && shape[2] === 3;
  if (!fits) {
    throw new ShapeError(
      `Cannot apply ${name} to x: ${printType(x)} with mat: ${printType(mat)}: they must be ` +
        `[n,c,h,w] and [n,${rows},3] with the same n`,
    );
  }
  needPixels(name, x);
  if (mat.dtype !== "f32") {
    throw new DTypeError(
      `Cannot apply ${name} to x: ${printType(x)} with mat: ${printType(mat)}: it must be f32\n` +
        `  try cast(mat, { dtype: "f32" })`,
    );
  }
  return { dtype: x.dtype, shape: [x.shape[0], x.shape[1], ...size] };
}

/** An image [n,c,h,w] at the positions to which matrices [n,2,3] take the pixels of the result. */
export const warpAffine: Fn<readonly ["x", "mat"], WarpOptions> = op({
  name: "warpAffine",
  doc:
    "An image [n,c,h,w] at the positions to which matrices [n,2,3] take the pixels of the result",
  ins: ["x", "mat"],
  attrs: { size, ...sampleFields },
  infer: ([x, mat], { size }) => warpType("warpAffine", x, mat, 2, size),
  compose: ([x, mat], { size, ...how }) => remap(x, stack(planes(mat, 2, size), { axis: 3 }), how),
  cases: [
    { ins: [between(-1, 1, [2, 2, 4, 5]), between(-0.9, 1.1, [2, 2, 3])], attrs: { size: [3, 4] } },
    {
      ins: [between(-1, 1, [1, 1, 4, 5]), between(-0.9, 1.1, [1, 2, 3])],
      attrs: { size: 3, border: "constant", value: 2 },
    },
    {
      ins: [between(-1, 1, [1, 2, 4, 5]), between(-0.9, 1.1, [1, 2, 3])],
      attrs: { size: 3, border: "reflect" },
    },
  ],
});

/**
 * An image [n,c,h,w] at the positions to which matrices [n,3,3] project the pixels of the result:
 * what comes out of the first two rows is divided by what comes out of the third.
 */
export const warpPerspective: Fn<readonly ["x", "mat"], WarpOptions> = op({
  name: "warpPerspective",
  doc:
    "An image [n,c,h,w] at the positions to which matrices [n,3,3] project the pixels of the result: " +
    "what comes out of the first two rows is divided by what comes out of the third",
  ins: ["x", "mat"],
  attrs: { size, ...sampleFields },
  infer: ([x, mat], { size }) => warpType("warpPerspective", x, mat, 3, size),
  compose: ([x, mat], { size, ...how }) => {
    const [column, row, below] = planes(mat, 3, size);
    const shape = [mat.shape[0], ...size];
    const divided = [column, row].map((t) => broadcastTo(div(t, below), { shape }));
    return remap(x, stack(divided, { axis: 3 }), how);
  },
  cases: [
    { ins: [between(-1, 1, [2, 2, 4, 5]), between(0.4, 1.1, [2, 3, 3])], attrs: { size: [3, 4] } },
    {
      ins: [between(-1, 1, [1, 1, 4, 5]), between(0.4, 1.1, [1, 3, 3])],
      attrs: { size: [2, 3], border: "constant", value: 2 },
    },
    {
      ins: [between(-1, 1, [1, 2, 4, 5]), between(0.4, 1.1, [1, 3, 3])],
      attrs: { size: 3, border: "wrap" },
    },
  ],
});
