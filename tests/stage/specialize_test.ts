/**
 * Staging and specialising: what depends only on what is known is folded, and large weights stay
 * where they are.
 * @module
 */
import { orderOf, resultsOf, rootsOf } from "../../lib/core/graph.ts";
import { isSource, type Source } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import { bind } from "../../lib/stage/bind.ts";
import { fold } from "../../lib/stage/specialize.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import {
  add,
  batchNorm,
  broadcastTo,
  conv2d,
  exp,
  f32,
  matmul,
  mul,
  named,
  optimize,
  read,
  relu,
  specialize,
  stage,
  StageError,
  sum,
  type Tensor,
  tensor,
  trace,
} from "../../mod.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../std.ts";
import { limits } from "../plan/agree.ts";

const count = (ts: readonly Tensor[]) =>
  orderOf(ts).filter((n) => !n.data && n.op.name !== "arg").length;

interface Both {
  readonly x: Tensor;
  readonly w: Tensor;
}
const both = ({ x, w }: Both) => mul(x, add(exp(mul(w, 2)), 1));

Deno.test("specialize() by record folds what depends only on the known part", async () => {
  const rest = specialize(both, { w: tensor([0, 0]) });
  const graph = stage(rest, [{ x: f32([2]) }]);
  assertEquals(count(resultsOf(graph)), 1);
  assertEquals(
    String(graph),
    'graph {\n  %0: f32[2] = arg "x"\n  %1: f32[2] = data 2 2\n  %2: f32[2] = mul(%0, %1)\n' +
      "  return %2\n}",
  );
  assertEquals([...(await read(rest({ x: tensor([3, 4]) }))).data], [6, 8]);
  const other = stage(specialize(both, { x: tensor([1, 2]) }), [{ w: f32([2]) }]);
  assertEquals(count(resultsOf(other)), 4, "everything depends on w");
});

Deno.test("specialize() by position leaves the open places", async () => {
  const f = (a: Tensor, b: Tensor, c: Tensor) => add(mul(a, b), mul(b, c));
  const rest = specialize(f, [undefined, tensor([2]), tensor([5])]);
  assertEquals([...(await read(rest(tensor([1])) as Tensor)).data], [12]);
  assertEquals(count(resultsOf(stage(rest as (x: Tensor) => Tensor, [f32([1])]))), 2);
  const last = specialize(f, [tensor([1]), tensor([2])]);
  assertEquals([...(await read(last(tensor([3])) as Tensor)).data], [8]);
});

Deno.test("specialize() keeps structure, sharing and the running call", async () => {
  const f = ({ x, w }: Both) => {
    const y = mul(exp(w), x);
    return { y, twice: [y, add(y, 1)] };
  };
  const rest = specialize(f, { w: tensor([0]) });
  const { y, twice } = rest({ x: tensor([3]) });
  assertStrictEquals(y, twice[0]);
  await using run = trace(async (x: Tensor) => {
    const { y } = rest({ x });
    return { y, value: Number((await read(y)).data[0]) };
  });
  assertEquals((await run(tensor([7]))).value, 7);
});

/** A source that counts how often it is opened. */
function counting(shape: readonly number[]): Source & { opened: number } {
  const source = {
    ...f32(shape),
    opened: 0,
    async *open() {
      source.opened++;
      yield new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)).fill(0);
    },
  };
  return source;
}

Deno.test("folding a batch norm into weights never opens them", async () => {
  const weight = counting([64, 64, 3, 3]);
  const channel = (x: number) => tensor(new Float32Array(64).fill(x));
  const f = (x: Tensor) =>
    relu(batchNorm(conv2d(x, mul(constant(weight, "weight"), 2)), channel(1), channel(4), {
      weight: channel(3),
      bias: channel(5),
    }));
  const graph = optimize(stage(f, [f32([1, 64, 8, 8])]));
  const plan = compilePlan(graph, limits);
  assertEquals(weight.opened, 0, "folding and planning read no weight");
  assertEquals(plan.steps.filter((s) => s.kind === "kernel").length, 1);
  const sources = orderOf(rootsOf(graph)).filter((n) => isSource(n.data));
  assertEquals(sources.length, 1, String(graph));
  const chunks = [];
  for await (const chunk of (sources[0].data as Source).open()) chunks.push(chunk.length);
  assertEquals(weight.opened, 1);
  assertEquals(chunks.reduce((a, b) => a + b), 4 * 64 * 64 * 9);
});

Deno.test("folding does not swell a graph by what costs nothing to make", () => {
  const column = tensor([[1], [2]]);
  const f = (x: Tensor) => add(x, broadcastTo(column, { shape: [2, 50_000] }));
  const graph = fold(stage(f, [f32([2, 50_000])]));
  assertEquals(orderOf(rootsOf(graph)).filter((n) => n.data).map((n) => n.outs[0].shape), [[2, 1]]);
  const g = (x: Tensor) => add(x, exp(broadcastTo(column, { shape: [2, 5] })));
  assertEquals(count(resultsOf(fold(stage(g, [f32([2, 5])])))), 1);
});

Deno.test("bind() says which nodes are known while specialising", () => {
  const graph = stage((x: Tensor) => add(matmul(x, tensor([[1]])), exp(tensor([[2]]))), [
    f32([1, 1]),
  ]);
  const times = bind(rootsOf(graph));
  const said = [...times].map(([n, t]) => `${n.op.name} ${t}`);
  assertEquals(said, [
    ...["arg dynamic", "data static", "matmul dynamic"],
    ...["data static", "exp static", "add dynamic"],
  ]);
});

Deno.test("stage() names arguments and results, and refuses promises", () => {
  const graph = stage(({ a, b }: { a: Tensor; b: Tensor[] }) => ({ y: add(a, b[0]), deep: [a] }), [
    { a: f32([1]), b: [named("left", f32([1]))] },
  ]);
  assertEquals(graph.args.map((t) => t.node.name), ["a", "left"]);
  assertEquals(graph.names, ["y", ""]);
  const error = assertThrows(() => stage((x: Tensor) => Promise.resolve(x), [f32([])]), StageError);
  assertEquals(error.code, "stage.async");
  assert(error.message.includes("models are synchronous"));
});

Deno.test("levels: what each leaves of a program", () => {
  const f = (x: Tensor) =>
    add(mul(sum(x, { keep: true }), add(exp(tensor([0])), 0)), sum(x, { keep: true }));
  const graph = stage(f, [f32([4])]);
  const of = (level: 0 | 1 | 2) => count(resultsOf(optimize(graph, level)));
  assertEquals([count(resultsOf(graph)), of(0), of(1), of(2)], [6, 6, 2, 2]);
});
