/**
 * Work that is held for a moment: it goes with the read that follows, is never overtaken, and never
 * stays behind.
 * @module
 */
import { f32 } from "../../lib/core/type.ts";
import { queueOf } from "../../lib/gpu/queue.ts";
import { openDevice } from "../../lib/gpu/device.ts";
import { loadPlan } from "../../lib/gpu/run.ts";
import { assertEquals } from "../std.ts";
import { deviceTests } from "./adapter.ts";
import { countCalls, moment } from "./count_calls.ts";
import { mapKernel, sketch, vector } from "./plans.ts";

const test = await deviceTests();

/** A plan that adds 1 to a scalar. */
function increment() {
  const draft = sketch();
  const [x, y] = [draft.arg(f32([1])), draft.result(f32([1]))];
  draft.kernel(mapKernel("a[i] + 1.0", 1), [x], [y]);
  return draft.done([y]);
}

/** A queue over a device that only notes what is submitted. */
function noted(holds: boolean) {
  const submits: number[][] = [];
  const submit = (commands: Iterable<unknown>) => void submits.push([...commands] as number[]);
  const queue = queueOf({ queue: { submit } } as unknown as GPUDevice, holds);
  return { queue, submits, command: (id: number) => id as unknown as GPUCommandBuffer };
}

Deno.test("hold() waits for what is submitted next, and goes before it", () => {
  const { queue, submits, command } = noted(true);
  queue.hold(command(1));
  assertEquals(submits, []);
  queue.submit([command(2)]);
  queue.flush();
  assertEquals(submits, [[1, 2]]);
});

Deno.test("hold() submits by itself when nothing follows, and what was held before at once", async () => {
  const { queue, submits, command } = noted(true);
  queue.hold(command(1));
  queue.hold(command(2));
  assertEquals(submits, [[1]]);
  await moment();
  assertEquals(submits, [[1], [2]]);
  queue.hold(command(3));
  await moment();
  assertEquals(submits, [[1], [2], [3]]);
});

Deno.test("hold() submits at once where work is not to be held", () => {
  const { queue, submits, command } = noted(false);
  queue.hold(command(1));
  assertEquals(submits, [[1]]);
});

Deno.test("close() drops what is held", async () => {
  const { queue, submits, command } = noted(true);
  queue.hold(command(1));
  queue.close();
  await moment();
  assertEquals(submits, []);
});

test("a run goes before what is written over its argument", async (gpu) => {
  const { plan, kernels } = increment();
  const loaded = await loadPlan(gpu, plan, kernels);
  const [first] = await loaded.run([vector(1)]);
  const [second] = await loaded.run([vector(10)]);
  const x = gpu.residents.upload(vector(5));
  assertEquals((await first.read()).data[0], 2);
  assertEquals((await second.read()).data[0], 11);
  for (const value of [first, second, x]) value.dispose();
  loaded.dispose();
});

test("a plan may be disposed right after its run", async (gpu) => {
  const { plan, kernels } = increment();
  const loaded = await loadPlan(gpu, plan, kernels);
  const [out] = await loaded.run([vector(1)]);
  loaded.dispose();
  assertEquals((await out.read()).data[0], 2);
  out.dispose();
});

test("a run that nobody reads is submitted, and a later read is a submit of its own", async (gpu) => {
  const { plan, kernels } = increment();
  const loaded = await loadPlan(gpu, plan, kernels);
  const { value: [out], calls } = await countCalls(() => loaded.run([vector(1)]));
  assertEquals(calls.submit, 1);
  const { value, calls: read } = await countCalls(() => out.read());
  assertEquals([value.data[0], read.submit], [2, 1]);
  out.dispose();
  loaded.dispose();
});

Deno.test("a device that closes right after a run reports nothing", async () => {
  if (!await navigator.gpu?.requestAdapter()) return;
  const gpu = await openDevice();
  const { plan, kernels } = increment();
  const loaded = await loadPlan(gpu, plan, kernels);
  const [out] = await loaded.run([vector(1)]);
  gpu.dispose();
  await gpu.readback.settled();
  await moment();
  out.dispose();
});
