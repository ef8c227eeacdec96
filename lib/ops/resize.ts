/**
 * Images made larger or smaller: along each axis every element of the result is a weighted sum of a
 * few of the operand's.
 * @module
 */
import { DTypeError, OptionError, ShapeError } from "../core/fault.ts";
import { host } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { f16, i32, printType, type Type, u8 } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { choice, flag, integers } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { gather } from "./gather.ts";
import { mixAlong, tables } from "./mix.ts";
import { pixelsOf } from "./remap.ts";
import { alignedRows, cubicRows, linearRows, nearestRows } from "./resample.ts";
import { as } from "./select.ts";
import type { Sampling } from "./taps.ts";

/** The record of `resize`. */
export const resizeFn: Fn<
  readonly ["x"],
  { size: readonly number[]; mode?: Sampling; alignCorners?: boolean }
> = op({
  name: "resize",
  doc: "An image [n,c,…] in another size",
  ins: ["x"],
  attrs: {
    size: integers("extents of the result's axes behind the channels", { from: 1 }),
    mode: choice(["nearest", "linear", "cubic"], "linear"),
    alignCorners: flag("the centres of the corner pixels lie upon each other, not their corners"),
  },
  infer: ([x], { size, mode, alignCorners }) => {
    if (x.shape.length !== size.length + 2 || x.shape.slice(2).includes(0)) {
      throw new ShapeError(
        `Cannot resize x: ${
          printType(x)
        } to [${size}]: it must be [n,c,…] with an extent for each ` +
          "further axis",
      );
    }
    if (alignCorners && mode !== "linear") {
      throw new OptionError(
        `Cannot resize x: ${printType(x)} with alignCorners in mode ${mode}: only linear has it`,
      );
    }
    if (x.dtype === "bool" || x.dtype === "i32" && mode !== "nearest") {
      throw new DTypeError(
        `Cannot resize x: ${printType(x)} in mode ${mode}: pixels are floats or narrow integers\n` +
          `  try cast(x, { dtype: "f32" })`,
      );
    }
    return { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...size] };
  },
  compose: ([x], { size, mode, alignCorners }) => {
    const axes = size.map((_: number, i: number) => i + 2).filter((a: number) =>
      x.shape[a] !== size[a - 2]
    );
    if (mode === "nearest") {
      return axes.reduce(
        (t: Tensor, a: number) => {
          const list = nearestRows(x.shape[a], size[a - 2]);
          const places = constant(host(i32([list.length]), Int32Array.from(list)));
          return gather(t, places, { axis: a });
        },
        x,
      );
    }
    const rowsOf = mode === "cubic" ? cubicRows : alignCorners ? alignedRows : linearRows;
    const wide = as(x, "f32");
    const made = axes.reduce((t: Tensor, a: number) => {
      const [index, weight] = tables(rowsOf(x.shape[a], size[a - 2])).map((h) => constant(h));
      return mixAlong(t, index, weight, { axis: a });
    }, wide);
    return pixelsOf(made, x.dtype);
  },
  cases: [
    { ins: [between(-1, 1, [1, 2, 5, 6])], attrs: { size: [8, 4] } },
    { ins: [between(-1, 1, [1, 2, 5, 6])], attrs: { size: [8, 9], alignCorners: true } },
    { ins: [between(-1, 1, [1, 2, 5, 6])], attrs: { size: [7, 3], mode: "cubic" } },
    { ins: [between(-1, 1, [2, 1, 5, 6])], attrs: { size: [3, 13], mode: "nearest" } },
    { ins: [between(-1, 1, [1, 2, 7])], attrs: { size: [4] } },
    { ins: [between(-1, 1, [1, 2, 2, 3, 2])], attrs: { size: [4, 2, 3] } },
    { ins: [between(0, 256, u8([1, 3, 4, 5]))], attrs: { size: [6, 4] }, gradient: false },
    { ins: [between(-1, 1, f16([1, 1, 4, 5]))], attrs: { size: [6, 4] } },
    { ins: [between(-1, 1, [8, 64, 56, 56])], attrs: { size: [112, 112] }, bench: true },
  ],
});

/** How an image is resized: to a size, or by a scale, a number for all axes or one for each. */
export interface ResizeOptions {
  /** Extents of the result's axes behind the channels. */
  readonly size?: number | readonly number[];
  /** Factor of the extents, rounded down. */
  readonly scale?: number | readonly number[];
  /** How values between pixels are made; linear by default. */
  readonly mode?: Sampling;
  /**
   * The centres of the corner pixels lie upon each other; false by default, when their corners do
   * and the edge is repeated beyond them. Only in mode linear.
   */
  readonly alignCorners?: boolean;
}

/**
 * An image [n,c,…] in another size. One, two or three axes stand behind the channels. Throws
 * OptionError unless one of size and scale is given.
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  const { size, scale, ...rest } = options;
  try {
    if ((size === undefined) === (scale === undefined)) {
      throw new OptionError(`Cannot resize x: ${printType(x)}: give either size or scale`);
    }
    return resizeFn(x, { size: size === undefined ? scaled(x, scale!) : each(x, size), ...rest });
  } catch (error) {
    throw located(error, new Error("resize"));
  }
}

function each(x: Type, given: number | readonly number[]): readonly number[] {
  return typeof given === "number" ? x.shape.slice(2).map(() => given) : given;
}

function scaled(x: Type, given: number | readonly number[]): readonly number[] {
  return each(x, given).map((by, i) => Math.floor(Math.fround(x.shape[2 + i] * by)));
}
