/**
 * Operators that pick or set parts by ranges known while staging, and by tensors of indices.
 * @module
 */
import { tensor } from "../../core/leaf.ts";
import type { Tensor } from "../../core/tensor.ts";
import { add } from "../../ops/arithmetic.ts";
import { gather, setOneHot, takeAlongAxis } from "../../ops/gather.ts";
import { spaced } from "../../ops/pad.ts";
import { where } from "../../ops/select.ts";
import { broadcastTo, expandDims, reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import type { IndexItem } from "../model.ts";
import {
  axisOf,
  field,
  integer,
  number,
  ranked,
  refused,
  type Rule,
  type Rules,
  type Site,
} from "../rule.ts";

/** An axis with the numbers of the operands that say which part of it. */
export interface Item {
  readonly axis: number;
  readonly begin?: number;
  readonly end?: number;
  readonly step?: number;
  readonly idx?: number;
}

/** The items of an indexing operator; each takes the operands that its flags name, in order. */
export function itemsOf(site: Site, first: number): Item[] {
  const rank = site.ins[0].shape.length;
  let next = first;
  return (field(site, "items") as readonly IndexItem[]).map((item) => ({
    axis: axisOf(item.axis, rank),
    ...(item.begin ? { begin: next++ } : {}),
    ...(item.end ? { end: next++ } : {}),
    ...(item.step ? { step: next++ } : {}),
    ...(item.idx ? { idx: next++ } : {}),
  }));
}

/** The part of a tensor that ranges say, all axes kept. */
export interface Part {
  readonly begin: number[];
  readonly size: number[];
  readonly step: number[];
}

/** What the ranges of items mean, as in Python; items with an index stay whole. */
export function partOf(site: Site, items: readonly Item[]): Part {
  const { shape } = site.ins[0];
  const part: Part = {
    begin: shape.map(() => 0),
    size: [...shape],
    step: shape.map(() => 1),
  };
  for (const { axis, idx, ...range } of items) {
    if (idx !== undefined) continue;
    const extent = shape[axis];
    const step = range.step === undefined ? 1 : integer(site, range.step);
    if (step === 0) throw refused(site, `it has step 0 along axis ${axis}`);
    const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
    const clip = (i: number | undefined, none: number) => {
      if (i === undefined) return none;
      const v = integer(site, i);
      return Math.min(high, Math.max(low, v < 0 ? v + extent : v));
    };
    const begin = clip(range.begin, step > 0 ? low : high);
    const end = clip(range.end, step > 0 ? high : low);
    const size = Math.max(0, Math.ceil((end - begin) / step));
    part.begin[axis] = size === 0 ? 0 : begin;
    part.size[axis] = size;
    part.step[axis] = step;
  }
  return part;
}

/** Ranges, and single indices where they are known; the others in `open`. */
function picked(site: Site, first: number): { part: Part; gone: Set<number>; open: Item[] } {
  const items = itemsOf(site, first);
  const part = partOf(site, items);
  const gone = new Set<number>();
  const open: Item[] = [];
  for (const item of items) {
    const { axis, idx } = item;
    if (idx === undefined) continue;
    gone.add(axis);
    if (!site.known(idx)) {
      open.push(item);
      continue;
    }
    const extent = site.ins[0].shape[axis];
    const given = integer(site, idx);
    const at = given < 0 ? given + extent : given;
    if (at < 0 || at >= extent) {
      throw refused(site, `index ${given} is outside axis ${axis} of ${extent}`);
    }
    part.begin[axis] = at;
    part.size[axis] = 1;
  }
  return { part, gone, open };
}

function without(shape: readonly number[], gone: ReadonlySet<number>): number[] {
  const left = shape.filter((_, i) => !gone.has(i));
  return left.length ? left : [1];
}

const subtensor: Rule = (site) => {
  const { part, gone, open } = picked(site, 1);
  let out = sliceFn(site.ins[0], part);
  for (const { axis, idx } of open) {
    out = gather(out, reshape(site.ins[idx!], { shape: [1] }), { axis });
  }
  return [gone.size ? reshape(out, { shape: without(out.shape, gone) }) : out];
};

/** The value put where the part lies in zeros of x's shape, and the elements that it covers. */
function placed(site: Site): { value: Tensor; covered: Tensor } {
  const [x, given] = site.ins;
  const { part, gone, open } = picked(site, 2);
  if (open.length) integer(site, open[0].idx!);
  const { begin, size, step } = part;
  const flat = broadcastTo(given, { shape: without(size, gone) });
  const own = reshape(flat, { shape: size });
  const back = step.map((by) => by < 0);
  const turned = back.some(Boolean)
    ? sliceFn(own, {
      begin: size.map((n, i) => back[i] ? Math.max(0, n - 1) : 0),
      size,
      step: back.map((b) => b ? -1 : 1),
    })
    : own;
  const at = {
    shape: x.shape,
    begin: begin.map((b, i) => back[i] ? b + Math.max(0, size[i] - 1) * step[i] : b),
    step: step.map(Math.abs),
  };
  const one = broadcastTo(tensor([true]), { shape: size });
  return { value: spaced(turned, at), covered: spaced(one, at) };
}

const setSubtensor: Rule = (site) => {
  const { value, covered } = placed(site);
  return [where(covered, value, site.ins[0])];
};

const incrSubtensor: Rule = (site) => [add(site.ins[0], placed(site).value)];

/** The file's indices lack the axis that is picked from. */
const oneHot: Rule = (site) => {
  const [x, index] = site.ins;
  const axis = axisOf(number(site, "axis"), x.shape.length);
  return [takeAlongAxis(x, along(x, index, axis), { axis })];
};

const setOne: Rule = (site) => {
  const [x, index, value] = site.ins;
  const axis = axisOf(number(site, "axis"), x.shape.length);
  const places = along(x, index, axis);
  return [setOneHot(x, places, reshape(value, { shape: places.shape }), { axis })];
};

function along(x: Tensor, index: Tensor, axis: number): Tensor {
  if (index.shape.length === x.shape.length) return index;
  return x.shape.length === 1 ? reshape(index, { shape: [1] }) : expandDims(index, { axis });
}

/** Rules of the operators that index. */
export const indexRules: Rules = {
  Subtensor: (site) => subtensor(site).map(ranked),
  SetSubtensor: setSubtensor,
  IncrSubtensor: incrSubtensor,
  IndexingOneHot: oneHot,
  IndexingSetOneHot: setOne,
};
