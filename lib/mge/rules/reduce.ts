/**
 * Operators that reduce axes. The one-operand form leaves the axis with extent 1; the other one
 * reduces to a shape.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { argmax, argmin } from "../../ops/argmax.ts";
import { max, mean, min, prod, type Reduction, sum, sumSquares } from "../../ops/reduce.ts";
import { as } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import {
  axisOf,
  member,
  number,
  refused,
  type Rule,
  type Rules,
  shapeIn,
  type Site,
} from "../rule.ts";

const modes: Readonly<Record<string, Reduction>> = {
  SUM: sum,
  SUM_SQR: sumSquares,
  PRODUCT: prod,
  MIN: min,
  MAX: max,
  MEAN: mean,
};

const reduceRule: Rule = (site) => {
  const [given] = site.ins;
  const reduction = modes[member(site, "mode")];
  if (!reduction) throw refused(site, `there is no mode ${member(site, "mode")}`);
  const type = member(site, "data_type");
  if (type.startsWith("Q")) throw refused(site, `its data type is ${type}`);
  const dtype = type === "DEFAULT" ? given.dtype : type === "FLOAT_O32xC32" ? "f32" : "f16";
  const x = type === "DEFAULT" ? given : as(given, "f32");
  const { axis, shape } = target(site, x);
  const found = axis.length ? reduction(x, { axis, keep: true }) : alone(reduction, x);
  return [reshape(as(found, dtype), { shape })];
};

/** Over no axis only the square and the mean's dtype are left to do. */
function alone(reduction: Reduction, x: Tensor): Tensor {
  const one = reshape(x, { shape: [...x.shape, 1] });
  return reduction(one, { axis: x.shape.length });
}

/** The number that stands for no axis. */
const none = 2147483647;

/** Which axes vanish, and the shape that the file's result has. */
function target(site: Site, x: Tensor): { axis: number[]; shape: readonly number[] } {
  const rank = x.shape.length;
  const every = x.shape.map((_, i) => i);
  if (site.ins.length === 1) {
    if (number(site, "axis") === none) return { axis: every, shape: [1] };
    const axis = axisOf(number(site, "axis"), rank);
    return { axis: [axis], shape: x.shape.with(axis, 1) };
  }
  const shape = shapeIn(site, 1);
  if (shape.length === 1 && shape[0] === 1) return { axis: every, shape };
  const lead = rank - shape.length;
  const axis = every.filter((i) => i < lead || (shape[i - lead] === 1 && x.shape[i] !== 1));
  const fits = lead >= 0 && every.every((i) => axis.includes(i) || shape[i - lead] === x.shape[i]);
  if (!fits) throw refused(site, `it cannot reduce [${x.shape}] to [${shape}]`);
  return { axis, shape };
}

const position = (op: typeof argmax): Rule => (site) => {
  const [x] = site.ins;
  return [op(x, { axis: axisOf(number(site, "axis"), x.shape.length), keep: true })];
};

/** Rules of the operators that reduce. */
export const reduceRules: Rules = {
  ReduceV2: reduceRule,
  Argmax: position(argmax),
  Argmin: position(argmin),
};
