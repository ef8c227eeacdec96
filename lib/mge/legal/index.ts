/**
 * Elements picked and placed by index. File operators take vectors of i32 along an axis; indices
 * that differ from place to place become indices into the flattened tensor.
 * @module
 */
import { isHost } from "../../core/host.ts";
import { apply, type Tensor } from "../../core/tensor.ts";
import { denseStrides, sizeOf } from "../../core/type.ts";
import { add, maximum, minimum, mul } from "../../ops/arithmetic.ts";
import { eq, lt } from "../../ops/compare.ts";
import { iota } from "../../ops/create.ts";
import { gather, scatterAdd } from "../../ops/gather.ts";
import { max } from "../../ops/reduce.ts";
import { as, where } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import type { Var } from "../emitter.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

/** Constants that already lie inside are left as they are. */
function inside(index: Tensor, extent: number): Tensor {
  const i = as(index, "i32");
  const { data } = i.node;
  if (isHost(data) && data.data.every((v) => Number(v) >= 0 && Number(v) < extent)) return i;
  return minimum(maximum(where(lt(i, 0), add(i, extent), i), 0), extent - 1);
}

/** Index of each place in a flattened tensor of `shape`. */
function flattened(index: Tensor, shape: readonly number[], axis: number): Tensor {
  const strides = denseStrides(shape);
  return shape.reduce((sum: Tensor, _, d) => {
    if (d === axis || index.shape[d] === 1) return sum;
    const lead = index.shape.map((n, i) => i === d ? n : 1);
    return add(sum, iota({ shape: lead, axis: d, step: strides[d] }));
  }, mul(inside(index, shape[axis]), strides[axis]));
}

const along: Lowering = ({ node: { ins: [x, index], attrs: { axis } }, shape }) => {
  const flat = reshape(x, { shape: [sizeOf(x.shape)] });
  const places = reshape(flattened(index, x.shape, axis), { shape: [sizeOf(shape)] });
  return reshape(gather(flat, places, { axis: 0 }), { shape });
};

const put: Lowering = ({ node: { ins: [u, index], attrs: { axis } }, shape }) => {
  const n = sizeOf(u.shape);
  const places = reshape(flattened(index, shape, axis), { shape: [n] });
  const found = scatterAdd(reshape(u, { shape: [n] }), places, { axis: 0, size: sizeOf(shape) });
  return reshape(found, { shape });
};

/** Sums of narrow integers wrap as i32 do. */
const scattered: Lowering = ({ node: { op, ins: [u, index], attrs }, dtype }) =>
  dtype === "f32" || dtype === "i32" || dtype === "f16"
    ? undefined
    : as(apply(op, [as(u, "i32"), index], attrs)[0], dtype);

/** True for constant indices that lie inside. */
function isInside({ node: { data } }: Tensor, extent: number): boolean {
  return isHost(data) && data.data.every((v) => Number(v) >= 0 && Number(v) < extent);
}

const latest: Lowering = ({ node: { ins: [indices], attrs: { size } } }) => {
  const [n] = indices.shape;
  const hits = eq(iota({ shape: [size, 1] }), reshape(as(indices, "i32"), { shape: [1, n] }));
  return max(where(hits, iota({ shape: [1, n], axis: 1 }), -1), { axis: 1 });
};

/** Indices as operations that files have; placing one element a line stays a composition. */
export const indexLowerings: Lowerings = {
  lastHit: latest,
  takeAlongAxis: along,
  putAlongAxis: put,
  scatterAdd: scattered,
};

function items(axis: number) {
  const item = { axis, begin: false, end: false, step: false, idx: true };
  return step.table("IndexDescMaskDump", { items: [item] });
}

/** A vector of i32, moved to the nearest end where it may lie outside. */
function vector({ e, node }: Writing, index: Var, extent: number): Var {
  const flat = step.reshape(e, step.convert(e, index, "i32"), [step.count(index)]);
  const { data } = node.ins[1].node;
  if (isHost(data) && data.data.every((v) => Number(v) >= -extent && Number(v) < extent)) {
    return flat;
  }
  const low = step.elemwise(e, "MAX", flat, step.scalar(e, -extent, "i32"));
  return step.elemwise(e, "MIN", low, step.scalar(e, extent - 1, "i32"));
}

function picked(site: Writing): Var {
  const { e, ins: [x, index], attrs: { axis }, out } = site;
  const shape = x.shape.with(axis, step.count(index));
  const type = { dtype: out.dtype, shape };
  const places = vector(site, index, x.shape[axis]);
  const made = e.opr("IndexingMultiAxisVec", [items(axis)], [x, places], type);
  return step.reshape(e, made, out.shape);
}

function added(site: Writing): Var {
  const { e, ins: [u, index], attrs: { axis }, out } = site;
  const value = step.reshape(e, u, out.shape.with(axis, step.count(index)));
  const base = step.filled(e, 0, out.dtype, out.shape);
  const places = vector(site, index, out.shape[axis]);
  return e.opr("IndexingIncrMultiAxisVec", [items(axis)], [base, value, places], out);
}

/** What names no place is set in a row of its own, which is cut off again. */
function set({ e, node, ins: [x, updates, indices], attrs: { axis } }: Writing): Var {
  const size = x.shape[axis];
  if (sizeOf(node.ins[1].shape) === 0) return x;
  const params = [items(axis)];
  const given = step.convert(e, indices, "i32");
  const write = (to: Var, places: Var) =>
    e.opr("IndexingSetMultiAxisVec", params, [to, updates, places], to);
  if (isInside(node.ins[2], size)) return write(x, given);
  const [zero, past] = [0, size].map((n) => step.scalar(e, n, "i32"));
  const low = step.elemwise(e, "COND_LEQ_MOV", zero, given, step.elemwise(e, "MIN", given, past));
  const places = step.elemwise(e, "ADD", low, step.elemwise(e, "COND_LT_MOV", given, zero, past));
  const wide = { dtype: x.dtype, shape: x.shape.with(axis, size + 1) };
  const { param, ins } = step.ranges(e, [{ axis, begin: 0, end: size }]);
  const base = step.filled(e, 0, wide.dtype, wide.shape);
  const room = e.opr("SetSubtensor", [param], [base, x, ...ins], wide);
  const none = x.shape.map(() => 0);
  return step.part(e, write(room, places), { begin: none, size: x.shape, step: none.map(() => 1) });
}

/** Indices as operators. */
export const indexWriting: WritingRules = {
  gather: { write: picked },
  scatterAdd: { write: added },
  scatterSet: { write: set },
};
