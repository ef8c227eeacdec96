/**
 * Operations that rearrange, join, cut and make tensors.
 * @module
 */
import { sameShape, sizeOf } from "../../core/type.ts";
import { concatFn } from "../../ops/join.ts";
import { sliceFn } from "../../ops/slice.ts";
import { type Emitter, fileShape, type Var } from "../emitter.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

/** What falls off the end comes first. */
const rolled: Lowering = ({ node: { ins: [x], attrs: { shift, axis } } }) => {
  const extent = x.shape[axis];
  const by = extent > 0 ? ((shift % extent) + extent) % extent : 0;
  if (by === 0) return x;
  const cut = (from: number, size: number) =>
    sliceFn(x, {
      begin: x.shape.map((_, i) => i === axis ? from : 0),
      size: x.shape.with(axis, size),
      step: x.shape.map(() => 1),
    });
  return concatFn([cut(extent - by, by), cut(0, extent - by)], { axis });
};

/** Rearrangements that become others. */
export const shapeLowerings: Lowerings = {
  roll: rolled,
};

/** Elements laid into a tensor of one value. */
function laidInto(
  { e, ins: [x], out }: Writing,
  value: number,
  begin: readonly number[],
  by: readonly number[],
): Var {
  return put(e, step.filled(e, value, out.dtype, out.shape), x, begin, by);
}

/** x with a value in every step-th element of its axes. */
function put(
  e: Emitter,
  x: Var,
  value: Var,
  begin: readonly number[],
  by: readonly number[],
): Var {
  const list = step.rangesOf(x.shape, begin, value.shape, by);
  if (!list.length) return value;
  const { param, ins } = step.ranges(e, list);
  return e.opr("SetSubtensor", [param], [x, value, ...ins], x);
}

function padded(site: Writing): Var {
  const { e, ins: [x], attrs: { before, after, value }, out } = site;
  if (out.dtype !== "f32") return laidInto(site, value, before, before.map(() => 1));
  const offsets = [...before, ...after].some((n: number) => n > 0)
    ? Object.fromEntries(before.flatMap((n: number, i: number) => [
      [`front_offset_dim${i}`, n],
      [`back_offset_dim${i}`, after[i]],
    ]))
    : undefined;
  if (!offsets) return x;
  return e.opr("Padding", [step.table("Padding", { ...offsets, padding_val: value })], [x], out);
}

/** One axis counted by a constant, the others repeated. */
function counted({ e, node: { op, attrs }, out }: Writing): Var {
  const { shape, axis } = attrs;
  const extent = shape[axis] ?? 1;
  const type = { dtype: out.dtype, shape: [extent] };
  const [line] = op.eval!([], { ...attrs, shape: [extent], axis: 0 }, [type]);
  const held = e.hold(line);
  if (shape.length < 2) return held;
  const lead = shape.map((n: number, i: number) => i === axis ? n : 1);
  return step.broadcast(e, step.reshape(e, held, lead), shape);
}

/** Rearrangements as operators. */
export const shapeWriting: WritingRules = {
  reshape: { write: ({ e, ins: [x], out }) => step.reshape(e, x, out.shape) },
  transpose: {
    write: ({ e, ins: [x], attrs: { perm } }) => step.transpose(e, x, perm.length ? perm : [0]),
  },
  broadcastTo: { write: ({ e, ins: [x], out }) => step.broadcast(e, x, out.shape) },
  concat: { write: ({ e, ins, attrs: { axis } }) => step.concat(e, ins, axis) },
  slice: {
    write: ({ e, ins: [x], attrs: { begin, size, step: by }, out }) =>
      out.shape.length ? step.part(e, x, { begin, size, step: by }) : x,
  },
  spaced: {
    write: (site) =>
      sameShape(site.ins[0].shape, fileShape(site.out.shape))
        ? site.ins[0]
        : laidInto(site, 0, site.attrs.begin, site.attrs.step),
  },
  setSlice: {
    write: ({ e, node, ins: [x, value], attrs: { begin, step: by } }) =>
      sizeOf(node.ins[1].shape) ? put(e, x, value, begin, by) : x,
  },
  pad: { write: padded },
  iota: { write: counted },
  zero: { write: ({ e, out }) => step.filled(e, 0, out.dtype, out.shape) },
};
