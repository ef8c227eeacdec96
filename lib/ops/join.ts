/**
 * Tensors put together and taken apart: concatenation, stacking, splitting, repetition, rotation.
 * @module
 */
import { DTypeError, OptionError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf } from "../core/host.ts";
import { axesOf, modIndex, plusIndex } from "../core/index.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { i32, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField, integer } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { sliceFn } from "./slice.ts";
import { broadcastTo, expandDims, reshape, squeeze } from "./shape.ts";

/**
 * Operands that one node joins: a kernel binds each of them, and devices promise eight bindings.
 */
const widest = 6;

/** The record of `concat`. */
export const concatFn: Fn<readonly ["xs..."], { axis?: number }> = op({
  name: "concat",
  doc: "Tensors one behind the other along an axis, the first by default",
  ins: ["xs..."],
  attrs: { axis: axisField(0) },
  infer: (xs, { axis }) => {
    const [first] = xs;
    for (const x of xs) {
      if (x.dtype !== first.dtype) {
        throw new DTypeError(
          `Cannot join ${printType(first)} and ${printType(x)}: the dtypes differ\n  try cast`,
        );
      }
      const fits = x.shape.length === first.shape.length &&
        x.shape.every((e, i) => i === axis || e === first.shape[i]);
      if (!fits) {
        throw new ShapeError(
          `Cannot join ${printType(first)} and ${printType(x)} along axis ${axis}: the other ` +
            "extents must agree\n  try stack, which adds an axis",
        );
      }
    }
    const total = xs.reduce((n, x) => n + x.shape[axis], 0);
    return { dtype: first.dtype, shape: first.shape.with(axis, total) };
  },
  eval: (xs, { axis }, [out]) => {
    const behind = sizeOf(out.shape.slice(axis));
    const data = arrayOf(out.dtype, sizeOf(out.shape));
    let first = 0;
    for (const x of xs) {
      const run = sizeOf(x.shape.slice(axis));
      for (let b = 0; b * run < x.data.length; b++) {
        data.set(x.data.subarray(b * run, (b + 1) * run), b * behind + first);
      }
      first += run;
    }
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, xs, { axis }, [out]) => {
    const coords = axesOf(out.shape);
    const starts = startsOf(xs, axis);
    let body: Scalar | undefined;
    for (let k = xs.length - 1; k >= 0; k--) {
      const extent = xs[k].shape[axis];
      if (extent === 0) continue;
      const own = plusIndex(coords[axis], -starts[k]);
      const value = at(k, coords.with(axis, own));
      const above = starts[k] > 0 ? s.ge(own, 0) : undefined;
      const below = body ? s.lt(own, extent) : undefined;
      const mine = above && below ? s.and(above, below) : above ?? below;
      const safe = mine ? guarded(value, mine) : value;
      body = body ? s.select(below!, safe, body) : safe;
    }
    return body && { kind: "map", shape: out.shape, body };
  },
  vjp: ({ ct, ins: xs, attrs: { axis }, needs }) => {
    const starts = startsOf(xs, axis);
    return xs.map((x, k) => needs[k] ? part(ct, axis, starts[k], x.shape[axis]) : undefined);
  },
  simplify: (out) => out.node.ins.length === 1 ? out.node.ins[0] : undefined,
  cases: [
    {
      ins: [between(-1, 1, [2, 3]), between(-1, 1, [2, 1]), between(-1, 1, [2, 2])],
      attrs: { axis: -1 },
    },
    { ins: [between(-9, 9, i32([2, 3])), between(-9, 9, i32([1, 3]))] },
  ],
});

function startsOf(xs: readonly Type[], axis: number): number[] {
  let at = 0;
  return xs.map((x) => (at += x.shape[axis]) - x.shape[axis]);
}

/** `size` elements along one axis from a start. */
function part(x: Tensor, axis: number, start: number, size: number): Tensor {
  return sliceFn(x, {
    begin: x.shape.map((_, i) => i === axis ? start : 0),
    size: x.shape.with(axis, size),
    step: x.shape.map(() => 1),
  });
}

/**
 * Tensors one behind the other along an axis, the first by default. Throws ShapeError if other
 * extents differ, DTypeError if the dtypes do.
 */
export function concat(
  xs: readonly Tensor[],
  options: { readonly axis?: number } = {},
): Tensor {
  if (xs.length === 0) {
    throw located(
      new OptionError("Cannot join no tensors: give at least one"),
      new Error("concat"),
    );
  }
  if (xs.length <= widest) return concatFn(xs, options);
  const groups: Tensor[] = [];
  for (let i = 0; i < xs.length; i += widest) {
    groups.push(concatFn(xs.slice(i, i + widest), options));
  }
  return concat(groups, options);
}

/**
 * Tensors of one shape along a new axis, the first by default; negative ones count in the result.
 */
export function stack(xs: readonly Tensor[], options: { readonly axis?: number } = {}): Tensor {
  const { axis = 0 } = options;
  return concat(xs.map((x) => expandDims(x, { axis })), { axis });
}

/** How a tensor is split: into parts of equal extent, or of the extents given. */
export interface SplitOptions {
  /** Axis that is split, the first by default. */
  readonly axis?: number;
  /** Number of equal parts. */
  readonly sections?: number;
  /** Extent of each part. */
  readonly sizes?: readonly number[];
}

/** Parts of a tensor along an axis. Throws ShapeError if they do not make up its extent. */
export function split(x: Tensor, options: SplitOptions): readonly Tensor[] {
  const axis = axisOf(x, options.axis ?? 0);
  const extent = x.shape[axis];
  const { sections = 1 } = options;
  const sizes = options.sizes ?? Array.from({ length: sections }, () => extent / sections);
  const whole = sizes.length > 0 && sizes.every((n) => Number.isInteger(n) && n >= 0);
  if (!whole || sizes.reduce((a, b) => a + b, 0) !== extent) {
    throw located(
      new ShapeError(
        `Cannot split axis ${axis} of ${printType(x)} into ${
          options.sizes ? `[${sizes}]` : `${sections} equal parts`
        }: it has ${extent} elements\n  try sizes that sum to ${extent}`,
      ),
      new Error("split"),
    );
  }
  let at = 0;
  return sizes.map((n) => part(x, axis, (at += n) - n, n));
}

/** The parts of extent 1 along an axis, the first by default, without that axis. */
export function unstack(x: Tensor, options: { readonly axis?: number } = {}): readonly Tensor[] {
  const axis = axisOf(x, options.axis ?? 0);
  const sections = x.shape[axis];
  return sections === 0 ? [] : split(x, { axis, sections }).map((t) => squeeze(t, { axis }));
}

function axisOf(x: Type, axis: number): number {
  const rank = x.shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new OptionError(`Cannot take axis ${axis} of ${printType(x)}: it has ${rank} axes`);
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * The whole tensor repeated along each axis, as NumPy's tile: fewer counts concern trailing axes.
 */
export function tile(x: Tensor, options: { readonly counts: readonly number[] }): Tensor {
  const rank = Math.max(x.shape.length, options.counts.length);
  const fill = (list: readonly number[]) => [...Array(rank - list.length).fill(1), ...list];
  const [shape, counts] = [fill(x.shape), fill(options.counts)];
  const apart = reshape(x, { shape: shape.flatMap((e) => [1, e]) });
  const wide = broadcastTo(apart, { shape: shape.flatMap((e, i) => [counts[i], e]) });
  return reshape(wide, { shape: shape.map((e, i) => e * counts[i]) });
}

/** Each element repeated `count` times along an axis; without one, of the flattened tensor. */
export function repeat(
  x: Tensor,
  options: { readonly count: number; readonly axis?: number },
): Tensor {
  const { count } = options;
  const flat = options.axis === undefined ? reshape(x, { shape: [sizeOf(x.shape)] }) : x;
  const axis = axisOf(flat, options.axis ?? 0);
  const apart = expandDims(flat, { axis: axis + 1 });
  const wide = broadcastTo(apart, { shape: apart.shape.with(axis + 1, count) });
  return reshape(wide, { shape: flat.shape.with(axis, flat.shape[axis] * count) });
}

/** The record of `roll`. */
export const rollFn: Fn<readonly ["x"], { shift: number; axis?: number }> = op({
  name: "roll",
  doc: "Elements moved on along an axis; those that fall off the end come in again",
  ins: ["x"],
  attrs: { shift: integer("places to move"), axis: axisField(0) },
  view: (coords, [x], { shift, axis }) => {
    const extent = x.shape[axis];
    if (extent <= 1) return coords;
    const by = ((-shift % extent) + extent) % extent;
    return coords.with(axis, modIndex(plusIndex(coords[axis], by), extent));
  },
  vjp: ({ ct, attrs: { shift, axis } }) => [rollFn(ct, { shift: -shift, axis })],
  cases: [
    { ins: [between(-1, 1, [3, 4])], attrs: { shift: 1, axis: 1 } },
    { ins: [between(-1, 1, [5])], attrs: { shift: -7 } },
  ],
});

/**
 * Elements moved on along an axis; those that fall off the end come in again. Without an axis the
 * flattened tensor is moved, and keeps its shape.
 */
export function roll(
  x: Tensor,
  options: { readonly shift: number; readonly axis?: number },
): Tensor {
  const { shift, axis } = options;
  if (axis !== undefined) return rollFn(x, { shift, axis });
  return reshape(rollFn(reshape(x, { shape: [sizeOf(x.shape)] }), { shift }), { shape: x.shape });
}

/** The elements in reverse order along some axes, all by default. */
export function flip(
  x: Tensor,
  options: { readonly axis?: number | readonly number[] } = {},
): Tensor {
  const list = options.axis === undefined ? x.shape.map((_, i) => i) : [options.axis].flat();
  const back = new Set((list as number[]).map((a) => axisOf(x, a)));
  return sliceFn(x, {
    begin: x.shape.map((e, i) => back.has(i) ? Math.max(0, e - 1) : 0),
    size: x.shape,
    step: x.shape.map((_, i) => back.has(i) ? -1 : 1),
  });
}
