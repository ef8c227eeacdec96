/**
 * Every operation and case of the list: types agree with values, forms and compositions agree with
 * meanings, and everything prints.
 * @module
 */
import { ownForm } from "../../lib/core/draft.ts";
import { printForm } from "../../lib/core/form.ts";
import type { Host } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Case, Op } from "../../lib/core/op.ts";
import { apply } from "../../lib/core/tensor.ts";
import { isFloat, printType } from "../../lib/core/type.ts";
import { evaluateNow, evaluateOp } from "../../lib/cpu/evaluate.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";
import { checked } from "../../lib/op/field.ts";
import { composedMode } from "../../lib/ops/gradient_modes.ts";
import { ops } from "../../lib/ops/mod.ts";
import { caseName, isSmall, valuesOf, worst } from "./case_values.ts";
import { assert, assertEquals } from "../std.ts";

function close(what: string, got: Host, want: Host, c: Case): void {
  assertEquals(printType(got), printType(want), what);
  const { rtol, atol } = c.tolerance ?? { rtol: 1e-5, atol: 1e-6 };
  const exact = !isFloat(want.dtype);
  const bad = worst(got, want, exact ? 0 : rtol, exact ? 0 : atol);
  assert(!bad, `${what}: element ${bad?.index} is ${bad?.got}, not ${bad?.want}`);
}

/** Operations whose cases hold infinities and NaN on purpose. */
const odd: ReadonlySet<string> = new Set(["isFinite", "isInf", "isNan"]);

function examine(op: Op, c: Case, what: string): void {
  const hosts = valuesOf(c);
  const ins = hosts.map((h) => constant(h));
  const attrs = checked(op.name, op.fields, c.attrs ?? {}, ins);
  const outs = apply(op, ins, attrs);
  const [out] = outs;
  const meant = evaluateOp(op, hosts, attrs, out.node.outs);
  assertEquals(meant.map(printType), out.node.outs.map(printType), `${what}: types`);
  for (const { data, dtype } of meant) {
    const found = Array.from(data, Number).filter((x) => !Number.isFinite(x));
    if (isFloat(dtype) && !odd.has(op.name)) assertEquals(found, [], `${what}: not finite`);
    if (dtype === "bool") assert(data.every((x) => x === 0 || x === 1), `${what}: no truth`);
  }
  const form = ownForm(op, hosts, attrs, out.node.outs);
  if (form) {
    evaluateForm(form, hosts).forEach((got, k) => close(`${what}: its form`, got, meant[k], c));
    assert(printForm(form).length < 20_000, `${what}: its form prints too long`);
  }
  if (op.compose) {
    const composed = evaluateNow(op.compose(ins, attrs));
    assertEquals(composed.length, outs.length, `${what}: results of its composition`);
    composed.forEach((got, k) => close(`${what}: its composition`, got, meant[k], c));
  }
  assert(form || op.compose || op.view, `${what}: nothing but the reference can compute it`);
  assert(String(out).includes(op.name), `${what}: ${out} does not say ${op.name}`);
}

for (const op of ops) {
  Deno.test(`${op.name}: types, forms and compositions agree with the meaning`, () => {
    assert(op.doc.length > 0 && !op.doc.endsWith("."), `${op.name}: ${op.doc}`);
    for (const [i, c] of op.cases.entries()) if (isSmall(c)) examine(op, c, caseName(op, i));
  });
}

/** All modes of Elemwise, by their numbers in the format. */
const modes = `RELU ABS ACOS ASIN CEIL COS EXP EXPM1 FLOOR LOG LOG1P NEGATE SIGMOID SIN TANH
  ABS_GRAD ADD FLOOR_DIV MAX MIN MOD MUL POW SIGMOID_GRAD SUB SWITCH_GT0 TANH_GRAD TRUE_DIV
  LOG_SUM_EXP LT LEQ EQ SHL SHR COND_LEQ_MOV FUSE_MUL_ADD3 FUSE_MUL_ADD4 FUSE_ADD_RELU
  FUSE_ADD_SIGMOID FUSE_ADD_TANH FAST_TANH FAST_TANH_GRAD ROUND RMULH ATAN2 ERF ERFINV ERFC ERFCINV
  H_SWISH H_SWISH_GRAD FUSE_ADD_H_SWISH NOT AND OR XOR SILU SILU_GRAD GELU GELU_GRAD COND_LT_MOV
  NEQ ISNAN ISINF SINH COSH ASINH ACOSH ATANH TAN ASINH_GRAD ACOSH_GRAD ATANH_GRAD PRELU CLIP
  PRELU_GRAD SOFTPLUS SOFTPLUS_GRAD RELU6 RELU6_GRAD HSIGMOID HSIGMOID_GRAD LOGSIGMOID SQRT SQUARE
  SIGN`.split(/\s+/);

Deno.test("every mode of Elemwise is one operation or a composition, not both", () => {
  assertEquals(modes.length, 86);
  const wired = ops.flatMap((o) => o.wire?.mode ?? []);
  assertEquals(wired.filter((m, i) => wired.indexOf(m) !== i), [], "two operations for one mode");
  assertEquals(wired.filter((m) => !modes.includes(m)), [], "no such mode");
  const wrong = modes.filter((m) => wired.includes(m) === (composedMode(m) !== undefined));
  assertEquals(wrong, []);
});
