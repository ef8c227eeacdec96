/**
 * Operators that make values: ranges, diagonals, memory, random numbers. The numbers are this
 * library's own, from the seed that the file states; MegEngine's cannot be made again.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { add, div, mul, sub } from "../../ops/arithmetic.ts";
import { eye, iota, linspace, ones, zeros } from "../../ops/create.ts";
import { dropout } from "../../ops/dropout.ts";
import { key, normal, uniform } from "../../ops/random.ts";
import { as } from "../../ops/select.ts";
import {
  dtypeField,
  field,
  integer,
  number,
  type Rule,
  type Rules,
  shapeIn,
  type Site,
} from "../rule.ts";

const eyeRule: Rule = (site) => {
  const [n, m = n] = shapeIn(site, 0);
  return [eye(n, m, { k: number(site, "k"), dtype: dtypeField(site, "dtype") })];
};

const linspaceRule: Rule = (site) => {
  const count = integer(site, 2);
  const endpoint = field(site, "endpoint") === true;
  const [from, to] = [site.known(0), site.known(1)];
  if (from && to && endpoint) {
    return [linspace(Number(from.data[0]), Number(to.data[0]), count)];
  }
  const [start, stop] = site.ins.map((t) => as(t, "f32"));
  const steps = endpoint ? Math.max(1, count - 1) : count;
  const step = div(sub(stop, start), steps);
  return [add(mul(iota({ shape: [count], dtype: "f32" }), step), start)];
};

const alloc: Rule = (site) => [zeros(shapeIn(site, 0), dtypeField(site, "dtype"))];

/** Operators that share a seed draw from streams of their own, one for each first output. */
function keyOf(site: Site): Tensor {
  const seed = field(site, "seed");
  const own = BigInt(seed as bigint) * 1000003n + BigInt(site.opr.outputs[0].id);
  return key(Number(BigInt.asUintN(32, own ^ (own >> 32n))));
}

const uniformRule: Rule = (site) => {
  const shape = shapeIn(site, 0);
  return [as(uniform(keyOf(site), shape), dtypeField(site, "dtype"))];
};

const normalRule: Rule = (site) => {
  const drawn = normal(keyOf(site), shapeIn(site, 0));
  const scaled = add(mul(drawn, number(site, "std")), number(site, "mean"));
  return [as(scaled, dtypeField(site, "dtype"))];
};

/** Every run of one file drops the same elements. */
const dropoutRule: Rule = (site) => {
  const [x] = site.ins;
  const rate = number(site, "drop_prob");
  if (rate === 0) return [x, ones(x.shape, "u8")];
  const k = keyOf(site);
  // what is left of ones says which elements are left
  const mask = dropout(ones(x.shape), rate, k);
  return [dropout(x, rate, k), as(as(mask, "bool"), "u8")];
};

/** Rules of the operators that make values. */
export const createRules: Rules = {
  Eye: eyeRule,
  Linspace: linspaceRule,
  Alloc: alloc,
  UniformRNGV1: uniformRule,
  GaussianRNGV1: normalRule,
  Dropout: dropoutRule,
};
