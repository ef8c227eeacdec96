/**
 * Colours of pixels converted. Floats are from 0 to 1; bytes are computed in 14 bits behind the
 * point, as OpenCV and MegEngine have them, so that results are the same to the last bit.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import type { Tensor } from "../core/tensor.ts";
import { isFloat, printType, u8 } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField, choice } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { clip } from "./activation.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { shr } from "./bits.ts";
import { concat } from "./join.ts";
import { as } from "./select.ts";
import { sliceFn } from "./slice.ts";

/** What colours are converted from and to. */
export type ColorMode =
  | "RGB2GRAY"
  | "BGR2GRAY"
  | "RGBA2GRAY"
  | "GRAY2RGB"
  | "RGB2BGR"
  | "BGR2RGB"
  | "RGBA2RGB"
  | "RGBA2BGR"
  | "RGB2YUV"
  | "YUV2RGB";

/** How many channels a mode takes; then either the order that they are given in, or a formula. */
interface Conversion {
  readonly takes: number;
  readonly gives: number;
  /** Channels picked, for modes that only rearrange. */
  readonly order?: readonly number[];
  /** Formulas for floats and for bytes (as i32, before they are kept within a byte). */
  readonly floats?: (x: readonly Tensor[]) => readonly Tensor[];
  readonly bytes?: (x: readonly Tensor[]) => readonly Tensor[];
}

/** An integer with 14 bits behind the point, rounded. */
function rounded(x: Tensor): Tensor {
  return shr(add(x, 1 << 13), 14);
}

/** Σ weight · channel. */
function mixed(x: readonly Tensor[], weights: readonly number[]): Tensor {
  const parts = weights.map((w, i) => mul(x[i], w));
  return parts.reduce((a, b) => add(a, b));
}

function gray(takes: number, order: readonly number[]): Conversion {
  const picked = (x: readonly Tensor[]) => order.map((i) => x[i]);
  return {
    ...{ takes, gives: 1 },
    floats: (x) => [mixed(picked(x), [0.299, 0.587, 0.114])],
    bytes: (x) => [rounded(mixed(picked(x), [4899, 9617, 1868]))],
  };
}

function rearranged(takes: number, order: readonly number[]): Conversion {
  return { takes, gives: order.length, order };
}

const conversions: Readonly<Record<ColorMode, Conversion>> = {
  RGB2GRAY: gray(3, [0, 1, 2]),
  BGR2GRAY: gray(3, [2, 1, 0]),
  RGBA2GRAY: gray(4, [0, 1, 2]),
  GRAY2RGB: rearranged(1, [0, 0, 0]),
  RGB2BGR: rearranged(3, [2, 1, 0]),
  BGR2RGB: rearranged(3, [2, 1, 0]),
  RGBA2RGB: rearranged(4, [0, 1, 2]),
  RGBA2BGR: rearranged(4, [2, 1, 0]),
  // MegEngine's weights are those of the channels in the order blue, green, red
  RGB2YUV: {
    ...{ takes: 3, gives: 3 },
    floats: (x) => {
      const y = mixed(x, [0.114, 0.587, 0.299]);
      const off = (c: Tensor, by: number) => add(mul(sub(c, y), by), 0.5);
      return [y, off(x[0], 0.492), off(x[2], 0.877)];
    },
    bytes: (x) => {
      const y = rounded(mixed(x, [1868, 9617, 4899]));
      const off = (c: Tensor, by: number) => rounded(add(mul(sub(c, y), by), 128 << 14));
      return [y, off(x[0], 8061), off(x[2], 14369)];
    },
  },
  YUV2RGB: {
    ...{ takes: 3, gives: 3 },
    floats: ([y, u, v]) => {
      const [a, b] = [sub(u, 0.5), sub(v, 0.5)];
      const green = add(add(y, mul(b, -0.581)), mul(a, -0.395));
      return [add(y, mul(a, 2.032)), green, add(y, mul(b, 1.14))];
    },
    bytes: ([y, u, v]) => {
      const [a, b] = [sub(u, 128), sub(v, 128)];
      const green = add(y, rounded(add(mul(b, -9519), mul(a, -6472))));
      return [add(y, rounded(mul(a, 33292))), green, add(y, rounded(mul(b, 18678)))];
    },
  },
};

/** Colours along an axis of channels, converted. */
export const cvtColor: Fn<readonly ["x"], { mode: ColorMode; axis?: number }> = op({
  name: "cvtColor",
  doc: "Colours along an axis of channels, converted",
  ins: ["x"],
  attrs: {
    mode: choice(modes()),
    axis: axisField(1, "axis of the channels, negative from the end"),
  },
  infer: ([x], { mode, axis }) => {
    const { takes, gives, order } = conversions[mode as ColorMode];
    if (x.shape[axis] !== takes) {
      throw new ShapeError(
        `Cannot convert x: ${printType(x)} by ${mode}: axis ${axis} must hold ${takes} channels\n` +
          "  try another axis, the channels' own",
      );
    }
    if (!order && !isFloat(x.dtype) && x.dtype !== "u8") {
      throw new DTypeError(
        `Cannot convert x: ${
          printType(x)
        } by ${mode}: it must be of a float dtype or u8\n  try cast`,
      );
    }
    return { dtype: x.dtype, shape: x.shape.with(axis, gives) };
  },
  compose: ([x], { mode, axis }) => {
    const { takes, order, floats, bytes } = conversions[mode as ColorMode];
    const channels = Array.from({ length: takes }, (_, i) =>
      sliceFn(x, {
        begin: x.shape.map((_, a) => a === axis ? i : 0),
        size: x.shape.with(axis, 1),
        step: x.shape.map(() => 1),
      }));
    if (order) return concat(order.map((i) => channels[i]), { axis });
    const wide = channels.map((c) => as(c, isFloat(x.dtype) ? "f32" : "i32"));
    const found = isFloat(x.dtype)
      ? floats!(wide)
      : bytes!(wide).map((c) => clip(c, { lower: 0, upper: 255 }));
    return as(concat(found, { axis }), x.dtype);
  },
  cases: [
    { ins: [between(0, 1, [2, 3, 2, 3])], attrs: { mode: "RGB2GRAY" } },
    { ins: [between(0, 1, [1, 2, 3, 3])], attrs: { mode: "YUV2RGB", axis: -1 } },
    { ins: [between(0, 1, [1, 2, 3, 3])], attrs: { mode: "RGB2YUV", axis: -1 } },
    { ins: [between(0, 256, u8([1, 3, 4, 4]))], attrs: { mode: "RGB2YUV" } },
    { ins: [between(0, 256, u8([1, 3, 4, 4]))], attrs: { mode: "YUV2RGB" } },
    { ins: [between(0, 256, u8([1, 4, 4, 2]))], attrs: { mode: "RGBA2GRAY" } },
    { ins: [between(0, 256, u8([1, 1, 4, 2]))], attrs: { mode: "GRAY2RGB" } },
    { ins: [between(0, 256, u8([1, 4, 4, 2]))], attrs: { mode: "RGBA2BGR" } },
  ],
});

function modes(): readonly ColorMode[] {
  return Object.keys(conversions) as ColorMode[];
}
