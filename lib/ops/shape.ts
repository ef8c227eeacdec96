/**
 * Views: the same elements in another arrangement. They cost nothing where they fuse.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { coordsOf } from "../core/coords.ts";
import { addressOf, constant } from "../core/index.ts";
import type { Scalar } from "../core/scalar.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { broadcastShapes, printType, sameShape, sizeOf, u8 } from "../core/type.ts";
import { type Fn, op, type Operand } from "../op/declare.ts";
import { perm, shape as shapeField } from "../op/field.ts";
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
  if (!Array.isArray(shape)) {
    throw located(
      new OptionError("Cannot reshape without a shape: give { shape: [...] }"),
      new Error("reshape"),
    );
  }
  const holes = shape.filter((e) => e === -1).length;
  const rest = sizeOf(shape.filter((e) => e !== -1));
  const total = sizeOf(x.shape);
  const filled = holes === 1 && rest > 0 ? shape.map((e) => e === -1 ? total / rest : e) : shape;
  if (holes > 1 || sizeOf(filled) !== total || filled.some((e) => !Number.isInteger(e) || e < 0)) {
    throw located(
      new ShapeError(
        `Cannot reshape ${printType(x)} to [${shape}]: it has ${total} elements, the shape has ` +
          `${
            holes ? `${rest} times an open extent` : sizeOf(shape)
          }\n  try a shape whose product is ${total}`,
      ),
      new Error("reshape"),
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
    throw located(
      new OptionError(
        `Cannot add axes [${list}] to ${printType(t)}: the result has ${rank} axes`,
      ),
      new Error("expandDims"),
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
      throw located(
        new ShapeError(
          `Cannot squeeze axis ${a} of ${printType(x)}: its extent is ${
            x.shape[a] ?? "absent"
          }, not 1`,
        ),
        new Error("squeeze"),
      );
    }
  }
  return reshape(x, { shape: x.shape.filter((_, i) => !list.includes(i)) });
}
