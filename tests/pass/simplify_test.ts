/**
 * Algebra and sharing: each law fires where it should, nowhere else, and keeps values.
 * @module
 */
import { orderOf, resultsOf } from "../../lib/core/graph.ts";
import { constant, mark, updates } from "../../lib/core/leaf.ts";
import { s } from "../../lib/core/scalar.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { rewrite } from "../../lib/pass/rewrite.ts";
import { share } from "../../lib/pass/share.ts";
import { algebra, identities, simplify } from "../../lib/pass/simplify.ts";
import {
  add,
  broadcastTo,
  cast,
  detach,
  div,
  exp,
  f16,
  f32,
  full,
  i32,
  log,
  mul,
  neg,
  reshape,
  slice,
  stage,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
  type Type,
  unary,
} from "../../mod.ts";
import { between } from "../../lib/op/kinds.ts";
import { valueOf, worst } from "../ops/case_values.ts";
import { assert, assertEquals, assertStrictEquals } from "../std.ts";

const names = (ts: readonly Tensor[]) =>
  orderOf(ts).filter((n) => !n.data && n.op.name !== "arg").map((n) => n.op.name);

const laws: [string, (x: Tensor) => Tensor, string[], Type?][] = [
  ["x + 0", (x) => add(x, 0), []],
  ["0 + x", (x) => add(0, x), []],
  ["x - 0", (x) => sub(x, 0), []],
  ["0 - x stays", (x) => sub(0, x), ["sub"]],
  ["x · 1", (x) => mul(x, 1), []],
  ["1 · x", (x) => mul(1, x), []],
  ["x / 1", (x) => div(x, 1), []],
  ["1 / x stays", (x) => div(1, x), ["div"]],
  ["x · 0 stays", (x) => mul(x, 0), ["mul"]],
  ["x + ones · 0 broadcast", (x) => add(x, full([2, 3], 0)), []],
  ["x + 0 that broadcasts x", (x) => add(x, full([4, 2, 3], 0)), ["broadcastTo"]],
  ["y / y", (x) => div(x, x), ["broadcastTo"]],
  ["y / y of integers stays", (x) => div(cast(x, { dtype: "i32" }), 1), ["div"], i32([2, 3])],
  ["log exp x", (x) => log(exp(x)), []],
  ["log (exp x + exp y)", (x) => log(add(exp(x), exp(neg(x)))), ["neg", "logAddExp"]],
  ["log (exp x + 1) stays", (x) => log(add(exp(x), 1)), ["exp", "add", "log"]],
  ["exp log x stays", (x) => exp(log(exp(exp(x)))), ["exp", "exp"]],
  ["neg neg x", (x) => neg(neg(x)), []],
  ["neg neg neg x", (x) => neg(neg(neg(x))), ["neg"]],
  [
    "f16 to f32 and back",
    (x) => cast(cast(x, { dtype: "f32" }), { dtype: "f16" }),
    [],
    f16([2, 3]),
  ],
  ["f32 to f16 and back stays", (x) => cast(cast(x, { dtype: "f16" }), { dtype: "f32" }), [
    "cast",
    "cast",
  ]],
  ["mark, detach, updates", (x) => updates(detach(mark(x)), tensor([1]), tensor([2])), []],
  ["transposes that cancel", (x) => transpose(transpose(x)), []],
  ["reshapes that cancel", (x) => reshape(reshape(x, { shape: [6] }), { shape: [2, 3] }), []],
  ["a slice of all", (x) => slice(x, [], []), []],
  ["a broadcast to its own shape", (x) => broadcastTo(x, { shape: [2, 3] }), []],
  ["laws behind one another", (x) => mul(neg(neg(add(x, 0))), 1), []],
];

for (const [name, f, left, type = f32([2, 3])] of laws) {
  Deno.test(`simplify: ${name}`, () => {
    const graph = stage(f, [type]);
    const simpler = simplify(graph);
    assertEquals(names(resultsOf(simpler)), left, String(simpler));
    const x = valueOf({ type, from: 0.5, to: 3 }, 3);
    const [a, b] = [graph, simpler].map((g) =>
      evaluateNow(resultsOf(g), new Map([[g.args[0].node, x]]))[0]
    );
    assertEquals(worst(b, a, 1e-6, 1e-6), undefined);
    assertStrictEquals(simplify(simpler), simpler, "nothing is left to say");
  });
}

Deno.test("simplify: identities alone are what level 0 removes", () => {
  const graph = stage((x: Tensor) => mul(mark(add(x, 0)), 1), [f32([2])]);
  assertEquals(names(resultsOf(rewrite(graph, identities))), ["add", "mul"]);
  assertEquals(names(resultsOf(rewrite(graph, algebra))), []);
  const plain = stage((x: Tensor) => exp(x), [f32([2])]);
  assertStrictEquals(rewrite(plain, algebra), plain);
});

Deno.test("share: equal terms become one, different ones do not", () => {
  const of = (f: (x: Tensor) => Tensor) => names(resultsOf(share(stage(f, [f32([2, 2])])))).length;
  assertEquals(of((x) => add(exp(x), exp(x))), 2);
  assertEquals(of((x) => add(exp(mul(x, 2)), exp(mul(x, 2)))), 3);
  assertEquals(of((x) => add(exp(mul(x, 2)), exp(mul(x, 3)))), 5);
  assertEquals(of((x) => add(mul(x, 0), mul(x, -0))), 3, "0 and -0 differ");
  assertEquals(of((x) => add(sum(x, { axis: 0 }), sum(x, { axis: 1 }))), 3);
  const data = new Float32Array(4);
  const own = (d: Float32Array) => constant({ dtype: "f32", shape: [2, 2], data: d });
  assertEquals(of((x) => add(mul(x, own(data)), mul(x, own(data)))), 2);
  const large = new Float32Array(400).map((_, i) => i);
  const wide = (d: Float32Array) => sum(constant({ dtype: "f32", shape: [400], data: d }));
  assertEquals(
    of((x) => add(mul(x, wide(large)), mul(x, wide(large)))),
    3,
    "one array is one value",
  );
  assertEquals(of((x) => add(mul(x, wide(large)), mul(x, wide(large.slice())))), 5);
  const graph = share(stage((x: Tensor) => exp(x), [f32([])]));
  assertStrictEquals(share(graph), graph);
});

Deno.test("share: operations of one name are not one operation", () => {
  const make = (by: number) =>
    unary({
      name: "own",
      doc: "x + by",
      scalar: (x) => s.add(x, by),
      cases: [{ ins: [between(0, 1, [2])] }],
    });
  const [a, b] = [make(1), make(2)];
  const graph = share(stage((x: Tensor) => sub(b(x), a(x)), [f32([1])]));
  const x = { dtype: "f32", shape: [1], data: Float32Array.of(5) } as const;
  const [y] = evaluateNow(resultsOf(graph), new Map([[graph.args[0].node, x]]));
  assertEquals(y.data[0], 1);
  assert(String(graph).includes("own"));
});
