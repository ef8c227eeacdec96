/**
 * Operators that pick or set parts by ranges known while staging, and by tensors of indices.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { setOneHot, takeAlongAxis } from "../../ops/gather.ts";
import { addIndex, type Index, index, setIndex } from "../../ops/indexing.ts";
import { joint, placesIn } from "../../ops/joint.ts";
import { expandDims, reshape } from "../../ops/shape.ts";
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

/** What items name, axis by axis; an index that is not known is a tensor of one. */
function named(site: Site, first: number): readonly Index[] {
  const items = itemsOf(site, first);
  const { begin, size, step } = partOf(site, items);
  const list: Index[] = begin.map((b, i) => {
    const end = b + size[i] * step[i];
    return [b, end < 0 ? undefined : end, step[i]];
  });
  for (const { axis, idx } of items) {
    if (idx === undefined) continue;
    list[axis] = site.known(idx) ? integer(site, idx) : reshape(site.ins[idx], { shape: [] });
  }
  return list;
}

const subtensor: Rule = (site) => [ranked(index(site.ins[0], named(site, 1)))];

/** Files have no rank 0: a single value stands for one too. */
function changed(site: Site, change: typeof setIndex): Tensor {
  const [x, value] = site.ins;
  const items = named(site, 2);
  const one = index(x, items).shape.length === 0;
  return change(x, items, one ? reshape(value, { shape: [] }) : value);
}

const setSubtensor: Rule = (site) => [changed(site, setIndex)];

const incrSubtensor: Rule = (site) => [changed(site, addIndex)];

/** Elements of the flattened operand at coordinates that the last axis of the map holds. */
const remap: Rule = ({ ins: [x, map] }) => {
  const places = x.shape.map((extent, axis) => {
    const at = map.shape.length - 1;
    const one = sliceFn(map, {
      begin: map.shape.map((_, i) => i === at ? axis : 0),
      size: map.shape.with(at, 1),
      step: map.shape.map(() => 1),
    });
    const shape = map.shape.slice(0, at);
    return { axes: [axis], places: placesIn(reshape(one, { shape }), extent, `axis ${axis}`) };
  });
  return [joint(x, places, 0).take()];
};

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
  Subtensor: subtensor,
  SetSubtensor: setSubtensor,
  IncrSubtensor: incrSubtensor,
  IndexingOneHot: oneHot,
  IndexingSetOneHot: setOne,
  IndexingRemap: remap,
};
