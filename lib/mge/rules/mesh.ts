/**
 * Operators that index by vectors: several axes by vectors side by side (`MultiAxisVec`), or each
 * axis by its own vector (`Mesh`).
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { sizeOf } from "../../core/type.ts";
import { add, maximum, mul, sub } from "../../ops/arithmetic.ts";
import { eq, gt, lt } from "../../ops/compare.ts";
import { iota } from "../../ops/create.ts";
import { gather, scatterAdd, takeAlongAxis } from "../../ops/gather.ts";
import { max } from "../../ops/reduce.ts";
import { as, where } from "../../ops/select.ts";
import { broadcastTo, inverse, reshape, transpose } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import { refused, type Rule, type Rules, type Site } from "../rule.ts";
import { type Item, itemsOf, partOf } from "./index.ts";

/** Several indexed axes seen as one. */
interface Joined {
  /** x with the indexed axes folded into one, at `axis`. */
  readonly folded: Tensor;
  readonly axis: number;
  /** Index along the folded axis. */
  readonly index: Tensor;
  /** Undoes the folding of a tensor of `folded`'s shape. */
  unfold(t: Tensor): Tensor;
}

function joined(x: Tensor, indexed: readonly (readonly [axis: number, index: Tensor])[]): Joined {
  const picks = indexed.toSorted(([a], [b]) => a - b);
  const axes = picks.map(([axis]) => axis);
  const first = axes[0];
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const perm = [...rest.slice(0, first), ...axes, ...rest.slice(first)];
  const moved = transpose(x, { perm });
  const extents = axes.map((a) => x.shape[a]);
  const folded = reshape(moved, {
    shape: moved.shape.toSpliced(first, axes.length, sizeOf(extents)),
  });
  let index: Tensor | undefined;
  picks.forEach(([, given], k) => {
    const own = as(given, "i32");
    const from = where(lt(own, 0), add(own, extents[k]), own);
    index = index ? add(mul(index, extents[k]), from) : from;
  });
  return {
    folded,
    axis: first,
    index: index!,
    unfold: (t) => transpose(reshape(t, { shape: moved.shape }), { perm: inverse(perm) }),
  };
}

function split(site: Site, first: number): { ranges: Item[]; picks: [number, Tensor][] } {
  const items = itemsOf(site, first);
  return {
    ranges: items.filter((item) => item.idx === undefined),
    picks: items.flatMap(({ axis, idx }) =>
      idx === undefined ? [] : [[axis, site.ins[idx]] as [number, Tensor]]
    ),
  };
}

const multiAxisVec: Rule = (site) => {
  const { ranges, picks } = split(site, 1);
  const x = ranges.length ? sliceFn(site.ins[0], partOf(site, ranges)) : site.ins[0];
  if (!picks.length) return [x];
  const { folded, axis, index } = joined(x, picks);
  return [gather(folded, index, { axis })];
};

function whole(site: Site): [number, Tensor][] {
  const { ranges, picks } = split(site, 2);
  if (ranges.length || !picks.length) {
    throw refused(site, "it sets parts by ranges beside vectors, which is not read");
  }
  return picks;
}

const incrMultiAxisVec: Rule = (site) => {
  const [x, value] = site.ins;
  const { folded, axis, index, unfold } = joined(x, whole(site));
  const shape = folded.shape.toSpliced(axis, 1, ...index.shape);
  const updates = broadcastTo(value, { shape });
  const sums = scatterAdd(updates, index, { axis, size: folded.shape[axis] });
  return [add(x, unfold(sums))];
};

/** Of several values for one place the last one stays. */
const setMultiAxisVec: Rule = (site) => {
  const [x, value] = site.ins;
  const { folded, axis, index, unfold } = joined(x, whole(site));
  const n = sizeOf(index.shape);
  const flat = reshape(index, { shape: [1, n] });
  const size = folded.shape[axis];
  const hits = eq(iota({ shape: [size, 1] }), flat);
  const latest = max(where(hits, iota({ shape: [1, n], axis: 1, start: 1 }), 0), { axis: 1 });
  const shape = folded.shape.toSpliced(axis, 1, n);
  const values = gather(broadcastTo(value, { shape }), maximum(sub(latest, 1), 0), { axis });
  const lead = folded.shape.map((_, i) => i === axis ? size : 1);
  return [unfold(where(gt(reshape(latest, { shape: lead }), 0), values, folded))];
};

const mesh: Rule = (site) => {
  const { ranges, picks } = split(site, 1);
  const x = ranges.length ? sliceFn(site.ins[0], partOf(site, ranges)) : site.ins[0];
  return [picks.reduce((t, [axis, index]) => gather(t, index, { axis }), x)];
};

const incrMesh: Rule = (site) => {
  const [x, value] = site.ins;
  const picks = whole(site);
  const extents = [...x.shape];
  for (const [axis, index] of picks) extents[axis] = sizeOf(index.shape);
  const start = broadcastTo(value, { shape: extents });
  const sums = picks.reduce(
    (t, [axis, index]) => scatterAdd(t, index, { axis, size: x.shape[axis] }),
    start,
  );
  return [add(x, sums)];
};

/** Every sample has its own indices. */
const batchedMesh: Rule = (site) => {
  const { ranges, picks } = split(site, 1);
  const x = ranges.length ? sliceFn(site.ins[0], partOf(site, ranges)) : site.ins[0];
  return [picks.reduce((t, [axis, index]) => {
    const [n, k] = index.shape;
    const lead = t.shape.map((_, i) => i === 0 ? n : i === axis ? k : 1);
    const shape = t.shape.with(axis, k);
    const places = broadcastTo(reshape(index, { shape: lead }), { shape });
    return takeAlongAxis(t, places, { axis });
  }, x)];
};

/** Rules of the operators that index by vectors. */
export const meshRules: Rules = {
  IndexingMultiAxisVec: multiAxisVec,
  IndexingIncrMultiAxisVec: incrMultiAxisVec,
  IndexingSetMultiAxisVec: setMultiAxisVec,
  MeshIndexing: mesh,
  IncrMeshIndexing: incrMesh,
  BatchedMeshIndexing: batchedMesh,
};
