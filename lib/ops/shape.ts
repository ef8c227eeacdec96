/**
 * Views: the same elements in another arrangement. They cost nothing where they fuse.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { addressOf, axesOf, constant, coordsOf, plusIndex, timesIndex } from "../core/index.ts";
import { kindOf, lit, s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { broadcastShapes, printType, sameShape, sizeOf, type Type, u8 } from "../core/type.ts";
import { type Fn, op, type Operand } from "../op/declare.ts";
import { integers, number, perm, shape as shapeField } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { sum } from "./reduce.ts";

/** The same elements, row-major, in another shape; one extent may be -1. */
const reshaped: Fn<readonly ["x"], { shape: readonly number[] }> = op({
  name: "reshape",
  doc: "The same elements, row-major, in another shape; one extent may be -1",
  ins: ["x"],
  attrs: { shape: shapeField() },
  infer: ([x], { shape }) => ({ dtype: x.dtype, shape }),
  view: (coords, [x], { shape }) => coordsOf(addressOf(coords, shape), x.shape),
  vjp: ({ ct, ins: [x] }) => [reshape(ct, { shape: x.shape })],
  simplify: (out) => {
    const [x] = out.node.ins;
    if (sameShape(x.shape, out.shape)) return x;
    return x.node.op.name === "reshape" ? reshape(x.node.ins[0], { shape: out.shape }) : undefined;
  },
  cases: [{ ins: [between(-1, 1, [2, 6])], attrs: { shape: [3, 4] } }],
});

/** The same elements, row-major, in another shape; one extent may be -1. Throws ShapeError if counts differ. */
export function reshape(x: Tensor, options: { readonly shape: readonly number[] }): Tensor {
  const { shape } = options;
  const holes = shape.filter((e) => e === -1).length;
  const rest = sizeOf(shape.filter((e) => e !== -1));
  const total = sizeOf(x.shape);
  const filled = holes === 1 && rest > 0 ? shape.map((e) => e === -1 ? total / rest : e) : shape;
  if (holes > 1 || sizeOf(filled) !== total || filled.some((e) => !Number.isInteger(e) || e < 0)) {
    throw new ShapeError(
      `Cannot reshape ${printType(x)} to [${shape}]: it has ${total} elements, the shape has ` +
        `${
          holes ? `${rest} times an open extent` : sizeOf(shape)
        }\n  try a shape whose product is ${total}`,
    );
  }
  return reshaped(x, { shape: filled });
}

/** The record of `reshape`. */
export const reshapeFn: Fn<readonly ["x"], { shape: readonly number[] }> = reshaped;

/** Axes from `from` on folded into one; by default a matrix of axis 0 and the rest. */
export function flatten(x: Tensor, options: { readonly from?: number } = {}): Tensor {
  const { from = 1 } = options;
  const shape = [...x.shape.slice(0, from), sizeOf(x.shape.slice(from))];
  return reshape(x, { shape });
}

/** The axes in another order, reversed by default. */
export const transpose: Fn<readonly ["x"], { perm?: readonly number[] }> = op({
  name: "transpose",
  doc: "The axes in another order, reversed by default",
  ins: ["x"],
  attrs: { perm: perm() },
  infer: ([x], { perm }) => ({ dtype: x.dtype, shape: perm.map((a: number) => x.shape[a]) }),
  view: (coords, [x], { perm }) => {
    const out = new Array<Scalar>(x.shape.length);
    perm.forEach((a: number, i: number) => out[a] = coords[i]);
    return out;
  },
  vjp: ({ ct, attrs: { perm } }) => [transpose(ct, { perm: inverse(perm) })],
  simplify: (out) => {
    const [x] = out.node.ins;
    const order: readonly number[] = out.node.attrs.perm;
    if (order.every((a, i) => a === i)) return x;
    if (x.node.op.name !== "transpose") return undefined;
    const inner: readonly number[] = x.node.attrs.perm;
    return transpose(x.node.ins[0], { perm: order.map((a) => inner[a]) });
  },
  cases: [
    { ins: [between(-1, 1, [2, 3, 4])], attrs: { perm: [2, 0, 1] } },
    { ins: [between(0, 9, u8([3, 5]))] },
  ],
});

/** The permutation that undoes another. */
export function inverse(order: readonly number[]): number[] {
  const out: number[] = [];
  order.forEach((a, i) => out[a] = i);
  return out;
}

/** Repeated along new leading axes and axes of extent 1, up to a shape. */
export const broadcastTo: Fn<readonly ["x"], { shape: readonly number[] }> = op({
  name: "broadcastTo",
  doc: "Repeated along new leading axes and axes of extent 1, up to a shape",
  ins: ["x"],
  attrs: { shape: shapeField() },
  infer: ([x], { shape }) => {
    const both = broadcastShapes(x.shape, shape);
    if (!both || !sameShape(both, shape)) {
      throw new ShapeError(
        `Cannot broadcast x: ${
          printType(x)
        } to [${shape}]: extents must agree or be 1, counted from the last axis`,
      );
    }
    return { dtype: x.dtype, shape };
  },
  view: (coords, [x]) =>
    x.shape.map((extent, i) =>
      extent === 1 ? constant(0) : coords[coords.length - x.shape.length + i]
    ),
  vjp: ({ ct, ins: [x] }) => [sumTo(ct, x.shape)],
  simplify: (out) => sameShape(out.node.ins[0].shape, out.shape) ? out.node.ins[0] : undefined,
  cases: [{ ins: [between(-1, 1, [3, 1])], attrs: { shape: [2, 3, 4] } }],
});

/** Sums over the axes along which a shape was broadcast. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axis = x.shape.flatMap((extent, i) =>
    i < lead || (shape[i - lead] === 1 && extent !== 1) ? [i] : []
  );
  return reshape(axis.length ? sum(x, { axis, keep: true }) : x, { shape });
}

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
 * A part of a tensor: one range an axis, trailing axes whole. Negative indices count from the end
 * and ends past the extent are cut, as in NumPy. Throws ShapeError for an index outside.
 */
export function slice(x: Tensor, ...ranges: readonly Range[]): Tensor {
  if (ranges.length > x.shape.length) {
    throw new ShapeError(
      `Cannot slice ${printType(x)} by ${ranges.length} ranges: it has ${x.shape.length} axes`,
    );
  }
  const begin: number[] = [], size: number[] = [], step: number[] = [], kept: number[] = [];
  x.shape.forEach((extent, i) => {
    const r = ranges[i] ?? [];
    if (typeof r === "number") {
      const at = r < 0 ? r + extent : r;
      if (at < 0 || at >= extent || !Number.isInteger(at)) {
        throw new ShapeError(
          `Cannot take index ${r} of axis ${i} of ${printType(x)}: it has ${extent} elements`,
        );
      }
      begin.push(at), size.push(1), step.push(1);
      return;
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
  if (step === 0 || !Number.isInteger(step)) {
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

/** Elements placed at begin, begin + step, … along each axis of a zero tensor; undoes a slice. */
export const spaced: Fn<
  readonly ["x"],
  { shape: readonly number[]; begin: readonly number[]; step: readonly number[] }
> = op({
  name: "spaced",
  doc: "Elements placed at begin, begin + step, … along each axis of a zero tensor; undoes a slice",
  ins: ["x"],
  attrs: {
    shape: shapeField(),
    begin: integers("first index of each axis", { from: 0 }),
    step: integers("distance between elements", { from: 1 }),
  },
  infer: ([x], { shape }) => ({ dtype: x.dtype, shape }),
  eval: ([x], { begin, step }, [out]) => {
    const data = x.data.slice(0, 0).constructor as new (n: number) => typeof x.data;
    const to = new data(sizeOf(out.shape));
    const at = offsets(x.shape, out.shape, begin, step);
    for (let i = 0; i < at.length; i++) to[at[i]] = x.data[i];
    return [{ dtype: x.dtype, shape: [...out.shape], data: to }];
  },
  lower: (at, [x], { shape, begin, step }) => {
    const coords = axesOf(shape);
    let inside: Scalar = s.b(true);
    const from = coords.map((c, i) => {
      const raw = plusIndex(c, -begin[i]);
      const q = step[i] === 1 ? raw : s.div(raw, step[i]);
      inside = s.and(inside, s.and(s.ge(raw, 0), s.lt(q, x.shape[i])));
      if (step[i] !== 1) inside = s.and(inside, s.eq(s.rem(raw, step[i]), 0));
      return q;
    });
    const value = guarded(at(0, from), inside);
    return { kind: "map", shape, body: s.select(inside, value, lit(kindOf(x.dtype), 0)) };
  },
  vjp: ({ ct, ins: [x], attrs: { begin, step } }) => [sliced(ct, { begin, size: x.shape, step })],
  cases: [
    { ins: [between(-1, 1, [2, 3])], attrs: { shape: [5, 6], begin: [1, 0], step: [2, 2] } },
  ],
});

function offsets(
  from: readonly number[],
  to: readonly number[],
  begin: readonly number[],
  step: readonly number[],
): number[] {
  let out = [0];
  for (let d = 0; d < from.length; d++) {
    const next: number[] = [];
    for (const base of out) {
      for (let j = 0; j < from[d]; j++) next.push(base * to[d] + begin[d] + j * step[d]);
    }
    out = next;
  }
  return out;
}

/** One value around a tensor: `before` and `after` give the extents added along each axis. */
export const pad: Fn<
  readonly ["x"],
  { before: readonly number[]; after: readonly number[]; value?: number }
> = op({
  name: "pad",
  doc: "One value around a tensor: `before` and `after` give the extents added along each axis",
  ins: ["x"],
  attrs: {
    before: integers("elements added before each axis", { from: 0 }),
    after: integers("elements added after each axis", { from: 0 }),
    value: number("what is added", 0, true),
  },
  infer: ([x], { before, after }) => {
    if (before.length !== x.shape.length || after.length !== x.shape.length) {
      throw new ShapeError(
        `Cannot pad ${
          printType(x)
        } by before: [${before}] and after: [${after}]: give one number an axis`,
      );
    }
    return { dtype: x.dtype, shape: x.shape.map((e, i) => before[i] + e + after[i]) };
  },
  eval: ([x], { before, value }, [out]) => {
    const make = x.data.constructor as new (n: number) => typeof x.data;
    const to = new make(sizeOf(out.shape)).fill(value) as typeof x.data;
    const at = offsets(x.shape, out.shape, before, before.map(() => 1));
    for (let i = 0; i < at.length; i++) to[at[i]] = x.data[i];
    return [{ dtype: x.dtype, shape: [...out.shape], data: to }];
  },
  lower: (at, [x], { before, value }, [out]) => {
    let inside: Scalar = s.b(true);
    const from = axesOf(out.shape).map((c, i) => {
      const raw = plusIndex(c, -before[i]);
      if (out.shape[i] !== x.shape[i]) {
        inside = s.and(inside, s.and(s.ge(raw, 0), s.lt(raw, x.shape[i])));
      }
      return raw;
    });
    const body = s.select(inside, guarded(at(0, from), inside), lit(kindOf(x.dtype), value));
    return { kind: "map", shape: out.shape, body };
  },
  vjp: ({ ct, ins: [x], attrs: { before } }) => [
    sliced(ct, { begin: before, size: x.shape, step: before.map(() => 1) }),
  ],
  simplify: (out) => sameShape(out.shape, out.node.ins[0].shape) ? out.node.ins[0] : undefined,
  cases: [
    { ins: [between(-1, 1, [2, 3])], attrs: { before: [1, 0], after: [0, 2], value: -1 } },
  ],
});

/** New axes of extent 1 at these positions of the result; negative ones count from its end. */
export function expandDims(
  x: Operand,
  options: { readonly axis: number | readonly number[] },
): Tensor {
  const t = x as Tensor;
  const list = [options.axis].flat() as number[];
  const rank = t.shape.length + list.length;
  const at = new Set(list.map((a) => a < 0 ? a + rank : a));
  if (at.size !== list.length || [...at].some((a) => !Number.isInteger(a) || a < 0 || a >= rank)) {
    throw new OptionError(
      `Cannot add axes [${list}] to ${printType(t)}: the result has ${rank} axes`,
    );
  }
  const rest = [...t.shape];
  const shape = Array.from({ length: rank }, (_, i) => at.has(i) ? 1 : rest.shift()!);
  return reshape(t, { shape });
}

/** Axes of extent 1 removed: those named, or all. */
export function squeeze(
  x: Tensor,
  options: { readonly axis?: number | readonly number[] } = {},
): Tensor {
  const rank = x.shape.length;
  const list = options.axis === undefined
    ? x.shape.flatMap((e, i) => e === 1 ? [i] : [])
    : ([options.axis].flat() as number[]).map((a) => a < 0 ? a + rank : a);
  for (const a of list) {
    if (x.shape[a] !== 1) {
      throw new ShapeError(
        `Cannot squeeze axis ${a} of ${printType(x)}: its extent is ${
          x.shape[a] ?? "absent"
        }, not 1`,
      );
    }
  }
  return reshape(x, { shape: x.shape.filter((_, i) => !list.includes(i)) });
}
