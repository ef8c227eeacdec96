/**
 * What graphs and plans are said to compute.
 * @module
 */
import { orderOf, rootsOf } from "../../lib/core/graph.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32 } from "../../lib/core/type.ts";
import { nodeFlops, productFlops } from "../../lib/plan/work.ts";
import { stage } from "../../lib/stage/stage.ts";
import { add, conv2d, matmul, relu } from "../../mod.ts";
import { assertEquals } from "../std.ts";
import { weights } from "./conv_programs.ts";

/** Products of every kind, with what the forms of their nodes say. */
const cases: Readonly<Record<string, readonly [number, (x: Tensor) => Tensor]>> = {
  "a product": [2 * 4 * 5 * 6, (x) => matmul(x, weights([6, 5]))],
  "a product of what lies turned": [
    2 * 6 * 5 * 4,
    (x) => matmul(x, weights([5, 4]), { transposeA: true, transposeB: true }),
  ],
  "several products": [2 * 3 * 4 * 5 * 6, (x) => matmul(x, weights([3, 6, 5]))],
  "what is no product": [0, (x) => relu(add(x, x))],
};

for (const [name, [flops, f]] of Object.entries(cases)) {
  Deno.test(`productFlops() counts ${name}`, () => {
    assertEquals(productFlops(stage(f, [f32([4, 6])])), flops);
  });
}

/** Weights and groups; grouped ones may have an axis of their own for the groups. */
const filters: readonly (readonly [readonly number[], number])[] = [
  [[8, 6, 3, 3], 1],
  [[8, 2, 3, 3], 2],
  [[2, 4, 3, 1, 5], 2],
];

Deno.test("productFlops() counts convolutions as their forms do, grouped ones too", () => {
  for (const [shape, groups] of filters) {
    const w = weights(shape);
    const graph = stage(
      (x: Tensor) => conv2d(x, w, { groups, padding: [1, 1] }),
      [f32([2, shape.at(-3)! * groups, 9, 8])],
    );
    const inForms = orderOf(rootsOf(graph)).reduce(
      (n, node) => n + (node.op.name === "conv2d" ? nodeFlops(node) : 0),
      0,
    );
    assertEquals(productFlops(graph), inForms, String(shape));
  }
});
