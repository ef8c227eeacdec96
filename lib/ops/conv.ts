/**
 * Convolutions as models write them, and the two that appear in their gradients. Each is one node
 * and one operator of a file; what they compute is `convolve` between reshapes.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import type { Field } from "../core/op.ts";
import { isFloat, printType, sameShape, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { pair, shape as shapeField } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";
import { add } from "./arithmetic.ts";
import { convolve, towardsInput, towardsKernel, type Windows } from "./convolve.ts";
import { sum } from "./reduce.ts";
import { reshape } from "./shape.ts";
import type { Pair } from "./window_taps.ts";

/** How the kernel of a convolution moves. */
export interface ConvOptions {
  /** Distance between neighbouring windows, 1 by default. */
  readonly stride?: Pair;
  /** Zeros on both sides of each spatial axis, 0 by default. */
  readonly padding?: Pair;
  /** Distance between neighbouring taps, 1 by default. */
  readonly dilation?: Pair;
  /** Groups of channels, 1 by default or what a kernel with five axes says. */
  readonly groups?: number;
}

const moves = {
  stride: pair("distance between windows", 1, 1),
  padding: pair("zeros on both sides", 0),
  dilation: pair("distance between taps", 1, 1),
} as const;

/** Groups; a kernel [g, o/g, c/g, kh, kw] brings their number along. */
function groups(kernel: number): Field<number> {
  return {
    kind: "integer",
    doc: "groups of channels",
    fallback: { value: undefined as unknown as number },
    check: (value, ins, name) => {
      const w = ins[kernel]?.shape ?? [];
      const own = w.length === 5 ? w[0] : undefined;
      const n = value ?? own ?? 1;
      if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || (own ?? n) !== n) {
        throw new OptionError(
          `Cannot take ${name}: ${JSON.stringify(value)}: it must be ${
            own ? `${own}, as the kernel says` : "an integer from 1"
          }`,
        );
      }
      return n;
    },
  };
}

interface Moves {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** The kernel's shape as [g, o/g, c/g, kh, kw]. */
export function grouped(w: readonly number[], groups: number): readonly number[] {
  return w.length === 5 ? w : [groups, w[0] / groups, ...w.slice(1)];
}

/** The five-axis shapes of image, kernel and result, with the extents checked. */
function arrange(
  x: Type,
  w: Type,
  at: Moves,
): { x: number[]; w: readonly number[]; out: number[] } {
  const g = at.groups;
  const five = grouped(w.shape, g);
  const whole = x.shape.length === 4 && (w.shape.length === 4 || w.shape.length === 5) &&
    Number.isInteger(five[1]);
  if (!whole || five[2] * g !== x.shape[1]) {
    const why = !whole
      ? `x must be [n,c,h,w] and w [o,c/groups,kh,kw] with o divisible by groups: ${g}`
      : `x has ${x.shape[1]} channels, w takes ${five[2]} in each of ${g} groups`;
    throw new ShapeError(
      `Cannot convolve x: ${printType(x)} with w: ${printType(w)}: ${why}\n` +
        "  try another groups, or check the channels given to the layer",
    );
  }
  const output = [0, 1].map((i) => {
    const reach = (five[3 + i] - 1) * at.dilation[i] + 1;
    const room = x.shape[2 + i] + 2 * at.padding[i] - reach;
    if (room < 0) {
      throw new ShapeError(
        `Cannot convolve x: ${printType(x)} with w: ${printType(w)}: the kernel reaches over ` +
          `${reach} ${i ? "columns" : "rows"}, x has ${x.shape[2 + i]} and padding ` +
          `${at.padding[i]}\n  try more padding`,
      );
    }
    return Math.floor(room / at.stride[i]) + 1;
  });
  return {
    x: [x.shape[0], g, five[2], ...x.shape.slice(2)],
    w: five,
    out: [x.shape[0], g, five[1], ...output],
  };
}

function windows(at: Moves, output: readonly number[]): Required<Windows> {
  return {
    ...{ stride: at.stride, dilate: at.dilation, inflate: [1, 1], pad: at.padding },
    output: output.slice(-2),
  };
}

/** Five axes [n, g, c/g, h, w] as four [n, c, h, w]. */
function joined(shape: readonly number[]): number[] {
  return [shape[0], shape[1] * shape[2], ...shape.slice(3)];
}

/** Bias as [1, o, 1, 1]; throws if it has another number of elements. */
export function channels(bias: Type, o: number): number[] {
  if (sizeOf(bias.shape) !== o) {
    throw new ShapeError(
      `Cannot add bias: ${
        printType(bias)
      }: the result has ${o} channels\n  try one of shape [${o}]`,
    );
  }
  return [1, o, 1, 1];
}

/**
 * Cross-correlation of x [n,c,h,w] with w [o,c/groups,kh,kw] or [groups,o/groups,c/groups,kh,kw],
 * plus a bias of o elements. The result is [n,o,oh,ow] with
 * oh = floor((h + 2·padding − (kh − 1)·dilation − 1) / stride) + 1. Throws ShapeError if channels
 * differ or the kernel is larger than the padded image. Depthwise: groups = c.
 */
export const conv2d: Fn<readonly ["x", "w", "bias?"], ConvOptions> = op({
  name: "conv2d",
  doc: "Cross-correlation of x [n,c,h,w] with w [o,c/groups,kh,kw] or " +
    "[groups,o/groups,c/groups,kh,kw], plus a bias of o elements",
  ins: ["x", "w", "bias?"],
  attrs: { ...moves, groups: groups(1) },
  infer: ([x, w, bias], attrs) => {
    needNumbers("conv2d", [x, w]);
    const shape = joined(arrange(x, w, attrs).out);
    if (bias) channels(bias, shape[1]);
    return { dtype: x.dtype, shape };
  },
  compose: ([x, w, bias], attrs) => {
    const five = arrange(x, w, attrs);
    const found = convolve(
      reshape(x, { shape: five.x }),
      reshape(w, { shape: five.w }),
      windows(attrs, five.out),
    );
    const four = reshape(found, { shape: joined(five.out) });
    return bias ? add(four, reshape(bias, { shape: channels(bias, four.shape[1]) })) : four;
  },
  vjp: ({ ct, ins: [x, w, bias], attrs, needs }) => {
    if (!isFloat(x.dtype)) return [undefined, undefined, undefined];
    return [
      needs[0] ? conv2dData(w, ct, { ...attrs, shape: x.shape }) : undefined,
      needs[1] ? conv2dFilter(x, ct, { ...attrs, shape: w.shape }) : undefined,
      bias && reshape(sum(ct, { axis: [0, 2, 3] }), { shape: bias.shape }),
    ];
  },
  cases: [
    { ins: [between(-1, 1, [2, 3, 6, 7]), between(-1, 1, [4, 3, 3, 2]), between(-1, 1, [4])] },
    {
      ins: [between(-1, 1, [1, 4, 7, 8]), between(-1, 1, [6, 2, 3, 3])],
      attrs: { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 },
    },
    {
      ins: [between(-1, 1, [1, 3, 6, 6]), between(-1, 1, [3, 1, 1, 3, 3])],
      attrs: { padding: 1 },
    },
    {
      ins: [between(-1, 1, [1, 64, 56, 56]), between(-1, 1, [64, 64, 3, 3])],
      attrs: { padding: 1 },
      bench: true,
      gradient: false,
    },
  ],
});

/** A convolution's gradient for its input: the kernel w applied backwards to ct, giving `shape`. */
export const conv2dData: Fn<
  readonly ["w", "ct"],
  ConvOptions & { readonly shape: readonly number[] }
> = op({
  name: "conv2dData",
  doc:
    "A convolution's gradient for its input: the kernel w applied backwards to ct, giving `shape`",
  ins: ["w", "ct"],
  attrs: { ...moves, groups: groups(0), shape: shapeField("shape [n,c,h,w] of the input") },
  infer: ([w, ct], attrs) => {
    needNumbers("conv2dData", [w, ct]);
    const x = { dtype: ct.dtype, shape: attrs.shape };
    agree("ct", ct, joined(arrange(x, w, attrs).out));
    return x;
  },
  compose: ([w, ct], attrs) => {
    const five = arrange({ dtype: ct.dtype, shape: attrs.shape }, w, attrs);
    const found = towardsInput(
      reshape(ct, { shape: five.out }),
      { dtype: ct.dtype, shape: five.x },
      reshape(w, { shape: five.w }),
      windows(attrs, five.out),
    );
    return reshape(found, { shape: attrs.shape });
  },
  vjp: ({ ct: back, ins: [w, ct], attrs: { shape: _, ...attrs }, needs }) => [
    needs[0] ? conv2dFilter(back, ct, { ...attrs, shape: w.shape }) : undefined,
    needs[1] ? conv2d(back, w, attrs) : undefined,
  ],
  cases: [
    {
      ins: [between(-1, 1, [4, 3, 3, 2]), between(-1, 1, [2, 4, 3, 3])],
      attrs: { stride: 2, padding: 1, shape: [2, 3, 5, 5] },
    },
  ],
});

/** A convolution's gradient for its kernel: x correlated with ct, giving `shape`. */
export const conv2dFilter: Fn<
  readonly ["x", "ct"],
  ConvOptions & { readonly shape: readonly number[] }
> = op({
  name: "conv2dFilter",
  doc: "A convolution's gradient for its kernel: x correlated with ct, giving `shape`",
  ins: ["x", "ct"],
  attrs: { ...moves, groups: groups(2), shape: shapeField("shape of the kernel") },
  infer: ([x, ct], attrs) => {
    needNumbers("conv2dFilter", [x, ct]);
    const w = { dtype: x.dtype, shape: attrs.shape };
    agree("ct", ct, joined(arrange(x, w, attrs).out));
    return w;
  },
  compose: ([x, ct], attrs) => {
    const five = arrange(x, { dtype: x.dtype, shape: attrs.shape }, attrs);
    const found = towardsKernel(
      reshape(ct, { shape: five.out }),
      reshape(x, { shape: five.x }),
      { dtype: x.dtype, shape: five.w },
      windows(attrs, five.out),
    );
    return reshape(found, { shape: attrs.shape });
  },
  vjp: ({ ct: back, ins: [x, ct], attrs: { shape: _, ...attrs }, needs }) => [
    needs[0] ? conv2dData(back, ct, { ...attrs, shape: x.shape }) : undefined,
    needs[1] ? conv2d(x, back, attrs) : undefined,
  ],
  cases: [
    {
      ins: [between(-1, 1, [2, 4, 5, 6]), between(-1, 1, [2, 2, 3, 3])],
      attrs: { stride: 2, padding: 1, groups: 2, shape: [2, 2, 3, 3] },
    },
  ],
});

function agree(name: string, found: Type, want: readonly number[]): void {
  if (sameShape(found.shape, want)) return;
  throw new ShapeError(
    `Cannot run a convolution backwards from ${name}: ${printType(found)}: its result is [${want}]`,
  );
}
