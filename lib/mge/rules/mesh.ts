/**
 * Operators that index by vectors: several axes by vectors side by side (`MultiAxisVec`), or each
 * axis by its own vector (`Mesh`), which may differ from sample to sample (`Batched…`).
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { sameShape } from "../../core/type.ts";
import { iota } from "../../ops/create.ts";
import { gather, takeAlongAxis } from "../../ops/gather.ts";
import { type Joint, joint, type Pick, placesIn } from "../../ops/joint.ts";
import { setSlice } from "../../ops/scatter.ts";
import { broadcastTo, reshape, transpose } from "../../ops/shape.ts";
import { forwards, sliceFn } from "../../ops/slice.ts";
import type { Rule, Rules, Site } from "../rule.ts";
import { itemsOf, type Part, partOf } from "./index.ts";

/** An axis and the operand that indexes it. */
type Indexed = readonly [axis: number, index: Tensor];

/** The ranges of an operator, and its vectors by ascending axis. */
function split(site: Site, first: number): { part?: Part; picks: readonly Indexed[] } {
  const items = itemsOf(site, first);
  const ranges = items.filter((item) => item.idx === undefined);
  const picks = items.flatMap(({ axis, idx }) =>
    idx === undefined ? [] : [[axis, site.ins[idx]] as const]
  );
  return {
    ...(ranges.length ? { part: partOf(site, ranges) } : {}),
    picks: picks.toSorted(([a], [b]) => a - b),
  };
}

/** The vectors side by side; their axis stands where the first of theirs stood. */
function together(x: Tensor, picks: readonly Indexed[]): Joint {
  const list = picks.map(([axis, index]): Pick => ({
    axes: [axis],
    places: placesIn(index, x.shape[axis], `axis ${axis}`),
  }));
  return joint(x, list, picks[0][0]);
}

/** What lies where each of the vectors says. */
const multiAxisVec: Rule = (site) => {
  const { part, picks } = split(site, 1);
  const x = part ? sliceFn(site.ins[0], part) : site.ins[0];
  return [picks.length ? together(x, picks).take() : x];
};

/** Changes the part that the ranges name and puts it back. */
function changing(
  site: Site,
  change: (x: Tensor, picks: readonly Indexed[], value: Tensor) => Tensor,
): Tensor {
  const [x, value] = site.ins;
  const { part, picks } = split(site, 2);
  if (!part) return change(x, picks, value);
  const own = forwards(change(sliceFn(x, part), picks, value), part);
  return setSlice(x, own.value, { begin: own.begin, step: own.step });
}

/** The value in the shape that the vectors side by side name. */
function beside(x: Tensor, picks: readonly Indexed[], value: Tensor) {
  const joined = together(x, picks);
  const [first] = picks[0];
  const others = x.shape.filter((_, i) => !picks.some(([axis]) => axis === i));
  const shape = others.toSpliced(first, 0, ...joined.shape);
  const same = sameShape(value.shape, shape);
  return { joined, values: same ? value : broadcastTo(value, { shape }) };
}

const incrMultiAxisVec: Rule = (site) => [
  changing(site, (x, picks, value) => {
    const { joined, values } = beside(x, picks, value);
    return joined.add(values);
  }),
];

/** Of several values for one place the last one stays. */
const setMultiAxisVec: Rule = (site) => [
  changing(site, (x, picks, value) => {
    const { joined, values } = beside(x, picks, value);
    return joined.set(values);
  }),
];

const mesh: Rule = (site) => {
  const { part, picks } = split(site, 1);
  const x = part ? sliceFn(site.ins[0], part) : site.ins[0];
  return [picks.reduce((t, [axis, index]) => gather(t, index, { axis }), x)];
};

/** Every vector along an axis of its own among the places; of batches, the first is the sample. */
function crossed(x: Tensor, picks: readonly Indexed[], value: Tensor, batched: boolean) {
  const axes = [...batched ? [0] : [], ...picks.map(([axis]) => axis)];
  const list = picks.map(([axis, index], k): Pick => {
    const places = placesIn(index, x.shape[axis], `axis ${axis}`);
    const shape = axes.map((_, i) =>
      i === k + Number(batched) ? index.shape.at(-1)! : batched && i === 0 ? index.shape[0] : 1
    );
    return { axes: [axis], places: reshape(places, { shape }) };
  });
  const n = x.shape[0];
  const samples = iota({ shape: axes.map((_, i) => i === 0 ? n : 1) });
  const all = batched ? [{ axes: [0], places: samples }, ...list] : list;
  const joined = joint(x, all, axes[0]);
  const extents = [...x.shape];
  axes.forEach((axis, i) => extents[axis] = joined.shape[i]);
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const perm = [...rest.slice(0, axes[0]), ...axes, ...rest.slice(axes[0])];
  return { joined, values: transpose(broadcastTo(value, { shape: extents }), { perm }) };
}

function crossing(batched: boolean, how: "set" | "add"): Rule {
  return (site) => [
    changing(site, (x, picks, value) => {
      const { joined, values } = crossed(x, picks, value, batched);
      return joined[how](values);
    }),
  ];
}

/** Every sample has its own indices. */
const batchedMesh: Rule = (site) => {
  const { part, picks } = split(site, 1);
  const x = part ? sliceFn(site.ins[0], part) : site.ins[0];
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
  IncrMeshIndexing: crossing(false, "add"),
  SetMeshIndexing: crossing(false, "set"),
  BatchedMeshIndexing: batchedMesh,
  BatchedIncrMeshIndexing: crossing(true, "add"),
  BatchedSetMeshIndexing: crossing(true, "set"),
};
