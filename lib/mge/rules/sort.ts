/**
 * Operators that sort, add up along an axis, and choose elements. MegEngine sorts pairs of element
 * and index: in descending order, equal elements come with the larger index first, which is our
 * order of the line read backwards.
 * @module
 */
import type { Host } from "../../core/host.ts";
import { isHost } from "../../core/host.ts";
import { constant } from "../../core/leaf.ts";
import { orderOf } from "../../core/graph.ts";
import type { Tensor } from "../../core/tensor.ts";
import { isFloat } from "../../core/type.ts";
import { StageError } from "../../core/fault.ts";
import { evaluateNow } from "../../cpu/evaluate.ts";
import { sub } from "../../ops/arithmetic.ts";
import { eq, ge, gt, le, lt } from "../../ops/compare.ts";
import { putAlongAxis } from "../../ops/gather.ts";
import { flip } from "../../ops/join.ts";
import { logicalNot } from "../../ops/logic.ts";
import { abs } from "../../ops/math.ts";
import { nmsKeep } from "../../ops/nms.ts";
import { cumsum } from "../../ops/scan.ts";
import { condTake, nonzero } from "../../ops/search.ts";
import { as } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import { sort, topk } from "../../ops/sort.ts";
import {
  axisOf,
  field,
  integer,
  member,
  number,
  ranked,
  refused,
  type Rule,
  type Rules,
  type Site,
  titleOf,
} from "../rule.ts";

const argsortRule: Rule = (site) => {
  const [x] = site.ins;
  const { values, indices } = sort(x, { axis: 1 });
  if (member(site, "order") === "ASCENDING") return [values, indices];
  return [values, indices].map((t) => flip(t, { axis: 1 }));
};

/** Operands: the cotangent of the sorted, their indices, what was sorted. */
const argsortBackward: Rule = ({ ins: [ct, indices, x = ct] }) => [
  putAlongAxis(ct, indices, { axis: 1, size: x.shape[1] }),
];

/** A negative number asks for the largest. */
const topkRule: Rule = (site) => {
  const [x] = site.ins;
  const wanted = integer(site, 1);
  const descending = wanted < 0;
  const k = Math.abs(wanted);
  const { values, indices } = topk(descending ? flip(x, { axis: 1 }) : x, {
    k,
    axis: 1,
    descending,
  });
  if (member(site, "mode") === "KTH_ONLY") {
    const last = sliceFn(values, { begin: [0, k - 1], size: [x.shape[0], 1], step: [1, 1] });
    return [reshape(last, { shape: [x.shape[0]] })];
  }
  return [values, descending ? sub(x.shape[1] - 1, indices) : indices];
};

const cumsumRule: Rule = (site) => {
  const [x] = site.ins;
  const given = number(site, "axis");
  const flat = given === 2147483647;
  const axis = flat ? 0 : axisOf(given, x.shape.length);
  const exclusive = field(site, "exclusive") === true;
  const reverse = field(site, "reverse") === true;
  return [cumsum(flat ? reshape(x, { shape: [-1] }) : x, { axis, exclusive, reverse })];
};

/** The value of an operand that no argument decides; how many it chooses is a shape. */
function settled(site: Site, i: number): Host {
  const t = site.ins[i];
  const known = site.known(i);
  if (known) return known;
  const whole = orderOf([t]).every(({ data, op }) => data ? isHost(data) : op.name !== "arg");
  if (whole) return evaluateNow([t])[0];
  throw new StageError(
    `Cannot stage ${
      titleOf(site.opr)
    }: how many elements it chooses depends on an input's values, ` +
      "and shapes are known while staging\n  try to call the model's source with that input " +
      "constant",
    { code: "stage.value", values: { type: site.opr.type } },
  );
}

/** What the modes ask of an element. */
const conditions: Readonly<Record<string, (x: Tensor, value: number, eps: number) => Tensor>> = {
  EQ: (x, value, eps) => isFloat(x.dtype) ? lt(abs(sub(x, value)), eps) : eq(x, value),
  NEQ: (x, value, eps) => logicalNot(conditions.EQ(x, value, eps)),
  LT: (x, value) => lt(x, value),
  LEQ: (x, value) => le(x, value),
  GT: (x, value) => gt(x, value),
  GEQ: (x, value) => ge(x, value),
};

const condTakeRule: Rule = (site) => {
  const mask = constant(settled(site, 1));
  const holds = conditions[member(site, "mode")];
  if (!holds) throw refused(site, `there is no mode ${member(site, "mode")}`);
  const x = mask.dtype === "bool" ? as(mask, "i32") : mask;
  const value = isFloat(x.dtype) ? number(site, "val") : Math.trunc(number(site, "val"));
  const [choice] = evaluateNow([holds(x, value, number(site, "eps"))]);
  const { values, indices } = condTake(site.ins[0], constant(choice));
  return [values, indices];
};

const nonzeroRule: Rule = (site) => {
  const [choice] = evaluateNow([as(constant(settled(site, 0)), "bool")]);
  return [nonzero(constant(choice)).indices];
};

const nmsRule: Rule = (site) => {
  const options = {
    iouThresh: number(site, "iou_thresh"),
    maxOutput: number(site, "max_output"),
  };
  return nmsKeep(site.ins[0], options).map(ranked);
};

/** Rules of the operators that sort and choose. */
export const sortRules: Rules = {
  Argsort: argsortRule,
  ArgsortBackward: argsortBackward,
  TopK: topkRule,
  CumsumV1: cumsumRule,
  CondTake: condTakeRule,
  NonZero: nonzeroRule,
  NMSKeepMGB: nmsRule,
};
