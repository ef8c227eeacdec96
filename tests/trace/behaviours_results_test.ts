/**
 * Behaviours of traces, by their numbers: results of calls, training, reads, regions, levels.
 * @module
 */
import * as nn from "../../lib/model/nn.ts";
import * as optim from "../../lib/model/optim.ts";
import {
  add,
  broadcastTo,
  crossEntropy,
  detach,
  div,
  excludeFromTrace,
  exp,
  grad,
  key,
  log,
  matmul,
  mean,
  mul,
  read,
  relu,
  reshape,
  sum,
  type Tensor,
  tensor,
  trace,
  valueAndGrad,
} from "../../mod.ts";
import { i32 } from "../../lib/core/type.ts";
import { constant } from "../../lib/core/leaf.ts";
import { assert, assertEquals, assertLess } from "../std.ts";
import { targetTests } from "../targets.ts";
import { countingMachine } from "./counting.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);

test("9.1 equal results on several calls, for a value, a list and a record", async (on) => {
  for (const symbolic of [false, true]) {
    const value = trace((x: Tensor) => mul(x, 2), { on, symbolic });
    const list = trace((x: Tensor) => [x, add(x, 1), x], { on, symbolic });
    const record = trace(
      ({ a, b }: { a: Tensor; b: Tensor[] }) => ({ sum: add(a, b[0]), deep: { n: 3, same: b[0] } }),
      { on, symbolic },
    );
    for (let i = 0; i < 3; i++) {
      const x = tensor([1, 2]);
      assertEquals(await numbers(await value(x)), [2, 4]);
      const found = await list(x);
      assert(Array.isArray(found));
      assertEquals(await Promise.all(found.map(numbers)), [[1, 2], [2, 3], [1, 2]]);
      const out = await record({ a: x, b: [tensor([1, 1])] });
      assertEquals(Object.keys(out), ["sum", "deep"]);
      assertEquals([out.deep.n, await numbers(out.sum)], [3, [2, 3]]);
      assertEquals(await numbers(out.deep.same), [1, 1]);
    }
    for (const f of [value, list, record]) {
      assertEquals(f.plans, 1);
      f.dispose();
    }
  }
});

const spec = { up: nn.linearSpec(4, 8), down: nn.linearSpec(8, 3) };
type Net = nn.Params<typeof spec>;
const net = (p: Net, x: Tensor) => nn.linear(p.down)(relu(nn.linear(p.up)(x)));

test("9.2 a training step with momentum and decay: losses bit-equal to the untraced", async (on) => {
  const data = tensor(Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), [6, 4]);
  const label = constant({ ...i32([6]), data: Int32Array.of(0, 1, 2, 2, 1, 0) });
  const loss = (p: Net, x: Tensor, y: Tensor) => mean(crossEntropy(net(p, x), y));
  const sgd = optim.sgd({ rate: 0.1, momentum: 0.9, weightDecay: 0.01 });
  const p = nn.init(spec, key(0));
  const start = { p, opt: sgd.init(p) };
  const step = (state: typeof start, x: Tensor, y: Tensor) => {
    const [l, g] = valueAndGrad(loss)(state.p, x, y);
    return { state: sgd.update(state, g), loss: l };
  };
  // Held by the target from the start, as the traced step's arguments are.
  const [begun, x, y] = await trace((...all: [typeof start, Tensor, Tensor]) => all, { on })(
    ...[start, data, label] as const,
  );
  await using traced = trace(step, { on });
  let state = begun, other = begun;
  const losses: number[][] = [[], []];
  for (let i = 0; i < 5; i++) {
    const made = await traced(state, x, y);
    state = made.state;
    losses[0].push(...await numbers(made.loss));
    const term = step(other, x, y);
    losses[1].push(Number((await read(term.loss, { on })).data[0]));
    other = await trace(() => term.state, { on })();
  }
  assertEquals(losses[0], losses[1]);
  assertLess(losses[0][4], losses[0][0]);
});

test("9.3 detached values carry no gradient and trace fine", async (on) => {
  const f = (x: Tensor) => sum(mul(mul(x, x), detach(mul(x, 10))));
  await using traced = trace((x: Tensor) => [f(x), grad(f)(x), detach(x)], { on });
  for (const k of [1, 3]) {
    const [y, dx, same] = await traced(tensor([k, 2]));
    assertEquals(await numbers(y), [10 * k ** 3 + 80]);
    assertEquals(await numbers(dx), [20 * k * k, 80], "2x times the constant, not 30x²");
    assertEquals(await numbers(same), [k, 2]);
  }
});

test("9.4 an excluded region that alternates leaves the trace valid", async (on) => {
  for (const symbolic of [false, true]) {
    let turn = 0;
    await using f = trace(async (x: Tensor) => {
      const y = await excludeFromTrace(async (t: Tensor) => {
        if (turn++ % 2) return mul(t, 100);
        const [first] = (await read(t)).data;
        return tensor([Number(first), -1]);
      }, add(x, 1));
      return mul(y, 2);
    }, { on, symbolic });
    for (let i = 0; i < 4; i++) {
      assertEquals(
        await numbers(await f(tensor([i, 0]))),
        i % 2 ? [200 * (i + 1), 200] : [
          2 * (i + 1),
          -2,
        ],
      );
    }
    assertEquals(f.plans, 1);
  }
});

test("9.7 a value read inside is this call's", async (on) => {
  await using f = trace(async (x: Tensor) => {
    const total = Number((await read(sum(x))).data[0]);
    const twice = Number((await read(mul(x, 2))).data[0]);
    return { y: mul(x, x), total, twice };
  }, { on });
  for (const k of [1, 5, -2]) {
    const { y, total, twice } = await f(tensor([k, 1]));
    assertEquals([total, twice, ...await numbers(y)], [k + 1, 2 * k, k * k, 1]);
  }
});

test("9.10 profiles have entries after the second call", async (on) => {
  await using f = trace((x: Tensor) => relu(matmul(x, x)), { on, profiling: true });
  for (let i = 0; i < 2; i++) await f(tensor([[1, 2], [3, 4]]));
  const { plans } = await f.profile();
  assertEquals(plans.map(({ calls }) => calls.length), [2]);
  assert(plans[0].kernels.length > 0);
  for (const { ns } of plans[0].kernels) assert(ns.length === 2 && ns.every((n) => n !== null));
});

test("9.11 levels 0 and 1: y/y at 0, log(exp x + exp y) at 1e4, two operators of log(exp x)", async (on) => {
  const steps = (level: 0 | 1, f: (x: Tensor) => Tensor, x: Tensor) =>
    count(level, (t: Tensor) => f(t), [x]);
  async function count(optLevel: 0 | 1, f: (...ins: Tensor[]) => Tensor, xs: readonly Tensor[]) {
    const { machine, loaded } = countingMachine(on);
    await using traced = trace(f, { on: machine, optLevel });
    const values: number[][] = [];
    for (let i = 0; i < 2; i++) values.push(await numbers(await traced(...xs)));
    assertEquals(values[0], values[1], "from the first call on");
    return {
      value: values[0],
      kernels: loaded[0].steps().filter(({ kind }) => kind !== "copy").length,
    };
  }
  const quotient = (x: Tensor) => div(x, x);
  assertEquals((await steps(0, quotient, tensor([0, 2]))).value, [NaN, 1]);
  assertEquals((await steps(1, quotient, tensor([0, 2]))).value, [1, 1]);
  const both = (x: Tensor, y: Tensor) => log(add(exp(x), exp(y)));
  const far = [tensor([1e4]), tensor([1e4])];
  assertEquals((await count(0, both, far)).value, [Infinity]);
  assertEquals((await count(1, both, far)).value, [Math.fround(1e4 + Math.LN2)]);
  const there = (x: Tensor) => add(log(exp(x)), 1);
  const [plain, better] = [await steps(0, there, tensor([2])), await steps(1, there, tensor([2]))];
  assertEquals(plain.kernels - better.kernels, 2);
  assertEquals(better.value, [3]);
});

test("9.13 reshape by x.shape[0] with three batches, broadcastTo from three shapes", async (on) => {
  await using f = trace((x: Tensor) => reshape(x, { shape: [x.shape[0], 6] }), { on });
  for (const n of [1, 2, 5]) {
    const x = tensor(Float32Array.from({ length: 6 * n }, (_, i) => i), [n, 2, 3]);
    const out = await f(x);
    assertEquals([out.shape, await numbers(out)], [[n, 6], await numbers(x)]);
  }
  assertEquals(f.plans, 3);
  await using g = trace((x: Tensor) => broadcastTo(x, { shape: [2, 3] }), { on });
  assertEquals(await numbers(await g(tensor(5))), [5, 5, 5, 5, 5, 5]);
  assertEquals(await numbers(await g(tensor([1, 2, 3]))), [1, 2, 3, 1, 2, 3]);
  assertEquals(await numbers(await g(tensor([[1], [2]]))), [1, 1, 1, 2, 2, 2]);
});
