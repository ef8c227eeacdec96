/**
 * Operators that rearrange: reshape, broadcast, axes, joining and splitting, shapes as values.
 * @module
 */
import { tensor } from "../../core/leaf.ts";
import type { Tensor } from "../../core/tensor.ts";
import { broadcastShapes } from "../../core/type.ts";
import { concat, split } from "../../ops/join.ts";
import { gather } from "../../ops/gather.ts";
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
  return [x.shape.reduce((t: Tensor, extent, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return t;
    const total = before[axis] + extent + after[axis];
    if (total > longest) throw refused(site, `axis ${axis} would have ${total} elements`);
    const from = Array.from(
      { length: total },
      (_, i) => edge(i - before[axis], extent, mode === "REFLECT"),
    );
    return gather(t, tensor(Int32Array.from(from), [from.length]), { axis });
  }, x)];
};

/** A table of indices is no longer than this. */
const longest = 1 << 24;

/** Where an index outside comes from: the nearest element, or the mirror image without the edge. */
function edge(i: number, extent: number, mirror: boolean): number {
  if (!mirror || extent === 1) return Math.min(extent - 1, Math.max(0, i));
  const period = 2 * (extent - 1);
  const at = ((i % period) + period) % period;
  return at < extent ? at : period - at;
}

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
};
