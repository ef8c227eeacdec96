/**
 * How windows lie on an image: which elements each holds, and which windows hold an element, as
 * terms for kernels and as addresses for the interpreter.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { axesOf, plusIndex, timesIndex } from "../core/index.ts";
import type { At, Attrs, Field } from "../core/op.ts";
import { kindOf, s, type Scalar } from "../core/scalar.ts";
import { printType, sizeOf, type Type } from "../core/type.ts";
import { pair } from "../op/field.ts";

/** One integer for both spatial axes, or one for each. */
export type Pair = number | readonly [number, number];

/** How windows lie on an image. */
export interface WindowOptions {
  /** Extents of a window. */
  readonly kernel: Pair;
  /** Distance between neighbouring windows. */
  readonly stride: Pair;
  /** Elements that windows may reach over each side. */
  readonly padding?: Pair;
}

/** The fields of `WindowOptions`. */
export const windowFields: {
  readonly kernel: Field<Pair>;
  readonly stride: Field<Pair>;
  readonly padding: Field<Pair>;
} = {
  kernel: pair("extents of a window", undefined, 1),
  stride: pair("distance between windows", undefined, 1),
  padding: pair("elements windows may reach over each side", 0),
};

/** The pooled type of an image [n,c,h,w]; throws where a window finds no place or only padding. */
export function windowed(name: string, x: Type, at: Attrs): Type {
  const [kernel, stride, padding] = [at.kernel, at.stride, at.padding];
  if (x.shape.length !== 4) {
    throw new ShapeError(`Cannot apply ${name} to x: ${printType(x)}: it must be [n,c,h,w]`);
  }
  const extents = [0, 1].map((i) => {
    const room = x.shape[2 + i] + 2 * padding[i] - kernel[i];
    if (room < 0 || padding[i] >= kernel[i]) {
      throw new ShapeError(
        `Cannot apply ${name} to x: ${printType(x)} with kernel: [${kernel}], ` +
          `padding: [${padding}]: ${
            room < 0 ? "the window is larger than the image" : "a window would hold only padding"
          }\n  try a ${room < 0 ? "smaller" : "larger"} kernel`,
      );
    }
    return Math.floor(room / stride[i]) + 1;
  });
  return { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...extents] };
}

/** Reads operands of image and of result shape at one tap; outside, `inside` fails. */
interface Tap {
  readonly image: (input: number) => Scalar;
  readonly pooled: (input: number) => Scalar;
  /** Left out where every tap is inside. */
  readonly inside?: Scalar;
}

/** Taps of the windows around each result: image coordinates o·stride + k − padding. */
export function tapsOfResult(at: At, x: Type, out: Type, attrs: Attrs): Tap {
  const [n, c, ...o] = axesOf(out.shape);
  const k = axesOf(attrs.kernel, 4);
  let inside: Scalar | undefined;
  const from = o.map((axis, i) => {
    const raw = plusIndex(plusIndex(timesIndex(axis, attrs.stride[i]), k[i]), -attrs.padding[i]);
    if (attrs.padding[i] > 0) {
      inside = both(inside, s.and(s.ge(raw, 0), s.lt(raw, x.shape[2 + i])));
    }
    return raw;
  });
  return {
    image: (input) => {
      const value = at(input, [n, c, ...from]);
      return inside ? guarded(value, inside) : value;
    },
    pooled: (input) => at(input, [n, c, ...o]),
    inside,
  };
}

/** How many windows can hold one element, along each axis. */
export function holders({ kernel, stride }: Attrs): readonly number[] {
  return kernel.map((k: number, i: number) => Math.ceil(k / stride[i]));
}

/**
 * Windows that hold each image element, from the last that begins before it or with it on backwards:
 * result coordinates (h + padding) / stride, less 0, 1 … `holders`.
 */
export function tapsOfImage(at: At, x: Type, out: Type, attrs: Attrs): Tap {
  const { kernel, stride, padding } = attrs;
  const [n, c, ...h] = axesOf(x.shape);
  const over = holders(attrs);
  const back = axesOf(over, 4);
  let inside: Scalar | undefined;
  const to = h.map((axis, i) => {
    const [by, many] = [stride[i], over[i] > 1];
    const raw = plusIndex(axis, padding[i]);
    const last = by === 1 ? raw : s.div(raw, by);
    const window = many ? plusIndex(last, timesIndex(back[i], -1)) : last;
    // A window reaches as far as it has elements; the one furthest back may end before this one.
    if (over[i] * by !== kernel[i]) {
      const place = s.rem(raw, by);
      const within = many ? plusIndex(place, timesIndex(back[i], by)) : place;
      inside = both(inside, s.lt(within, kernel[i]));
    }
    if (many) inside = both(inside, s.ge(window, 0));
    const most = Math.floor((x.shape[2 + i] - 1 + padding[i]) / by);
    if (most >= out.shape[2 + i]) inside = both(inside, s.lt(window, out.shape[2 + i]));
    return window;
  });
  return {
    image: (input) => at(input, [n, c, ...h]),
    pooled: (input) => {
      const value = at(input, [n, c, ...to]);
      return inside ? guarded(value, inside) : value;
    },
    inside,
  };
}

/** Both conditions, of which the first may be missing. */
export function both(a: Scalar | undefined, b: Scalar): Scalar {
  return a ? s.and(a, b) : b;
}

/** Calls `visit` with the addresses of every image element and the result whose window holds it. */
export function eachTap(
  x: readonly number[],
  out: readonly number[],
  attrs: Attrs,
  visit: (image: number, pooled: number) => void,
): void {
  const [, , h, w] = x;
  const [, , oh, ow] = out;
  const { kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw] } = attrs;
  for (let z = 0; z < x[0] * x[1]; z++) {
    for (let i = 0; i < oh; i++) {
      for (let j = 0; j < ow; j++) {
        const to = (z * oh + i) * ow + j;
        const [top, left] = [i * sh - ph, j * sw - pw];
        for (let y = Math.max(0, top); y < Math.min(h, top + kh); y++) {
          const row = (z * h + y) * w;
          for (let v = Math.max(0, left); v < Math.min(w, left + kw); v++) visit(row + v, to);
        }
      }
    }
  }
}

/** The largest element of every window, as host values. */
export function largest(x: Host, attrs: Attrs, out: Type): Host[] {
  const data = arrayOf(out.dtype, sizeOf(out.shape));
  data.fill(lowest(out.dtype));
  eachTap(x.shape, out.shape, attrs, (i, o) => data[o] = Math.max(data[o], x.data[i]));
  return [{ dtype: out.dtype, shape: [...out.shape], data }];
}

/** What no element of a dtype is below. */
export function lowest(dtype: Type["dtype"]): number {
  const bits = { i8: 7, i16: 15, i32: 31 } as Readonly<Record<string, number>>;
  if (kindOf(dtype) === "f32") return -Infinity;
  return dtype in bits ? -(2 ** bits[dtype]) : 0;
}
