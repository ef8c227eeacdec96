/**
 * What pooling and its gradients are made of: every window of an image summed, every element given
 * the sum of what its windows hold, and the same restricted to where an element is its window's
 * largest. The two of each pair are each other's gradients, so any order exists.
 * @module
 */
import type { Draft } from "../core/op.ts";
import { lit, s, type Scalar } from "../core/scalar.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { shape as shapeField } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";
import {
  both,
  eachTap,
  holders,
  tapsOfImage,
  tapsOfResult,
  windowed,
  windowFields,
  type WindowOptions,
} from "./window_taps.ts";

/** A sum over some axes that follow those of the shape; over one point it is what stands there. */
function sumOver(
  shape: readonly number[],
  over: readonly number[],
  when: Scalar | undefined,
  value: Scalar,
): Draft {
  const body = when ? s.select(when, value, lit(value.type, 0)) : value;
  if (over.every((extent) => extent === 1)) return { kind: "map", shape, body };
  return { kind: "reduce", shape, over, combine: "sum", body };
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
    return sumOver(out.shape, attrs.kernel, tap.inside, tap.image(0));
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
    return sumOver(out.shape, holders(attrs), tap.inside, tap.pooled(0));
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
    return sumOver(out.shape, attrs.kernel, when, tap.image(2));
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
    return sumOver(x.shape, holders(attrs), when, tap.pooled(2));
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
