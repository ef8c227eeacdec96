/**
 * Gradients of reductions that look at their elements again.
 * @module
 */
import type { VjpArgs } from "../core/op.ts";
import type { Tensor } from "../core/tensor.ts";
import { sizeOf } from "../core/type.ts";
import { argmax } from "./argmax.ts";
import { eq } from "./compare.ts";
import { iota } from "./create.ts";
import { prod, spread } from "./reduce.ts";
import { as, where } from "./select.ts";
import { broadcastTo, inverse, reshape, transpose } from "./shape.ts";

/** The cotangent where the reduction found its element first, zero elsewhere. */
export function firstOf({ ct, ins: [x], out, attrs }: VjpArgs): Tensor {
  const axis: readonly number[] = attrs.axis;
  const kept = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const order = [...kept, ...axis];
  const lead = kept.map((a) => x.shape[a]);
  const hit = transpose(as(eq(x, spread(out, x, attrs)), "i32"), { perm: order });
  const rows = reshape(hit, { shape: [...lead, sizeOf(axis.map((a) => x.shape[a]))] });
  const places = iota({ shape: rows.shape, axis: lead.length });
  const here = eq(argmax(rows, { axis: -1, keep: true }), places);
  const shaped = reshape(here, { shape: order.map((a) => x.shape[a]) });
  return where(transpose(shaped, { perm: inverse(order) }), spread(ct, x, attrs), 0);
}

/**
 * For each element the product of the others along axes: a product over a square whose diagonal is
 * one, so that nothing is divided and zeros are right to any order. It is never materialised.
 */
export function productOfOthers(x: Tensor, axis: readonly number[]): Tensor {
  const kept = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const order = [...kept, ...axis];
  const lead = kept.map((a) => x.shape[a]);
  const n = sizeOf(axis.map((a) => x.shape[a]));
  const rows = reshape(transpose(x, { perm: order }), { shape: [...lead, 1, n] });
  const square = broadcastTo(rows, { shape: [...lead, n, n] });
  const same = eq(iota({ shape: [n, n], axis: 0 }), iota({ shape: [n, n], axis: 1 }));
  const others = prod(where(same, 1, square), { axis: -1 });
  const shaped = reshape(others, { shape: order.map((a) => x.shape[a]) });
  return transpose(shaped, { perm: inverse(order) });
}
