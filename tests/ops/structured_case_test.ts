/**
 * Every case of the structured operations: the form computes what the operation means, and
 * gradients of first and second order agree with differences.
 * @module
 */
import { ownForm } from "../../lib/core/draft.ts";
import type { Host } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import { apply, type Tensor } from "../../lib/core/tensor.ts";
import { f32, sameShape, type Type } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";
import { grad } from "../../lib/grad/vjp.ts";
import type { Fn } from "../../lib/op/declare.ts";
import { mul } from "../../lib/ops/arithmetic.ts";
import { conv2d, conv2dData, conv2dFilter } from "../../lib/ops/conv.ts";
import { convolve } from "../../lib/ops/convolve.ts";
import * as gathers from "../../lib/ops/gather.ts";
import * as joins from "../../lib/ops/join.ts";
import * as norms from "../../lib/ops/norm.ts";
import * as pools from "../../lib/ops/pool.ts";
import * as reduce from "../../lib/ops/reduce.ts";
import * as soft from "../../lib/ops/softmax.ts";
import { variance } from "../../lib/ops/statistics.ts";
import { windowPick, windowPlace, windowSpread, windowSum } from "../../lib/ops/window.ts";
import { valueOf, valuesOf } from "./case_values.ts";
import { assert, assertEquals } from "../std.ts";

/** Seeded numbers of a type. */
function sample(type: Type, from: number, to: number, seed: number): Host {
  return valueOf({ type, from, to }, seed);
}

function value(t: Tensor): Host {
  return evaluateNow([t])[0];
}

function close(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number, what: string): void {
  assertEquals(a.length, b.length, what);
  for (let i = 0; i < a.length; i++) {
    const ok = Object.is(a[i], b[i]) ||
      Math.abs(a[i] - b[i]) <= tolerance * (1 + Math.abs(b[i]));
    assert(ok, `${what}: element ${i} is ${a[i]}, not ${b[i]}`);
  }
}

const records = [
  ...[convolve, conv2d, conv2dData, conv2dFilter, windowSum, windowSpread, windowPick],
  ...[windowPlace, pools.maxPool2dFn, pools.avgPool2dFn, soft.softmax, soft.logSoftmax],
  ...[soft.logSumExp, norms.standardize, norms.batchNorm, norms.layerNorm, norms.groupNorm],
  ...[norms.instanceNorm, gathers.gather, gathers.scatterAdd, gathers.takeAlongAxis],
  ...[gathers.putAlongAxis, gathers.setOneHot, joins.concatFn, joins.rollFn, variance],
  ...[reduce.sum, reduce.mean, reduce.max, reduce.min, reduce.prod, reduce.sumSquares],
  ...[reduce.all, reduce.any],
].map((f) => (f as Fn<readonly []>).op);

/** Applies a record to tensors, through the checks of its fields. */
function call(op: Fn<readonly []>["op"], ins: readonly Tensor[], attrs: object): Tensor {
  const fields = op.fields;
  const full: Record<string, unknown> = {};
  for (const [name, f] of Object.entries(fields)) {
    const own = (attrs as Record<string, unknown>)[name];
    full[name] = f.check(own ?? f.fallback?.value, ins, name);
  }
  return apply(op, ins, full)[0];
}

for (const op of records) {
  for (const [i, c] of op.cases.entries()) {
    if (c.bench) continue;
    const what = `${op.name} case ${i}`;
    const attrs = c.attrs ?? {};

    Deno.test(`${what}: the form computes what the operation means`, () => {
      const ins = valuesOf(c);
      const out = call(op, ins.map((h) => constant(h)), attrs);
      const form = ownForm(op, ins, out.node.attrs, out.node.outs);
      const { rtol, atol } = c.tolerance ?? { rtol: 1e-6, atol: 1e-6 };
      const meant = value(out);
      assertEquals(meant.dtype, out.dtype);
      assert(sameShape(meant.shape, out.shape));
      if (form) close(evaluateForm(form, ins)[0].data, meant.data, rtol + atol, what);
    });

    if (c.gradient === false || !c.ins.every((x) => "from" in x)) continue;
    const ins = valuesOf(c);
    const floats = ins.flatMap((h, k) => h.dtype === "f32" ? [k] : []);
    const probe = call(op, ins.map((h) => constant(h)), attrs);
    if (floats.length === 0 || probe.dtype !== "f32") continue;

    Deno.test(`${what}: gradients of both orders agree with differences`, () => {
      const weights = constant(sample(f32(probe.shape), -1, 1, 97));
      const f = (...xs: Tensor[]) => reduce.sum(mul(call(op, xs, attrs), weights));
      const firsts = floats.map((k) => (...xs: Tensor[]) => derivative(f, k)(...xs));
      for (const [j, k] of floats.entries()) {
        const first = value(firsts[j](...ins.map((h) => constant(h))));
        close(first.data, differences(f, ins, k, 2e-3), 4e-3, `${what} operand ${k}`);
        const v = constant(sample(f32(ins[k].shape), -1, 1, 31));
        const g = (...xs: Tensor[]) => reduce.sum(mul(firsts[j](...xs), v));
        for (const l of floats) {
          const second = value(derivative(g, l)(...ins.map((h) => constant(h))));
          const want = differences(g, ins, l, 2e-3);
          close(second.data, want, 2e-2, `${what} operands ${k}, ${l}`);
        }
      }
    });
  }
}

function derivative(f: (...xs: Tensor[]) => Tensor, k: number): (...xs: Tensor[]) => Tensor {
  return (...xs) => grad((x: Tensor) => f(...xs.with(k, x)))(xs[k]);
}

/** Central differences of a scalar function by operand k. */
function differences(
  f: (...xs: Tensor[]) => Tensor,
  ins: readonly Host[],
  k: number,
  step: number,
): number[] {
  const at = (i: number, by: number) => {
    const data = Float32Array.from(ins[k].data);
    data[i] += by;
    const xs = ins.with(k, { ...ins[k], data }).map((h) => constant(h));
    return [value(f(...xs)).data[0], data[i]];
  };
  return Array.from(ins[k].data, (_, i) => {
    const [up, hi] = at(i, step);
    const [down, lo] = at(i, -step);
    return (up - down) / (hi - lo);
  });
}
