/**
 * The choice among overlapping boxes: one operator does it all; its steps are written as
 * arithmetic on bits that are apart.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { add, maximum, minimum, mul, sub } from "../../ops/arithmetic.ts";
import { shl, shr } from "../../ops/bits.ts";
import { eq, gt, lt } from "../../ops/compare.ts";
import { iota } from "../../ops/create.ts";
import { concat } from "../../ops/join.ts";
import { logicalAnd } from "../../ops/logic.ts";
import { mod } from "../../ops/math.ts";
import { pad } from "../../ops/pad.ts";
import { sum } from "../../ops/reduce.ts";
import { as, where } from "../../ops/select.ts";
import { broadcastTo, expandDims, reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import { outputOf } from "../emitter.ts";
import type { Lowering, Lowerings, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

const width = 32;

function places(): Tensor {
  return iota({ shape: [width] });
}

/** Words of bits from a last axis of 32 numbers that are 0 or 1. */
function packed(bits: Tensor): Tensor {
  return sum(shl(bits, broadcastTo(places(), { shape: bits.shape })), { axis: -1 });
}

function unpacked(words: Tensor): Tensor {
  return mod(shr(expandDims(words, { axis: -1 }), places()), 2);
}

const overlapping: Lowering = ({ node: { ins: [boxes], attrs: { iouThresh } }, shape }) => {
  const [b, n, words] = shape;
  const filled = pad(boxes, { before: [0, 0, 0], after: [0, words * width - n, 0] });
  const corner = (t: Tensor, c: number, lead: readonly number[]) =>
    reshape(
      sliceFn(t, { begin: [0, 0, c], size: [b, t.shape[1], 1], step: [1, 1, 1] }),
      { shape: lead },
    );
  const a = [0, 1, 2, 3].map((c) => corner(boxes, c, [b, n, 1]));
  const o = [0, 1, 2, 3].map((c) => corner(filled, c, [b, 1, words * width]));
  const side = (low: number, high: number) =>
    maximum(sub(minimum(a[high], o[high]), maximum(a[low], o[low])), 0);
  const area = (x: readonly Tensor[]) => mul(sub(x[2], x[0]), sub(x[3], x[1]));
  const both = mul(side(0, 2), side(1, 3));
  const hit = gt(both, mul(sub(add(area(a), area(o)), both), iouThresh));
  const inside = lt(iota({ shape: [words * width] }), n);
  const bits = as(logicalAnd(hit, broadcastTo(inside, { shape: hit.shape })), "i32");
  return packed(reshape(bits, { shape: [b, n, words, width] }));
};

/** Box after box: what is left stays and strikes out what it overlaps. */
const striking: Lowering = ({ node: { ins: [masks, state] } }) => {
  const [b, n, words] = masks.shape;
  const at = (t: Tensor, begin: readonly number[], shape: readonly number[]) =>
    sliceFn(t, { begin, size: shape, step: shape.map(() => 1) });
  const block = at(state, [0, words], [b, 1]);
  const own = at(state, [0, 0], [b, words]);
  const rows = reshape(
    unpacked(pad(masks, { before: [0, 0, 0], after: [0, words * width - n, 0] })),
    { shape: [b, words, width, words, width] },
  );
  const order = iota({ shape: [1, words], axis: 1 });
  const here = as(eq(order, block), "i32");
  /** What stands for the block that is decided. */
  const picked = (t: Tensor) => {
    const lead = [b, words, ...t.shape.slice(2).map(() => 1)];
    return sum(mul(t, reshape(here, { shape: lead })), { axis: 1 });
  };
  const mask = picked(rows);
  let dead = unpacked(own);
  const kept: Tensor[] = [];
  for (let i = 0; i < width; i++) {
    const inside = lt(add(mul(block, width), i), n);
    const alive = mul(
      sub(1, at(picked(dead), [0, i], [b, 1])),
      as(inside, "i32"),
    );
    kept.push(alive);
    const row = reshape(at(mask, [0, i, 0, 0], [b, 1, words, width]), { shape: dead.shape });
    dead = maximum(dead, mul(reshape(alive, { shape: [b, 1, 1] }), row));
  }
  const chosen = packed(concat(kept, { axis: 1 }));
  const later = where(gt(order, block), packed(dead), own);
  const all = where(eq(order, block), reshape(chosen, { shape: [b, 1] }), later);
  return concat([all, add(block, 1)], { axis: 1 });
};

/** Steps of the choice. */
export const boxLowerings: Lowerings = {
  overlaps: overlapping,
  struckOut: striking,
};

/** The choice as an operator. */
export const boxWriting: WritingRules = {
  nmsKeep: {
    write({ e, node, ins: [boxes], attrs: { iouThresh, maxOutput } }) {
      const param = step.table("NMSKeep", { iou_thresh: iouThresh, max_output: maxOutput });
      const { outs } = node;
      const made = e.opr("NMSKeepMGB", [param], [boxes], outs[0], { outs });
      return [made, outputOf(made.from, 1)];
    },
  },
};
