/**
 * Plans of traced functions: how many there are, when they go, what is part of their key.
 * @module
 */
import {
  add,
  DeviceError,
  type Graph,
  isTracing,
  type Machine,
  mul,
  OptionError,
  read,
  reshape,
  StageError,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { assert, assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "../std.ts";
import { bytesUsed, targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);

test("32 calls in flight are each right, and share one plan", async (on) => {
  let compiled = 0;
  const counting: Machine = Object.create(on, {
    compile: {
      value: (graph: Graph, options: object) => {
        compiled++;
        return on.compile(graph, options);
      },
    },
  });
  const f = trace(async (x: Tensor) => {
    assert(isTracing(x));
    await new Promise((done) => setTimeout(done, 1));
    assert(isTracing(x));
    return add(mul(x, 2), 1);
  }, { on: counting });
  const outs = await Promise.all(Array.from({ length: 32 }, (_, i) => f(tensor([i, -i]))));
  for (const [i, t] of outs.entries()) assertEquals(await numbers(t), [2 * i + 1, 1 - 2 * i]);
  assertEquals(compiled, 1);
  f.dispose();
  assertEquals(await numbers(await f(tensor([1, 1]))), [3, 3], "after dispose it plans anew");
  f.dispose();
});

test("plans are kept to a bound, also while more calls than that are in flight", async (on) => {
  let live = 0, most = 0;
  const counting: Machine = Object.create(on, {
    compile: {
      value: async (graph: Graph, options: object) => {
        const loaded = await on.compile(graph, options);
        most = Math.max(most, ++live);
        return {
          run: (args: Parameters<typeof loaded.run>[0]) => loaded.run(args),
          dispose: () => {
            live--;
            loaded.dispose();
          },
        };
      },
    },
  });
  const f = trace((x: Tensor) => mul(x, 2), { on: counting });
  for (let n = 1; n <= 80; n++) await f(tensor(new Float32Array(n)));
  assertEquals([live, most], [64, 65]);
  const all = await Promise.all(
    Array.from({ length: 90 }, (_, n) => f(tensor(new Float32Array(100 + n).fill(n)))),
  );
  for (const [n, t] of all.entries()) assertEquals((await numbers(t))[0], 2 * n);
  assertEquals(live, 64);
  f.dispose();
  assertEquals(live, 0);
});

test("shapes and host values specialise, structure is part of the key", async (on) => {
  await using f = trace(
    (x: Tensor, o: { times: number; flip?: boolean }) => {
      let y = reshape(x, { shape: [x.shape[0], -1 * -2] });
      for (let i = 0; i < o.times; i++) y = add(y, 1);
      return o.flip ? mul(y, -1) : y;
    },
    { on },
  );
  for (const n of [2, 4, 8]) {
    for (const times of [0, 3]) {
      const out = await f(tensor(new Float32Array(2 * n), [n, 2]), { times });
      assertEquals(out.shape, [n, 2]);
      assertEquals((await numbers(out))[0], times);
    }
  }
  assertEquals((await numbers(await f(tensor([[1, 1]]), { times: 1, flip: true })))[0], -2);
});

Deno.test("trace() refuses what is no function, and a graph before the first call", () => {
  const f = (x: Tensor) => x;
  assertThrows(() => trace(3 as never), OptionError, "Cannot trace number");
  assertThrows(() => trace(f).graph(), TraceError, "never called");
});

Deno.test("values of two devices are refused together, and read on the one named", async () => {
  const { open } = await import("../../mod.ts");
  const [a, b] = [await open("reference"), await open("reference")];
  const [x, y] = [a, b].map((on) => trace((t: Tensor) => mul(t, 2), { on }));
  const p = await x(tensor([1])), q = await y(tensor([2]));
  await assertRejects(() => read(add(p, q)), StageError, "two devices");
  assertEquals(await numbers(add(p, tensor((await read(q)).data as Float32Array))), [6]);
  p.dispose();
  await assertRejects(() => read(p), DeviceError, "given back");
  a.dispose();
  await assertRejects(() => x(tensor([1])), DeviceError, "was disposed");
});

test("a hundred steps of training keep the device's memory flat", async (on) => {
  const { grad, matmul, sub, sum } = await import("../../mod.ts");
  const loss = (w: Tensor, x: Tensor) => sum(mul(sub(matmul(x, w), 1), sub(matmul(x, w), 1)));
  await using step = trace(
    (w: Tensor, x: Tensor) => sub(w, mul(grad(loss)(w, x), 0.01)),
    { on, donate: [0] },
  );
  const x = tensor([[1, 0.5], [0.25, 1]]);
  const bytes = () => bytesUsed(on);
  let w = await step(tensor([[0], [0]]), x);
  const seen: number[] = [];
  for (let i = 0; i < 100; i++) {
    w = await step(w, x);
    if (i % 25 === 24) {
      await read(w);
      seen.push(bytes());
    }
  }
  // The collector may take what earlier tests left, so fewer bytes are possible, more are not.
  for (const later of seen) assertLessOrEqual(later, seen[0], `bytes held: ${seen}`);
  const [a, b] = await numbers(w);
  assert(Math.abs(a + 0.5 * b - 1) < 0.2 && Math.abs(0.25 * a + b - 1) < 0.2);
});
