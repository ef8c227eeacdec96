/**
 * Gradients against finite differences, first and second order, for every operation's cases.
 * @module
 */
import { assert } from "../std.ts";
import type { Host } from "../../lib/core/host.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { ops } from "../../lib/ops/mod.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { caseName, random, valuesOf } from "../ops/case_values.ts";
import { isDifferentiable, isVaried, lossOf } from "./loss.ts";

/** Central differences along a few random directions; values computed in f32, so h is not small. */
function differences(
  f: (xs: Tensor[]) => Tensor,
  hosts: readonly Host[],
  directions: readonly Float32Array[],
  h: number,
): number {
  const at = (step: number) =>
    evaluateNow([f(hosts.map((x, k) => {
      const data = Float32Array.from(x.data as Float32Array, (v, i) => v + step * directions[k][i]);
      return constant({ dtype: "f32", shape: x.shape, data });
    }))])[0].data[0];
  return (at(h) - at(-h)) / (2 * h);
}

function directionsFor(hosts: readonly Host[], seed: number): Float32Array[] {
  const next = random(seed);
  return hosts.map((x) => Float32Array.from({ length: x.data.length }, () => next() * 2 - 1));
}

function along(f: (xs: Tensor[]) => Tensor, directions: readonly Float32Array[]) {
  return (xs: Tensor[]): Tensor => {
    const parts = grad(f)(xs).map((g, k) => sum(mul(g, tensor(directions[k], g.shape))));
    return parts.reduce((a, b) => add(a, b));
  };
}

for (const op of ops) {
  Deno.test(`grad: ${op.name} agrees with finite differences, twice`, () => {
    for (const [i, c] of op.cases.entries()) {
      const hosts = valuesOf(c, 7);
      if (!isDifferentiable(op, c, hosts)) continue;
      const floats = hosts.filter((h, k) => isVaried(c, h, k));
      const f = lossOf(op, c, hosts, 3);
      agree(f, floats, `${caseName(op, i)}, first order`);
      agree(along(f, directionsFor(floats, 11)), floats, `${caseName(op, i)}, second order`);
    }
  });
}

/**
 * The gradient along a direction beside differences at two distances. Where those disagree the
 * step crossed a kink (relu, max) and says nothing: another direction is tried.
 */
function agree(f: (xs: Tensor[]) => Tensor, floats: readonly Host[], what: string): void {
  for (let seed = 20; seed < 60; seed++) {
    const d = directionsFor(floats, seed);
    const far = differences(f, floats, d, 8e-3);
    const near = differences(f, floats, d, 4e-3);
    // Measured: curvature over these steps and f32 rounding stay below 2 % of the size, or 0.02.
    const slack = 0.02 + 0.02 * Math.abs(near);
    if (Math.abs(far - near) > slack / 2) continue;
    const [got] = evaluateNow([along(f, d)(floats.map((x) => constant(x)))]);
    const a = Number(got.data[0]);
    assert(Math.abs(a - near) <= slack, `${what}: got ${a}, differences give ${near}`);
    return;
  }
  assert(false, `${what}: differences never settle`);
}
