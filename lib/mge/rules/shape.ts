/**
 * Operators that rearrange: reshape, broadcast, axes, joining and splitting, shapes as values.
 * @module
 */
import { tensor } from "../../core/leaf.ts";
import type { Tensor } from "../../core/tensor.ts";
import { broadcastShapes } from "../../core/type.ts";
import { mul, sub } from "../../ops/arithmetic.ts";
import { diag, padEdge } from "../../ops/arrange.ts";
import { concat, split } from "../../ops/join.ts";
import { pad } from "../../ops/pad.ts";
import { broadcastTo, reshape, transpose } from "../../ops/shape.ts";
import type { AxisDesc } from "../model.ts";
import {
  axisOf,
  field,
  integer,
  member,
  number,
  promoted,
  ranked,
  refused,
  type Rule,
  type Rules,
  shapeIn,
} from "../rule.ts";

/** The number that stands for no axis. */
const none = 7;

const reshapeRule: Rule = (site) => {
  const target = shapeIn(site, 1);
  const axis = number(site, "axis");
  if (axis !== none) target[axisOf(axis, target.length)] = -1;
  return [reshape(site.ins[0], { shape: target })];
};

const broadcastRule: Rule = (site) => [
  broadcastTo(site.ins[0], { shape: shapeIn(site, 1) }),
];

const axisAddRemove: Rule = (site) => {
  const shape = [...site.ins[0].shape];
  for (const { method, axis } of field(site, "desc") as readonly AxisDesc[]) {
    if (method === 0) {
      shape.splice(axisOf(axis, shape.length + 1), 0, 1);
      continue;
    }
    const at = axisOf(axis, shape.length);
    if (shape[at] !== 1) {
      throw refused(
        site,
        `it removes axis ${axis} of [${site.ins[0].shape}], which must have extent 1`,
      );
    }
    shape.splice(at, 1);
  }
  return [reshape(site.ins[0], { shape: shape.length ? shape : [1] })];
};

const dimshuffle: Rule = (site) => {
  const [x] = site.ins;
  const pattern = field(site, "pattern") as readonly number[];
  const used = pattern.filter((a) => a >= 0);
  const left = x.shape.map((_, i) => i).filter((i) => !used.includes(i));
  const bad = left.find((i) => x.shape[i] !== 1);
  if (bad !== undefined) {
    throw refused(site, `it drops axis ${bad} of [${x.shape}], not of extent 1`);
  }
  const moved = transpose(x, { perm: [...used, ...left] });
  const shape = pattern.map((a) => a < 0 ? 1 : x.shape[a]);
  return [reshape(moved, { shape: shape.length ? shape : [1] })];
};

const concatRule: Rule = (site) => {
  const axis = axisOf(number(site, "axis"), site.ins[0].shape.length);
  return [concat(promoted(site.ins), { axis })];
};

const splitRule: Rule = (site) => {
  const [x, ...parts] = site.ins;
  const axis = axisOf(number(site, "axis"), x.shape.length);
  return split(x, { axis, sizes: parts.map((_, i) => integer(site, i + 1)) });
};

const getVarShape: Rule = (site) => {
  const shape = broadcastShapes(...site.ins.map((t) => t.shape));
  if (!shape) throw refused(site, "the shapes of its operands do not broadcast");
  const axis = number(site, "axis");
  const found = axis === none ? shape : [shape[axisOf(axis, shape.length)]];
  return [tensor(Int32Array.from(found), [found.length])];
};

const padding: Rule = (site) => {
  const [x] = site.ins;
  const before = x.shape.map((_, i) => number(site, `front_offset_dim${i}`));
  const after = x.shape.map((_, i) => number(site, `back_offset_dim${i}`));
  const mode = member(site, "padding_mode");
  if (mode === "CONSTANT") {
    return [pad(x, { before, after, value: number(site, "padding_val") })];
  }
  if (mode !== "REPLICATE" && mode !== "REFLECT") throw refused(site, `there is no mode ${mode}`);
  const total = Math.max(...x.shape.map((extent, i) => before[i] + extent + after[i]));
  if (total > longest) throw refused(site, `an axis would have ${total} elements`);
  return [padEdge(x, { before, after, mode: mode === "REFLECT" ? "reflect" : "replicate" })];
};

/** A table of indices is no longer than this. */
const longest = 1 << 24;

/** Vectors along one axis of each operand; that of the result is told apart. */
const crossRule: Rule = (site) => {
  const [a, b] = site.ins;
  const rank = a.shape.length;
  const last = (t: Tensor, name: string) => {
    const axis = axisOf(number(site, name), rank);
    return transpose(t, { perm: [...t.shape.keys()].filter((i) => i !== axis).concat(axis) });
  };
  const [p, q] = [last(a, "axisa"), last(b, "axisb")].map((t) =>
    split(t, { axis: -1, sections: 3 })
  );
  const product = (i: number, j: number) => sub(mul(p[i], q[j]), mul(p[j], q[i]));
  const found = concat([product(1, 2), product(2, 0), product(0, 1)], { axis: -1 });
  const axis = axisOf(number(site, "axisc"), rank);
  const perm = Array.from({ length: rank - 1 }, (_, i) => i).toSpliced(axis, 0, rank - 1);
  return [transpose(found, { perm })];
};

/** Rules of the operators that rearrange. */
export const shapeRules: Rules = {
  ReshapeV1: reshapeRule,
  Broadcast: broadcastRule,
  AxisAddRemove: axisAddRemove,
  Dimshuffle: dimshuffle,
  Concat: concatRule,
  Split: (site) => splitRule(site).map(ranked),
  GetVarShapeV1: getVarShape,
  Padding: padding,
  Cross: crossRule,
  Diag: (site) => [diag(site.ins[0], { k: number(site, "k") })],
};
