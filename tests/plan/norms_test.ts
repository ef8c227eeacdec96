/**
 * Norms in inference: behind a convolution they cost one multiplication and one addition, whatever
 * wrote them, and the numbers stay those of the interpreter.
 * @module
 */
import { tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { stage } from "../../lib/stage/stage.ts";
import { add, batchNorm, conv2d, mul, relu, sub } from "../../mod.ts";
import { assertEquals } from "../std.ts";
import { openTargets } from "../targets.ts";
import { assertNear, meant, valuesFrom } from "../targets/judge.ts";
import { kernelsOf, planFor } from "./agree.ts";
import { image } from "./conv_programs.ts";

const { machine, test } = await openTargets("wasm", "wasm, not fused", "webgpu");
const host = image([2, 3, 7, 6], 1);

function line(first: number, ...shape: readonly number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(Float32Array.from({ length: count }, (_, i) => first + Math.sin(i) / 3), shape);
}

const kernel = () => line(0.1, 4, 3, 3, 3);
const norm = (x: Tensor) =>
  batchNorm(x, line(0.2, 4), line(1.1, 4), {
    weight: line(0.9, 4),
    bias: line(-0.3, 4),
    eps: 1e-3,
  });

/** Programs, and the operands of the kernel that each becomes. */
const programs: readonly [string, (x: Tensor) => Tensor, number][] = [
  ["norm", (x) => relu(norm(conv2d(x, kernel(), { padding: 1 }))), 4],
  ["bias and norm", (x) => relu(norm(conv2d(x, kernel(), { bias: line(0.5, 4) }))), 4],
  ["one by one", (x) => norm(conv2d(x, line(0.1, 4, 3, 1, 1))), 4],
  [
    "depthwise",
    (x) => batchNorm(conv2d(x, line(0.1, 3, 1, 1, 3, 3), { groups: 3 }), line(0, 3), line(2, 3)),
    4,
  ],
  [
    "written out",
    (x) => mul(sub(add(mul(conv2d(x, kernel()), 2), line(1, 4, 1, 1)), 3), line(2, 1, 4, 1, 1)),
    4,
  ],
  ["bias alone", (x) => conv2d(x, kernel(), { bias: line(0.5, 4) }), 3],
];

for (const [name, f, operands] of programs) {
  Deno.test(`norms: ${name} is one kernel with ${operands} operands`, () => {
    const plan = planFor(f, [host]);
    assertEquals(kernelsOf(plan), 1);
    const [step] = plan.steps;
    assertEquals(step.kind === "kernel" && new Set(step.slots).size - 1, operands);
  });
  for (const target of ["wasm", "wasm, not fused", "webgpu"] as const) {
    test(target, `norms: ${name} has the interpreter's numbers`, async () => {
      const graph = stage(f, [{ dtype: host.dtype, shape: host.shape }]);
      const loaded = await machine(target).compile(graph);
      const got = await valuesFrom(loaded, [host]);
      loaded.dispose();
      // The worst difference was 5e-7, of values near 2.
      assertNear(got, meant(graph, [host]), { rtol: 2e-6, atol: 2e-6 }, name);
    });
  }
}

Deno.test("norms: statistics of the batch itself are no constants and stay", () => {
  const hosts = [host, image([4], 2), image([4], 3)];
  const plan = planFor((x, m, v) => batchNorm(conv2d(x, kernel()), m, v), hosts);
  assertEquals(kernelsOf(plan) >= 1, true);
  assertEquals(plan.args.every((id) => id >= 0), true);
});
