/**
 * Choosing among overlapping boxes. Which boxes overlap is one kernel, as words of 32 bits; then
 * one small kernel for every 32 boxes decides those in order and strikes out, for all later boxes,
 * what overlaps them. So n boxes take n / 32 kernels and the result is that of the greedy loop.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { arrayOf, type Host, host } from "../core/host.ts";
import { axesOf, constant, plusIndex, timesIndex } from "../core/index.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { f32, i32, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, many, type ManyFn, op } from "../op/declare.ts";
import { integer, number } from "../op/field.ts";
import { minimum } from "./arithmetic.ts";
import { bitAnd, shr } from "./bits.ts";
import { iota, zeros } from "./create.ts";
import { gather } from "./gather.ts";
import { cumsum } from "./scan.ts";
import { searchSorted } from "./search.ts";
import { broadcastTo, reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { argsort } from "./sort.ts";

/** Boxes whose state is one word. */
const word = 32;

/** Boxes [b,n,4] as corners x0, y0, x1, y1. */
function checkBoxes(name: string, boxes: Type): void {
  if (boxes.shape.length !== 3 || boxes.shape[2] !== 4 || boxes.shape[1] === 0) {
    throw new ShapeError(
      `Cannot apply ${name} to boxes: ${printType(boxes)}: they must be [b,n,4] with n from 1`,
    );
  }
  if (boxes.dtype !== "f32") {
    throw new DTypeError(
      `Cannot apply ${name} to boxes: ${printType(boxes)}: they must be f32\n` +
        `  try cast(boxes, { dtype: "f32" })`,
    );
  }
}

const iouThresh = number("share of the union above which boxes overlap");

/** Which boxes [b,n,4] overlap which: bit j of word w of a row stands for box 32w + j. */
export const overlaps: Fn<readonly ["boxes"], { iouThresh: number }> = op({
  name: "overlaps",
  doc: "Which boxes [b,n,4] overlap which: bit j of word w of a row stands for box 32w + j",
  ins: ["boxes"],
  attrs: { iouThresh },
  infer: ([boxes]) => {
    checkBoxes("overlaps", boxes);
    const [b, n] = boxes.shape;
    return i32([b, n, Math.ceil(n / word)]);
  },
  eval: ([boxes], { iouThresh }, [out]) => {
    const [b, n, words] = out.shape;
    const data = arrayOf("i32", sizeOf(out.shape));
    for (let z = 0; z < b; z++) {
      const box = (i: number) => boxes.data.subarray((z * n + i) * 4, (z * n + i + 1) * 4);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          if (!isOverlap(box(i), box(j), iouThresh)) continue;
          data[(z * n + i) * words + (j >> 5)] |= 1 << (j & 31);
        }
      }
    }
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [boxes], { iouThresh }, [out]) => {
    const [z, i, w] = axesOf(out.shape);
    const [k] = axesOf([word], 3);
    const n = boxes.shape[1];
    const j = plusIndex(timesIndex(w, word), k);
    // what stands behind the last box is read there and not counted
    const inside = n % word === 0 ? j : s.min(j, n - 1);
    const corners = (b: Scalar) => [0, 1, 2, 3].map((c) => at(0, [z, b, constant(c)]));
    const hit = overlap(corners(i), corners(inside), iouThresh);
    const there = n % word === 0 ? hit : s.and(hit, s.lt(j, n));
    const body = s.select(there, s.shl(constant(1), s.toU32(k)), constant(0));
    return { kind: "reduce", shape: out.shape, over: [word], combine: "sum", body };
  },
  vjp: () => [undefined],
  cases: [{ ins: [someBoxes(2, 5)], attrs: { iouThresh: 0.3 } }, {
    ins: [someBoxes(1, 40)],
    attrs: { iouThresh: 0.1 },
  }],
});

function isOverlap(a: Host["data"], b: Host["data"], thresh: number): boolean {
  const f = Math.fround;
  const wide = f(Math.max(f(Math.min(a[2], b[2]) - Math.max(a[0], b[0])), 0));
  const high = f(Math.max(f(Math.min(a[3], b[3]) - Math.max(a[1], b[1])), 0));
  const area = (x: Host["data"]) => f(f(x[2] - x[0]) * f(x[3] - x[1]));
  const both = f(wide * high);
  return both > f(f(f(area(a) + area(b)) - both) * f(thresh));
}

function overlap(a: readonly Scalar[], b: readonly Scalar[], thresh: number): Scalar {
  const side = (low: number, high: number) =>
    s.max(s.sub(s.min(a[high], b[high]), s.max(a[low], b[low])), 0);
  const area = (x: readonly Scalar[]) => s.mul(s.sub(x[2], x[0]), s.sub(x[3], x[1]));
  const both = s.mul(side(0, 2), side(1, 3));
  return s.gt(both, s.mul(s.sub(s.add(area(a), area(b)), both), s.f(thresh)));
}

/** Boxes of whole numbers, so that nothing is rounded. */
function someBoxes(b: number, n: number): Host {
  const data = Float32Array.from({ length: b * n * 4 }, (_, i) => {
    const [box, corner] = [Math.floor(i / 4), i % 4];
    const low = (corner % 2 === 0 ? box * 7 : box * 11) % 16;
    return corner < 2 ? low : low + 5 + (box * 3 + corner) % 4;
  });
  return host(f32([b, n, 4]), data);
}

/**
 * One step of the choice among boxes: the next word of the state is decided. Words before it say
 * which boxes are kept, those behind it which are struck out; one more holds its number, so that one
 * kernel serves every step.
 */
export const struckOut: Fn<readonly ["masks", "state"]> = op({
  name: "struckOut",
  doc: "One step of the choice among boxes: the next word of the state is decided",
  ins: ["masks", "state"],
  infer: ([masks, state]) => {
    const [b, n, words] = masks.shape;
    const fits = masks.shape.length === 3 && words === Math.ceil(n / word) &&
      state.shape.length === 2 && state.shape[0] === b && state.shape[1] === words + 1;
    if (!fits) {
      throw new ShapeError(
        `Cannot strike out in state: ${printType(state)} by masks: ${
          printType(masks)
        }: they must ` +
          "be [b,w+1] and [b,n,w], w words of 32",
      );
    }
    if (masks.dtype !== "i32" || state.dtype !== "i32") {
      throw new DTypeError(
        `Cannot strike out in state: ${printType(state)} by masks: ${
          printType(masks)
        }: both are i32`,
      );
    }
    return state;
  },
  eval: ([masks, state], _, [out]) => {
    const [b, n, words] = masks.shape;
    const data = state.data.slice() as Int32Array;
    for (let z = 0; z < b; z++) {
      const own = data.subarray(z * (words + 1), (z + 1) * (words + 1));
      const block = own[words]++;
      let kept = 0;
      for (let i = 0; i < Math.min(word, n - block * word); i++) {
        if (own[block] >> i & 1) continue;
        kept |= 1 << i;
        const row = (z * n + block * word + i) * words;
        for (let w = block; w < words; w++) own[w] |= Number(masks.data[row + w]);
      }
      own[block] = kept;
    }
    return [{ ...out, shape: [...out.shape], data }];
  },
  lower: (at, [masks], _, [out]) => {
    const [z, w] = axesOf(out.shape);
    const [, n, words] = masks.shape;
    const block = at(1, [z, constant(words)]);
    const before = at(1, [z, w]);
    let dead = at(1, [z, block]);
    let later = before;
    let kept: Scalar = constant(0);
    const inside = s.min(w, words - 1);
    for (let i = 0; i < word; i++) {
      const row = s.add(s.mul(block, word), i);
      const there = s.lt(row, n);
      const alive = s.and(there, s.eq(s.bitAnd(s.shr(dead, i), 1), 0));
      const strike = (words: Scalar, column: Scalar) =>
        s.select(alive, s.bitOr(words, guarded(at(0, [z, row, column]), there)), words);
      kept = s.select(alive, s.bitOr(kept, constant(1 << i)), kept);
      dead = strike(dead, block);
      later = strike(later, inside);
    }
    const decided = s.select(s.eq(w, block), kept, s.select(s.lt(w, block), before, later));
    const body = s.select(s.eq(w, words), s.add(block, 1), decided);
    return { kind: "map", shape: out.shape, body };
  },
  vjp: () => [undefined, undefined],
  cases: [
    { ins: [words([2, 40, 2], 77), stateAt(0)] },
    { ins: [words([2, 40, 2], 77), stateAt(1)] },
  ],
});

function stateAt(block: number): Host {
  return host(i32([2, 3]), Int32Array.of(5, 9, block, 64, 2, block));
}

/** Words with about every eighth bit set. */
function words(shape: readonly number[], seed: number): Host {
  let state = seed;
  const next = () => state = Math.imul(state, 1664525) + 1013904223;
  const data = Int32Array.from({ length: sizeOf(shape) }, () => next() & (next() >> 3) & next());
  return host(i32(shape), data);
}

/**
 * The first boxes [b,n,4] none of which overlaps one before it, by index [b,maxOutput], and how
 * many there are [b]. Behind them the last one is repeated.
 */
export const nmsKeep: ManyFn<
  readonly ["boxes"],
  { iouThresh: number; maxOutput: number }
> = many({
  name: "nmsKeep",
  doc:
    "The first boxes [b,n,4] none of which overlaps one before it, by index [b,maxOutput], and " +
    "how many there are [b]",
  ins: ["boxes"],
  attrs: { iouThresh, maxOutput: integer("boxes that are kept at most", { from: 1 }) },
  infer: ([boxes], { maxOutput }) => {
    checkBoxes("nmsKeep", boxes);
    const [b] = boxes.shape;
    return [i32([b, maxOutput]), i32([b])];
  },
  compose: ([boxes], { iouThresh, maxOutput }) => {
    const [b, n] = boxes.shape;
    const masks = overlaps(boxes, { iouThresh });
    const count = masks.shape[2];
    let state = zeros([b, count + 1], "i32");
    for (let block = 0; block < count; block++) state = struckOut(masks, state);
    const words = sliceFn(state, { begin: [0, 0], size: [b, count], step: [1, 1] });
    const bits = bitAnd(
      shr(reshape(words, { shape: [b, count, 1] }), iota({ shape: [word] })),
      1,
    );
    const flags = sliceFn(reshape(bits, { shape: [b, count * word] }), {
      begin: [0, 0],
      size: [b, n],
      step: [1, 1],
    });
    const until = cumsum(flags, { axis: 1 });
    const total = sliceFn(until, { begin: [0, n - 1], size: [b, 1], step: [1, 1] });
    const kept = minimum(total, maxOutput);
    const wanted = minimum(
      broadcastTo(iota({ shape: [1, maxOutput], axis: 1, start: 1 }), { shape: [b, maxOutput] }),
      kept,
    );
    return [searchSorted(until, wanted, { axis: 1 }), reshape(kept, { shape: [b] })];
  },
  vjp: () => [undefined],
  cases: [
    { ins: [someBoxes(1, 6)], attrs: { iouThresh: 0.3, maxOutput: 6 } },
    { ins: [someBoxes(2, 70)], attrs: { iouThresh: 0.1, maxOutput: 5 } },
  ],
});

/** Boxes that were kept. */
export interface Kept {
  /** Their indices (i32) [maxOutput], best first; the last one is repeated behind them. */
  readonly indices: Tensor;
  /** How many there are (i32, shape []). */
  readonly count: Tensor;
}

/**
 * Non-maximum suppression of boxes [n,4] (corners x0, y0, x1, y1) by scores [n]: of boxes that
 * overlap by more than `iouThresh` of their union the one with the higher score stays, and at most
 * `maxOutput` stay (all by default). Equal scores keep their order. It has no gradient.
 */
export function nms(
  boxes: Tensor,
  scores: Tensor,
  options: { readonly iouThresh: number; readonly maxOutput?: number },
): Kept {
  const n = boxes.shape[0];
  if (boxes.shape.length !== 2 || scores.shape.length !== 1 || scores.shape[0] !== n) {
    throw located(
      new ShapeError(
        `Cannot choose among boxes: ${printType(boxes)} by scores: ${printType(scores)}: they ` +
          "must be [n,4] and [n]",
      ),
      new Error("nms"),
    );
  }
  const { iouThresh, maxOutput = n } = options;
  const order = argsort(scores, { descending: true });
  const sorted = reshape(gather(boxes, order, { axis: 0 }), { shape: [1, n, 4] });
  const [indices, count] = nmsKeep(sorted, { iouThresh, maxOutput });
  return {
    indices: gather(order, reshape(indices, { shape: [maxOutput] }), { axis: 0 }),
    count: reshape(count, { shape: [] }),
  };
}
