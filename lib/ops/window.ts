/**
 * What pooling and its gradients are made of: every window of an image summed, every element given
 * the sum of what its windows hold, and the same restricted to where an element is its window's
 * largest. The two of each pair are each other's gradients, so any order exists.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { axesOf, plusIndex, timesIndex } from "../core/index.ts";
import type { At, Attrs, Draft, Field } from "../core/op.ts";
import { kindOf, lit, s, type Scalar } from "../core/scalar.ts";
import { printType, sizeOf, type Type } from "../core/type.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { pair, shape as shapeField } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";

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

/**
 * Windows that hold each image element: result coordinates (h + padding − k) / stride, if whole.
 */
export function tapsOfImage(at: At, x: Type, out: Type, attrs: Attrs): Tap {
  const [n, c, ...h] = axesOf(x.shape);
  const k = axesOf(attrs.kernel, 4);
  let inside: Scalar | undefined;
  const to = h.map((axis, i) => {
    const raw = plusIndex(plusIndex(axis, timesIndex(k[i], -1)), attrs.padding[i]);
    const by = attrs.stride[i];
    const q = by === 1 ? raw : s.div(raw, by);
    inside = both(inside, s.and(s.ge(raw, 0), s.lt(q, out.shape[2 + i])));
    if (by !== 1) inside = both(inside, s.eq(s.rem(raw, by), 0));
    return q;
  });
  return {
    image: (input) => at(input, [n, c, ...h]),
    pooled: (input) => guarded(at(input, [n, c, ...to]), inside!),
    inside,
  };
}

function both(a: Scalar | undefined, b: Scalar): Scalar {
  return a ? s.and(a, b) : b;
}

function sumOver(
  shape: readonly number[],
  attrs: Attrs,
  when: Scalar | undefined,
  value: Scalar,
): Draft {
  const body = when ? s.select(when, value, lit(value.type, 0)) : value;
  return { kind: "reduce", shape, over: attrs.kernel, combine: "sum", body };
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

const image = shapeField("shape of the image");

/** Sum of every window of an image [n,c,h,w]; outside counts as zero. */
export const windowSum: Fn<readonly ["x"], WindowOptions> = op({
  name: "windowSum",
  doc: "Sum of every window of an image [n,c,h,w]; outside counts as zero",
  ins: ["x"],
  attrs: windowFields,
  infer: ([x], attrs) => {
    needNumbers("windowSum", [x]);
    return windowed("windowSum", x, attrs);
  },
  eval: ([x], attrs, [out]) =>
    summed(out, (sums) => eachTap(x.shape, out.shape, attrs, (i, o) => sums[o] += x.data[i])),
  lower: (at, [x], attrs, [out]) => {
    const tap = tapsOfResult(at, x, out, attrs);
    return sumOver(out.shape, attrs, tap.inside, tap.image(0));
  },
  vjp: ({ ct, ins: [x], attrs }) => [windowSpread(ct, { ...attrs, shape: x.shape })],
  cases: [
    {
      ins: [between(-1, 1, [2, 2, 6, 7])],
      attrs: { kernel: [3, 2], stride: [2, 3], padding: [1, 0] },
    },
  ],
});

/** Every image element given the sum of the results whose windows hold it. */
export const windowSpread: Fn<
  readonly ["ct"],
  WindowOptions & { readonly shape: readonly number[] }
> = op({
  name: "windowSpread",
  doc: "Every image element given the sum of the results whose windows hold it",
  ins: ["ct"],
  attrs: { ...windowFields, shape: image },
  infer: ([ct], { shape }) => {
    needNumbers("windowSpread", [ct]);
    return { dtype: ct.dtype, shape };
  },
  eval: ([ct], attrs, [out]) =>
    summed(out, (sums) => eachTap(out.shape, ct.shape, attrs, (i, o) => sums[i] += ct.data[o])),
  lower: (at, [ct], attrs, [out]) => {
    const tap = tapsOfImage(at, out, ct, attrs);
    return sumOver(out.shape, attrs, tap.inside, tap.pooled(0));
  },
  vjp: ({ ct, attrs: { shape: _, ...attrs } }) => [windowSum(ct, attrs)],
  cases: [
    {
      ins: [between(-1, 1, [2, 2, 3, 2])],
      attrs: { kernel: [3, 2], stride: [2, 3], padding: [1, 0], shape: [2, 2, 6, 7] },
    },
  ],
});

/** Sum of `v` over the elements of every window of x that equal the window's largest. */
export const windowPick: Fn<readonly ["x", "largest", "v"], WindowOptions> = op({
  name: "windowPick",
  doc: "Sum of `v` over the elements of every window of x that equal the window's largest",
  ins: ["x", "largest", "v"],
  attrs: windowFields,
  infer: ([x, , v], attrs) => {
    needNumbers("windowPick", [x, v]);
    return { ...windowed("windowPick", x, attrs), dtype: v.dtype };
  },
  eval: ([x, m, v], attrs, [out]) =>
    summed(out, (sums) =>
      eachTap(x.shape, out.shape, attrs, (i, o) => {
        if (x.data[i] === m.data[o]) sums[o] += v.data[i];
      })),
  lower: (at, [x], attrs, [out]) => {
    const tap = tapsOfResult(at, x, out, attrs);
    const when = both(tap.inside, s.eq(tap.image(0), tap.pooled(1)));
    return sumOver(out.shape, attrs, when, tap.image(2));
  },
  vjp: ({ ct, ins: [x, largest], attrs }) => [
    undefined,
    undefined,
    windowPlace(x, largest, ct, attrs),
  ],
  cases: [
    {
      ins: [between(0, 3, [1, 2, 5, 6]), between(0, 3, [1, 2, 3, 3]), between(-1, 1, [1, 2, 5, 6])],
      attrs: { kernel: [3, 2], stride: 2, padding: [1, 0] },
      gradient: false,
    },
  ],
});

/** Every element of x given the sum of `ct` over the windows whose largest element it equals. */
export const windowPlace: Fn<readonly ["x", "largest", "ct"], WindowOptions> = op({
  name: "windowPlace",
  doc: "Every element of x given the sum of `ct` over the windows whose largest element it equals",
  ins: ["x", "largest", "ct"],
  attrs: windowFields,
  infer: ([x, , ct]) => {
    needNumbers("windowPlace", [x, ct]);
    return { dtype: ct.dtype, shape: x.shape };
  },
  eval: ([x, m, ct], attrs, [out]) =>
    summed(out, (sums) =>
      eachTap(x.shape, m.shape, attrs, (i, o) => {
        if (x.data[i] === m.data[o]) sums[i] += ct.data[o];
      })),
  lower: (at, [x, largest], attrs) => {
    const tap = tapsOfImage(at, x, largest, attrs);
    const when = both(tap.inside, s.eq(tap.image(0), tap.pooled(1)));
    return sumOver(x.shape, attrs, when, tap.pooled(2));
  },
  vjp: ({ ct, ins: [x, largest], attrs }) => [
    undefined,
    undefined,
    windowPick(x, largest, ct, attrs),
  ],
  cases: [
    {
      ins: [between(0, 3, [1, 2, 5, 6]), between(0, 3, [1, 2, 3, 3]), between(-1, 1, [1, 2, 3, 3])],
      attrs: { kernel: [3, 2], stride: 2, padding: [1, 0] },
      gradient: false,
    },
  ],
});

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
