/**
 * Gradients as functions: trees, leaves without a gradient, nesting, and what is refused; running
 * statistics and the steps of an optimiser.
 * @module
 */
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { orderOf } from "../../lib/core/graph.ts";
import { hostOf } from "../../lib/core/leaf.ts";
import * as nn from "../../lib/model/nn.ts";
import * as optim from "../../lib/model/optim.ts";
import {
  add,
  argmax,
  cast,
  detach,
  DTypeError,
  exp,
  grad,
  key,
  matmul,
  mean,
  mul,
  open,
  OptionError,
  pipe,
  relu,
  reshape,
  ShapeError,
  sigmoid,
  StageError,
  sub,
  sum,
  tanh,
  type Tensor,
  tensor,
  trace,
  valueAndGrad,
  vjp,
} from "../../mod.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "../std.ts";

const of = (t: Tensor) => [...evaluateNow([t])[0].data].map(Number);

Deno.test("grad() keeps the tree, and leaves without a gradient get zeros", () => {
  const p = {
    a: tensor([1, 2]),
    list: [tensor(3), { b: tensor([4, 5]) }],
    index: tensor(new Int32Array([1, 0])),
    unused: tensor([[1, 2, 3]]),
    note: "kept",
  } as const;
  const f = (q: typeof p, by: number) =>
    add(mul(sum(mul(q.a, q.list[1].b)), by), mul(q.list[0], cast(sum(q.index), { dtype: "f32" })));
  const [value, g] = valueAndGrad(f)(p, 2);
  assertEquals(of(value), [2 * 14 + 3]);
  assertEquals([of(g.a), of(g.list[0]), of(g.list[1].b)], [[8, 10], [1], [2, 4]]);
  assertEquals([g.index.dtype, of(g.index), of(g.unused), g.note as string], [
    ...["i32", [0, 0], [0, 0, 0], "kept"],
  ]);
  assertEquals(g.unused.shape, [1, 3]);
});

Deno.test("one tensor in two places gets a gradient for each", () => {
  const t = tensor([2, 3]);
  const { a, b } = grad(({ a, b }: { a: Tensor; b: Tensor }) => sum(mul(a, mul(b, b))))({
    a: t,
    b: t,
  });
  assertEquals([of(a), of(b)], [[4, 9], [8, 18]]);
});

Deno.test("detached values carry no gradient, also through what is computed of them", () => {
  const f = (x: Tensor) => sum(mul(detach(mul(x, x)), x));
  assertEquals(of(grad(f)(tensor([2, 3]))), [4, 9]);
  assertEquals(of(grad((x: Tensor) => sum(detach(x)))(tensor([2]))), [0]);
  assertEquals(of(grad((x: Tensor) => sum(cast(argmax(x), { dtype: "f32" })))(tensor([1, 2]))), [
    0,
    0,
  ]);
});

Deno.test("gradients nest: each differentiates by its own marks", () => {
  const cube = (x: Tensor) => mul(x, mul(x, x));
  const d1 = grad(cube), d2 = grad(d1), d3 = grad(d2), d4 = grad(d3);
  assertEquals([d1, d2, d3, d4].map((d) => of(d(tensor(2)))[0]), [12, 12, 6, 0]);
  // perturbations are not confused: d/dx (x · d/dy (x + y)) = 1
  const inner = (x: Tensor) => mul(x, grad((y: Tensor) => add(x, y))(tensor(1)));
  assertEquals(of(grad(inner)(tensor(5))), [1]);
  const mixed = grad((x: Tensor) => grad((y: Tensor) => mul(mul(x, x), mul(y, y)))(x));
  assertEquals(of(mixed(tensor(3))), [6 * 9]);
});

Deno.test("a Hessian times a vector is the gradient of a gradient times it", () => {
  const f = (x: Tensor) => sum(mul(exp(x), tanh(mul(x, x))));
  const v = tensor([1, -2, 0.5]), at = [0.3, -0.2, 0.7];
  const hv = of(grad((x: Tensor) => sum(mul(grad(f)(x), v)))(tensor(at)));
  const h = 1e-2;
  const g = (sign: number) => of(grad(f)(tensor(at.map((x, i) => x + sign * h * [1, -2, 0.5][i]))));
  const [up, down] = [g(1), g(-1)];
  hv.forEach((x, i) => assertAlmostEquals(x, (up[i] - down[i]) / (2 * h), 5e-3));
});

Deno.test("vjp() gives cotangents of every argument, and checks the type of its own", () => {
  const a = tensor([[1, 2]]), b = tensor([[3], [4]]);
  const [out, pull] = vjp((a: Tensor, b: Tensor) => matmul(a, b), a, b);
  assertEquals(of(out), [11]);
  const [da, db] = pull(tensor([[2]]));
  assertEquals([of(da), of(db)], [[6, 8], [2, 4]]);
  assertThrows(
    () => pull(tensor([2])),
    ShapeError,
    "Cannot pull back f32[1]: the result is f32[1,1]",
  );
  const [, none] = vjp((x: Tensor) => mul(x, 0), tensor(new Int32Array([1]), [1]));
  assertEquals(of(none(tensor(new Int32Array([1])))[0]), [0]);
});

Deno.test("what cannot be differentiated is refused with the reason", () => {
  const x = tensor([1, 2]);
  assertThrows(
    () => grad((x: Tensor) => mul(x, 2))(x),
    ShapeError,
    "f32[2]: it must be one number",
  );
  assertThrows(() => grad((x: Tensor) => argmax(x))(x), DTypeError, "i32[]: it must be f32 or f16");
  const later = assertThrows(
    () => grad((x: Tensor) => Promise.resolve(sum(x)) as unknown as Tensor)(x),
    StageError,
    "returns a promise: models and losses are synchronous",
  );
  assertEquals(later.code, "stage.async");
  assertThrows(() => grad((_: Tensor) => 3 as never)(x), StageError, "must return one tensor");
  assertEquals(of(grad((x: Tensor) => reshape(sum(x), { shape: [1, 1] }))(x)), [1, 1]);
});

Deno.test("gradients differ inside a trace and outside by nothing", async () => {
  const f = (w: Tensor, x: Tensor) => mean(sigmoid(matmul(x, w)));
  const w = tensor([[0.5], [-1]]), x = tensor([[1, 2], [3, 4]]);
  // Where the interpreter runs both, not a bit differs.
  await using on = await open("reference");
  await using traced = trace((w: Tensor, x: Tensor) => valueAndGrad(f)(w, x), { on, optLevel: 0 });
  const [value, g] = await traced(w, x);
  const [plain, direct] = valueAndGrad(f)(w, x);
  const { read } = await import("../../mod.ts");
  assertEquals([[...(await read(value)).data], [...(await read(g)).data]], [of(plain), of(direct)]);
});

Deno.test("updated() finds the running statistics that a loss carries, and only those", () => {
  const spec = { bn: nn.batchNormSpec(2), out: nn.linearSpec(2, 1) };
  const p = nn.init(spec, key(1));
  const x = tensor([[1, 10], [3, 30]]);
  const loss = (q: nn.Params<typeof spec>) =>
    mean(pipe(nn.batchNorm(q.bn, nn.training(key(0))), relu, nn.linear(q.out))(x));
  const [l, g] = valueAndGrad(loss)(p);
  const next = nn.updated(p, l);
  assertStrictEquals(next.bn.weight, p.bn.weight);
  assertStrictEquals(next.out.weight, p.out.weight);
  const near = (t: Tensor, want: number[]) =>
    of(t).forEach((x, i) => assertAlmostEquals(x, want[i], 1e-5 * Math.max(1, want[i])));
  near(next.bn.running_mean, [0.2, 2]);
  near(next.bn.running_var, [0.9 + 0.1 * 2, 0.9 + 0.1 * 200]);
  assertEquals([of(g.bn.running_mean), of(g.bn.running_var)], [[0, 0], [0, 0]]);
  assert(orderOf([next.bn.running_var]).every((n) => n.op.name !== "arg"));
  const outer = grad((y: Tensor) => sum(mul(y, nn.updated(p, l).bn.running_mean)))(tensor([1, 1]));
  near(outer, [0.2, 2]);
});

Deno.test("sgd with momentum and weight decay agrees with a computation by hand", () => {
  const f = Math.fround;
  const [rate, momentum, weightDecay] = [0.1, 0.9, 0.01];
  const sgd = optim.sgd({ rate, momentum, weightDecay });
  let p = { w: tensor([1, -2]), count: tensor(new Int32Array([3])) };
  let opt = sgd.init(p);
  const w = [1, -2], v = [0, 0];
  for (let step = 0; step < 5; step++) {
    const g = grad((q: typeof p) => sum(mul(mul(q.w, q.w), q.w)))(p);
    ({ p, opt } = sgd.update({ p, opt }, g));
    const fixed = (t: Tensor) => tensor(hostOf(t)?.data ?? Float32Array.from(of(t)), t.shape);
    p = { w: fixed(p.w), count: p.count };
    opt = opt.map(fixed);
    for (const i of [0, 1]) {
      v[i] = momentum * v[i] + 3 * w[i] * w[i] + weightDecay * w[i];
      w[i] -= rate * v[i];
    }
    of(p.w).forEach((x, i) => assertAlmostEquals(x, f(w[i]), 1e-4 * Math.max(1, Math.abs(w[i]))));
  }
  assertEquals(of(p.count), [3]);
});

Deno.test("sgd leaves buffers as they are, and refuses numbers out of range", () => {
  const p = { w: tensor([1]), buffer: tensor([7]) };
  const sgd = optim.sgd({ rate: 0.5, momentum: 0.5, weightDecay: 0.5 });
  const next = sgd.update({ p, opt: sgd.init(p) }, grad((q: typeof p) => sum(q.w))(p));
  assertStrictEquals(next.p.buffer, p.buffer);
  assertEquals([of(next.p.w), next.opt.length], [[1 - 0.5 * 1.5], 2]);
  for (
    const wrong of [{ rate: -1 }, { rate: NaN }, { rate: 1, momentum: 1 }, {
      rate: 1,
      weightDecay: -1,
    }]
  ) {
    assertThrows(() => optim.sgd(wrong), OptionError, "it must be from 0");
  }
  assertThrows(() => sgd.update({ p, opt: [] }, {} as typeof p), ShapeError, "Cannot update w");
  assertEquals(of(sub(next.p.w, 0.25)), [0]);
});
