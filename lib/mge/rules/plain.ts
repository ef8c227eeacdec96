/**
 * Operators that hand on their operand: copies, marks, waits, and the assertion of a test case.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { div, maximum, minimum, mul, sub } from "../../ops/arithmetic.ts";
import { isFinite, logicalNot, logicalOr } from "../../ops/logic.ts";
import { abs } from "../../ops/math.ts";
import { any, max } from "../../ops/reduce.ts";
import { as } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import { number, type Rule, type Rules } from "../rule.ts";

const identity: Rule = ({ ins }) => [ins[0]];

/** The largest error, relative where both values are large. */
function errorOf(want: Tensor, got: Tensor): Tensor {
  const [a, b] = [as(want, "f32"), as(got, "f32")];
  return max(div(abs(sub(a, b)), maximum(minimum(abs(a), abs(b)), 1)));
}

/** Nothing is compared here: the run does it, where it has the values. */
const assertEqual: Rule = (site) => {
  const [want, got, error = errorOf(want, got)] = site.ins;
  const name = site.nameOf(1) ?? site.nameOf(0)?.replace(/:expect$/, "") ?? "";
  site.check({ name, error, most: number(site, "maxerr"), got, want });
  return [want];
};

/** Scales all operands; behind them stands whether any number is not finite. */
const checkNonFinite: Rule = (site) => {
  const scale = number(site, "scale");
  const found = site.ins.map((x) => any(logicalNot(isFinite(x))));
  const whole = found.reduce((a, b) => logicalOr(a, b));
  return [...site.ins.map((x) => mul(x, scale)), reshape(as(whole, "i32"), { shape: [1] })];
};

/** Rules of the operators that compute nothing, or only look. */
export const plainRules: Rules = {
  Copy: identity,
  Identity: identity,
  MarkDynamicVar: identity,
  MarkNoBroadcastElemwise: identity,
  PersistentOutputStorage: identity,
  VirtualDep: identity,
  Sleep: identity,
  AssertEqual: assertEqual,
  CheckNonFinite: checkNonFinite,
};
