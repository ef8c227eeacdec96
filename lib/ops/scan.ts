/**
 * Sums from the beginning of an axis up to each element, in a few steps: each step adds up elements
 * that stand further apart than those of the one before, so n elements take log n / log 32 of them.
 * @module
 */
import { broadcastCoords } from "../core/draft.ts";
import { ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { type Host, host } from "../core/host.ts";
import { axesOf, plusIndex, timesIndex } from "../core/index.ts";
import { lit, s } from "../core/scalar.ts";
import { denseStrides, f16, i32, printType, sizeOf } from "../core/type.ts";
import { broadcastStrides } from "../cpu/loops.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField, flag, integer } from "../op/field.ts";
import { between, needNumbers } from "../op/kinds.ts";
import { as, wide } from "./select.ts";

/** Which elements `sumBehind` adds up. */
export interface Behind {
  /** Axis that is followed. */
  readonly axis?: number;
  /** How many elements are added up. */
  readonly count: number;
  /** Distance between them. */
  readonly step?: number;
  /** Distance of the first. */
  readonly shift?: number;
  /** Look ahead, not back. */
  readonly reverse?: boolean;
}

/** Sum of some elements that stand evenly apart behind each element along an axis. */
export const sumBehind: Fn<readonly ["x"], Behind> = op({
  name: "sumBehind",
  doc: "Sum of some elements that stand evenly apart behind each element along an axis",
  ins: ["x"],
  attrs: {
    axis: axisField(-1),
    count: integer("elements that are added up", { from: 1 }),
    step: integer("distance between them", { from: 1, fallback: 1 }),
    shift: integer("distance of the first", { from: 0, fallback: 0 }),
    reverse: flag("look ahead, not back"),
  },
  infer: ([x]) => {
    needNumbers("sumBehind", [x]);
    return x;
  },
  eval: ([x], { axis, count, step, shift, reverse }, [out]) =>
    summed(out, (sums) =>
      eachLine(x, axis, (at, extent, by) => {
        for (let i = 0; i < extent; i++) {
          for (let k = 0; k < count; k++) {
            const j = reverse ? i + shift + k * step : i - shift - k * step;
            if (j < 0 || j >= extent) break;
            sums[at + i * by] += x.data[at + j * by];
          }
        }
      })),
  lower: (at, [x], { axis, count, step, shift, reverse }) => {
    const coords = axesOf(x.shape);
    const [k] = axesOf([count], x.shape.length);
    const back = reverse ? 1 : -1;
    const from = plusIndex(plusIndex(coords[axis], back * shift), timesIndex(k, back * step));
    const inside = reverse ? s.lt(from, x.shape[axis]) : s.ge(from, 0);
    const value = guarded(at(0, coords.with(axis, from)), inside);
    const body = s.select(inside, value, lit(value.type, 0));
    return { kind: "reduce", shape: x.shape, over: [count], combine: "sum", body };
  },
  vjp: ({ ct, attrs }) => [sumBehind(ct, { ...attrs, reverse: !attrs.reverse })],
  cases: [
    { ins: [between(-1, 1, [2, 7])], attrs: { count: 3, step: 2 } },
    { ins: [between(-1, 1, [6, 2])], attrs: { axis: 0, count: 4, shift: 1, reverse: true } },
    { ins: [between(-9, 9, i32([2, 5]))], attrs: { count: 5 } },
  ],
});

/**
 * The same among elements that have the same key. The keys have as many axes as x and broadcast to
 * it; equal ones stand together.
 */
export const sumWithin: Fn<readonly ["x", "keys"], Behind> = op({
  name: "sumWithin",
  doc: "The same among elements that have the same key",
  ins: ["x", "keys"],
  attrs: {
    axis: axisField(-1),
    count: integer("elements that are added up", { from: 1 }),
    step: integer("distance between them", { from: 1, fallback: 1 }),
    shift: integer("distance of the first", { from: 0, fallback: 0 }),
    reverse: flag("look ahead, not back"),
  },
  infer: ([x, keys], { axis }) => {
    needNumbers("sumWithin", [x]);
    const fits = keys.shape.length === x.shape.length &&
      keys.shape.every((n, i) => n === x.shape[i] || n === 1 && i !== axis);
    if (!fits || keys.dtype !== "i32") {
      throw new ShapeError(
        `Cannot add up x: ${printType(x)} by keys: ${printType(keys)}: they must be i32 of the ` +
          `shape of x, or 1 but along axis ${axis}`,
      );
    }
    return x;
  },
  eval: ([x, keys], { axis, count, step, shift, reverse }, [out]) => {
    const strides = broadcastStrides(keys.shape, x.shape.length);
    const dense = denseStrides(x.shape);
    return summed(out, (sums) =>
      eachLine(x, axis, (at, extent, by) => {
        let first = 0;
        dense.forEach((d, i) => first += Math.floor(at / d) % x.shape[i] * strides[i]);
        const key = (i: number) => keys.data[first + i * strides[axis]];
        for (let i = 0; i < extent; i++) {
          for (let k = 0; k < count; k++) {
            const j = reverse ? i + shift + k * step : i - shift - k * step;
            if (j < 0 || j >= extent || key(j) !== key(i)) break;
            sums[at + i * by] += x.data[at + j * by];
          }
        }
      }));
  },
  lower: (at, [x, keys], { axis, count, step, shift, reverse }) => {
    const coords = axesOf(x.shape);
    const [k] = axesOf([count], x.shape.length);
    const back = reverse ? 1 : -1;
    const from = plusIndex(plusIndex(coords[axis], back * shift), timesIndex(k, back * step));
    const inside = reverse ? s.lt(from, x.shape[axis]) : s.ge(from, 0);
    const there = coords.with(axis, from);
    const other = guarded(at(1, broadcastCoords(there, keys.shape)), inside);
    const same = s.and(inside, s.eq(other, at(1, broadcastCoords(coords, keys.shape))));
    const value = guarded(at(0, there), inside);
    const body = s.select(same, value, lit(value.type, 0));
    return { kind: "reduce", shape: x.shape, over: [count], combine: "sum", body };
  },
  vjp: ({ ct, ins: [, keys], attrs }) => [
    sumWithin(ct, keys, { ...attrs, reverse: !attrs.reverse }),
    undefined,
  ],
  cases: [
    { ins: [between(-1, 1, [2, 7]), keysOf([1, 7], 3)], attrs: { count: 3, step: 2 } },
    { ins: [between(-1, 1, [6, 2]), keysOf([6, 2], 5)], attrs: { axis: 0, count: 4 } },
    { ins: [between(-9, 9, i32([2, 5])), keysOf([2, 5], 4)], attrs: { count: 2, reverse: true } },
  ],
});

/** Keys that change after every few elements. */
function keysOf(shape: readonly number[], each: number): Host {
  return host(
    i32(shape),
    Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / each)),
  );
}

/** Calls `visit` for every line along an axis: its first address, its length, its step, its number. */
export function eachLine(
  { shape }: Pick<Host, "shape">,
  axis: number,
  visit: (at: number, extent: number, by: number, line: number) => void,
): void {
  const extent = shape[axis];
  const by = sizeOf(shape.slice(axis + 1));
  const blocks = sizeOf(shape.slice(0, axis));
  for (let a = 0; a < blocks; a++) {
    for (let c = 0; c < by; c++) visit(a * extent * by + c, extent, by, a * by + c);
  }
}

/** First address of the lines along an axis, in order. */
export function linesOf(t: Pick<Host, "shape">, axis: number): number[] {
  const starts: number[] = [];
  eachLine(t, axis, (at) => starts.push(at));
  return starts;
}

/** Elements that one step adds up at most. */
const most = 32;

/** How many steps sums up to `extent` elements take, and how many elements each of them adds up. */
export function stepsFor(extent: number): { readonly levels: number; readonly count: number } {
  let levels = 1;
  while (most ** levels < extent) levels++;
  let count = 1;
  while (count ** levels < extent) count++;
  return { levels, count };
}

/**
 * Sum of all elements along an axis up to each one. Halves are added up as f32; sums of integers
 * wrap in their own dtype.
 */
export const cumsum: Fn<
  readonly ["x"],
  { axis?: number; exclusive?: boolean; reverse?: boolean }
> = op({
  name: "cumsum",
  doc: "Sum of all elements along an axis up to each one",
  ins: ["x"],
  attrs: {
    axis: axisField(-1),
    exclusive: flag("leave the element itself out"),
    reverse: flag("from the end, not from the beginning"),
  },
  infer: ([x]) => {
    needNumbers("cumsum", [x]);
    return x;
  },
  compose: ([x], { axis, exclusive, reverse }) => {
    const extent = Math.max(1, x.shape[axis]);
    const { levels, count } = stepsFor(extent);
    let now = wide(x);
    for (let i = 0; i < levels; i++) {
      const shift = exclusive && i === 0 ? 1 : 0;
      now = sumBehind(now, { axis, count, step: count ** i, shift, reverse });
    }
    return as(now, x.dtype);
  },
  vjp: ({ ct, attrs }) => [cumsum(ct, { ...attrs, reverse: !attrs.reverse })],
  cases: [
    { ins: [between(-1, 1, [3, 5])] },
    { ins: [between(-1, 1, [4, 3, 2])], attrs: { axis: 1, exclusive: true } },
    { ins: [between(-1, 1, [70, 2])], attrs: { axis: 0, reverse: true } },
    {
      ins: [between(-1, 1, f16([3, 40]))],
      attrs: { exclusive: true, reverse: true },
      tolerance: { rtol: 2e-3, atol: 1e-3 },
    },
    { ins: [between(-9, 9, i32([2, 1100]))] },
    { ins: [between(-1, 1, [64, 65536])], bench: true, gradient: false },
  ],
});
