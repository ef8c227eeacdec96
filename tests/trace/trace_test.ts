/**
 * Traced functions: what comes back, what is compared, what is kept, and what is refused.
 * @module
 */
import { sizeOf } from "../../lib/core/type.ts";
import * as nn from "../../lib/model/nn.ts";
import {
  add,
  excludeFromTrace,
  isTracing,
  key,
  mul,
  read,
  sub,
  type Tensor,
  tensor,
  trace,
  TraceError,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const numbers = async (t: Tensor) => [...(await read(t)).data].map(Number);

test("results feed further operations and calls", async (on) => {
  await using step = trace((x: Tensor) => add(mul(x, 0.5), 1), { on });
  let x = await step(tensor([0, 8]));
  for (let i = 0; i < 4; i++) x = await step(mul(x, 1));
  assertEquals(await numbers(sub(x, 2)), [-0.0625, 0.1875]);
});

test("captured tensors are bound anew at each call, numbers are part of the program", async (on) => {
  let w = tensor([1, 2]), scalar = tensor(10), n = 1;
  await using f = trace((x: Tensor) => add(add(mul(x, w), scalar), n), { on });
  assertEquals(await numbers(await f(tensor([1, 1]))), [12, 13]);
  w = tensor([3, 4]);
  scalar = tensor(20);
  assertEquals(await numbers(await f(tensor([1, 1]))), [24, 25]);
  w = tensor([[3, 4]]);
  const changed = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(changed.reason, "tensors not equals");
  w = tensor([3, 4]);
  n = 2;
  const literal = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(literal.reason, "tensors not equals");
  n = 1;
  assertEquals(await numbers(await f(tensor([1, 1]))), [24, 25]);
});

test("captured tensors that become constants must stay, as the comparator sees them", async (on) => {
  let w = tensor([1, 2]);
  await using f = trace((x: Tensor) => mul(x, w), { on, captureAsConst: true });
  assertEquals(await numbers(await f(tensor([1, 1]))), [1, 2]);
  w = tensor([1, 2]);
  assertEquals(await numbers(await f(tensor([1, 1]))), [1, 2]);
  w = tensor([1, 2.5]);
  const error = await assertRejects(() => f(tensor([1, 1])), TraceError);
  assertEquals(error.reason, "tensors not equals");
  const seen: number[][] = [];
  const comparator = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    seen.push([a[1], b[1]]);
    return true;
  };
  w = tensor([1, 2]);
  await using g = trace((x: Tensor) => mul(x, w), { on, captureAsConst: true, comparator });
  await g(tensor([1, 1]));
  w = tensor([1, 2.5]);
  assertEquals(await numbers(await g(tensor([1, 1]))), [1, 2]);
  assertEquals(seen, [[2, 2.5]]);
  const flag = trace((x: Tensor, k: number) => mul(x, k), { on, captureAsConst: true });
  const refused = await assertRejects(() => flag(tensor(1), 3), TraceError, "argument 1: 3");
  assert(
    refused.message.includes("Only tensor arguments are supported when captureAsConst is set"),
  );
});

test("an excluded region runs each time and only its types must stay", async (on) => {
  let factor = 1, shape = [2];
  const seen: boolean[] = [];
  for (const symbolic of [false, true]) {
    await using f = trace(async (x: Tensor) => {
      const y = add(x, 1);
      const z = await excludeFromTrace(async (t: Tensor) => {
        seen.push(isTracing(t), isTracing(y));
        const value = Number((await read(t)).data[0]);
        return factor % 2
          ? mul(t, factor)
          : tensor(new Float32Array(sizeOf(shape)).fill(value), shape);
      }, y);
      seen.push(isTracing(z));
      return mul(z, 10);
    }, { on, symbolic });
    factor = 1;
    shape = [2];
    assertEquals(await numbers(await f(tensor([1, 2]))), [20, 30]);
    factor = 2;
    assertEquals(await numbers(await f(tensor([1, 2]))), [20, 20]);
    factor = 3;
    assertEquals(await numbers(await f(tensor([1, 2]))), [60, 90]);
    factor = 2;
    shape = [3];
    assertEquals(
      (await assertRejects(() => f(tensor([1, 2])), TraceError)).reason,
      "tensors not equals",
    );
    factor = 1;
    assertEquals(await numbers(await f(tensor([1, 2]))), [20, 30]);
  }
  assertEquals(seen.slice(0, 3), [false, true, true]);
  assertEquals(await numbers(await excludeFromTrace((t: Tensor) => mul(t, 3), tensor([1]))), [3]);
  assertEquals(isTracing(tensor([1])), false);
});

test("an argument may have another name, or none, on later calls", async (on) => {
  const p = nn.init({ w: nn.parameter([2], nn.onesInit) }, key(0));
  await using step = trace((s: typeof p) => ({ w: add(s.w, 1) }), { on });
  const next = await step(p);
  assertEquals(await numbers((await step(next)).w), [3, 3]);
});
