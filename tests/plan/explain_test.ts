/**
 * What passes report of themselves agrees with the graphs, on random programs as well.
 * @module
 */
import { orderOf, resultsOf, rootsOf } from "../../lib/core/graph.ts";
import { constant } from "../../lib/core/leaf.ts";
import { f32 } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { add, mul } from "../../lib/ops/arithmetic.ts";
import { exp, log } from "../../lib/ops/math.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { sum } from "../../lib/ops/reduce.ts";
import { transpose } from "../../lib/ops/shape.ts";
import { explain, holds } from "../../lib/plan/explain.ts";
import { bind, bindingOf } from "../../lib/stage/bind.ts";
import { withKnown } from "../../lib/stage/known.ts";
import { optimize } from "../../lib/stage/level.ts";
import { stage } from "../../lib/stage/stage.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { wasmLimits } from "../../kernels/wasm/target.ts";
import { assert, assertEquals, assertStrictEquals } from "../std.ts";

const limits = wasmLimits(2 ** 32);
const w = constant({ ...f32([3, 3]), data: Float32Array.from({ length: 9 }, (_, i) => i / 4 - 1) });
const program = (x: Tensor, y: Tensor) => {
  const shared = matmul(x, mul(w, 2));
  return add(mul(log(exp(shared)), exp(y)), transpose(transpose(matmul(x, mul(w, 2)))));
};
const graph = stage(program, [f32([3, 3]), f32([3, 3])]);

Deno.test("explain() runs the passes of each level, and its graphs follow one another", () => {
  for (const level of [0, 1, 2, 3] as const) {
    const { passes, plan } = explain(graph, level, limits);
    assertStrictEquals(passes[0].graphs.before, graph);
    passes.slice(1).forEach(({ graphs }, i) =>
      assertStrictEquals(graphs.before, passes[i].graphs.after)
    );
    assertEquals(String(passes.at(-1)!.graphs.after), String(optimize(graph, level)));
    for (const { before, after, graphs, shared, folded } of passes) {
      assertEquals([before, after], [holds(graphs.before), holds(graphs.after)]);
      assert(shared >= 0 && folded >= 0);
    }
    assertEquals(plan!.fused, plan!.operations - plan!.kernels.length);
  }
  assertEquals(explain(graph, 0).plan, undefined);
});

Deno.test("explain() names the laws that found something, an operation's own too", () => {
  const [, simplify, share, fold] = explain(graph).passes;
  assertEquals(simplify.laws, { logOfExp: 1, "of transpose": 2 });
  assertEquals(share.shared, 2);
  assertEquals(fold.folded, 1);
});

Deno.test("more is fused at level 2 than at level 1", () => {
  const [one, two] = [1, 2].map((level) => explain(graph, level as 1 | 2, limits).plan!);
  assertEquals(one.operations, two.operations);
  assert(two.fused > one.fused, `${two.fused}, ${one.fused}`);
  assertEquals(two.kernels, ["matmul", "add"]);
});

Deno.test("withKnown() gives what the whole graph gives, and leaves only open arguments", async () => {
  const f = stage((x: Tensor, y: Tensor, z: Tensor) => [sum(mul(x, y)), add(z, exp(y))], [
    ...[f32([4]), f32([4]), f32([4])],
  ]);
  const values = [1, 2, 3].map((k) => ({
    ...f32([4]),
    data: Float32Array.from({ length: 4 }, (_, i) => Math.fround(i * k / 8)),
  }));
  const run = async (g: typeof f, given: typeof values) =>
    (await evaluate(resultsOf(g), new Map(g.args.map((t, i) => [t.node, given[i]]))))
      .map(({ data }) => [...data]);
  const whole = await run(f, values);
  for (const known of [[], [1], [0, 2], [0, 1, 2]]) {
    const rest = withKnown(f, new Map(known.map((i) => [i, values[i]])));
    assertEquals(rest.args.length, 3 - known.length);
    assertEquals(await run(rest, values.filter((_, i) => !known.includes(i))), whole);
    const folded = optimize(rest);
    assertEquals(await run(folded, values.filter((_, i) => !known.includes(i))), whole);
    const open = orderOf(rootsOf(folded)).filter(({ op }) => op.name === "exp");
    assertEquals(open.length, known.includes(1) ? 0 : 1);
  }
});

Deno.test("bindingOf() says of every node of a graph what bind() says", () => {
  const times = bind([...graph.args, ...rootsOf(graph)]);
  const note = bindingOf(graph);
  const nodes = orderOf([...graph.args, ...rootsOf(graph)]);
  assertEquals(nodes.map(note), nodes.map((node) => times.get(node)!));
  const statics = nodes.filter((node) => note(node) === "static").map(({ op }) => op.name);
  assertEquals(statics, ["data", "data", "mul", "data", "mul"]);
});
