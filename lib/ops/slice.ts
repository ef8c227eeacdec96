/**
 * Parts of tensors: every step-th element from a begin along each axis.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { plusIndex, timesIndex } from "../core/index.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { printType, sameShape, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { integers, shape as shapeField } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { spaced } from "./pad.ts";
import { reshape } from "./shape.ts";

const sliced: Fn<
  readonly ["x"],
  { begin: readonly number[]; size: readonly number[]; step: readonly number[] }
> = op({
  name: "slice",
  doc: "Every step-th element from a begin along each axis",
  ins: ["x"],
  attrs: {
    begin: integers("first index of each axis", { from: 0 }),
    size: shapeField("elements of each axis"),
    step: integers("distance between elements, negative to go back"),
  },
  infer: ([x], { size }) => ({ dtype: x.dtype, shape: size }),
  view: (coords, _, { begin, step }) =>
    coords.map((c, i) => plusIndex(timesIndex(c, step[i]), begin[i])),
  vjp: ({ ct, ins: [x], attrs }) => [unslice(ct, x, attrs)],
  simplify: (out) =>
    sameShape(out.shape, out.node.ins[0].shape) &&
      out.node.attrs.step.every((st: number, i: number) => st === 1 || out.shape[i] <= 1)
      ? out.node.ins[0]
      : undefined,
  cases: [
    { ins: [between(-1, 1, [5, 6])], attrs: { begin: [1, 5], size: [2, 3], step: [2, -2] } },
  ],
});

/** The record of `slice`. */
export const sliceFn: typeof sliced = sliced;

/** One axis of a slice: an index, which removes the axis, or begin, end and step as in NumPy. */
export type Range = number | readonly [begin?: number, end?: number, step?: number];

/**
 * Every step-th element from a begin along each axis. One range an axis, trailing axes are whole;
 * negative indices count from the end and ends past the extent are cut, as in NumPy. Throws
 * ShapeError for an index outside.
 */
export function slice(x: Tensor, ...ranges: readonly Range[]): Tensor {
  if (ranges.length > x.shape.length) {
    throw located(
      new ShapeError(
        `Cannot slice ${printType(x)} by ${ranges.length} ranges: it has ${x.shape.length} axes`,
      ),
      new Error("slice"),
    );
  }
  const begin: number[] = [], size: number[] = [], step: number[] = [], kept: number[] = [];
  x.shape.forEach((extent, i) => {
    const r = ranges[i] ?? [];
    if (typeof r === "number") {
      const at = r < 0 ? r + extent : r;
      if (at < 0 || at >= extent || !Number.isInteger(at)) {
        throw located(
          new ShapeError(
            `Cannot take index ${r} of axis ${i} of ${printType(x)}: it has ${extent} elements`,
          ),
          new Error("slice"),
        );
      }
      begin.push(at), size.push(1), step.push(1);
      return;
    }
    const isRange = Array.isArray(r) && r.length <= 3 &&
      r.every((v) => v === undefined || Number.isInteger(v));
    if (!isRange) {
      throw located(
        new OptionError(
          `Cannot slice axis ${i} of ${printType(x)} by ${
            JSON.stringify(r)
          }: a range is an index, ` +
            "or [begin, end, step] of integers\n  try slice(x, [1, 3], 0): one argument an axis",
        ),
        new Error("slice"),
      );
    }
    const one = rangeOver(r, extent);
    begin.push(one.begin), size.push(one.size), step.push(one.step), kept.push(one.size);
  });
  const part = sliced(x, { begin, size, step });
  return kept.length === x.shape.length ? part : reshape(part, { shape: kept });
}

/** NumPy's meaning of begin:end:step on an axis. */
function rangeOver(
  r: readonly (number | undefined)[],
  extent: number,
): { begin: number; size: number; step: number } {
  const step = r[2] ?? 1;
  if (step === 0) {
    throw new OptionError(`Cannot slice with step ${step}: it must be an integer other than 0`);
  }
  const lo = step > 0 ? 0 : -1;
  const hi = step > 0 ? extent : extent - 1;
  const clip = (v: number) => Math.min(hi, Math.max(lo, v < 0 ? v + extent : v));
  const begin = r[0] === undefined ? (step > 0 ? lo : hi) : clip(r[0]);
  const end = r[1] === undefined ? (step > 0 ? hi : lo) : clip(r[1]);
  const size = Math.max(0, Math.ceil((end - begin) / step));
  return { begin: size === 0 ? 0 : begin, size, step };
}

/** The cotangent of a slice put back where it came from, zeros elsewhere. */
function unslice(
  ct: Tensor,
  x: Type,
  attrs: {
    readonly begin: readonly number[];
    readonly size: readonly number[];
    readonly step: readonly number[];
  },
): Tensor {
  const { begin, size, step } = attrs;
  const back = step.map((st) => st < 0);
  const flipped = back.some(Boolean)
    ? sliced(ct, {
      begin: size.map((n, i) => back[i] ? Math.max(0, n - 1) : 0),
      size,
      step: back.map((b) => b ? -1 : 1),
    })
    : ct;
  const low = begin.map((b, i) => back[i] ? b + (size[i] - 1) * step[i] : b);
  return spaced(flipped, { shape: x.shape, begin: low, step: step.map(Math.abs) });
}
