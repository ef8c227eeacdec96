/**
 * Schedules that do works again: every reader has what it reads, the peak is what it is said to be,
 * thresholds are kept, and the same comes out each time; plans of them compute the same.
 * @module
 */
import fc from "fast-check";
import { wasm, wasmLimits } from "../../kernels/wasm/target.ts";
import { OptionError } from "../../lib/core/fault.ts";
import type { Graph } from "../../lib/core/graph.ts";
import type { Plan } from "../../lib/core/plan.ts";
import type { CompileOptions } from "../../lib/core/target.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { evicting } from "../../lib/plan/dtr.ts";
import { hoisted } from "../../lib/plan/hoist.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { liveBytes, type Order, peakOf, type Program, totalCost } from "../../lib/plan/schedule.ts";
import { sublinear } from "../../lib/plan/sublinear.ts";
import { memoryReport } from "../../lib/plan/timeline.ts";
import { stage } from "../../lib/stage/stage.ts";
import { grad, mul, sum, tensor } from "../../mod.ts";
import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "../std.ts";
import { assertSameBits } from "../targets/judge.ts";
import { convProgram, deepConvSteps, image } from "./conv_programs.ts";
import { limits } from "./agree.ts";
import { runPlan } from "./run_plan.ts";
import { convStep, denseStep } from "./training_steps.ts";

const target = wasm(wasmLimits(2 ** 32));
const search = { threshNrTry: 10, geneticNrIter: 0, geneticPoolSize: 20, lbMemoryMb: 0 };
const anySize = {
  evictionThreshold: 1,
  evicteeMinimumSize: 0,
  recompMemoryFactor: 1,
  recompTimeFactor: 1,
};

/** Works of one or two values, which read some of the values before them; a few are results. */
const programs: fc.Arbitrary<Program> = fc.array(
  fc.tuple(
    fc.array(fc.nat(), { maxLength: 2 }),
    fc.constantFrom(1, 1, 1, 2),
    fc.nat(400),
    fc.nat(9),
  ),
  { minLength: 1, maxLength: 50 },
).map((list) => {
  const bytes: number[] = [];
  const works = list.map(([reads, count, size, kind], w) => {
    const from = bytes.length;
    // As in a gradient, the second half reads back what the first has made.
    const back = w >= list.length / 2 ? [Math.floor(from * (1 - w / list.length))] : [];
    const near = reads.map((r) => from - 1 - r % Math.min(3, from));
    const ins = from === 0 ? [] : [...near, ...back];
    for (let k = 0; k < count; k++) bytes.push(kind === 0 ? 0 : 4 + size);
    return {
      ins,
      outs: Array.from({ length: count }, (_, k) => from + k),
      flops: size,
      cost: 1 + size,
    };
  });
  return { works, bytes, sizes: bytes };
});

/** Fails unless an order has all works, and each reader what it reads. */
function assertRuns({ works }: Program, order: Order): void {
  const made = new Set<number>();
  for (const w of order) {
    for (const v of works[w].ins) assert(made.has(v), `work ${w} reads ${v} before it is made`);
    works[w].outs.forEach((v) => made.add(v));
  }
  assertEquals(new Set(order).size, works.length);
}

Deno.test("hoisted(), sublinear() and evicting() give orders that run", () => {
  let saved = 0, evicted = 0;
  fc.assert(
    fc.property(programs, fc.integer({ min: 5, max: 9 }), (program, part) => {
      const written = [...program.works.keys()];
      const early = hoisted(program);
      assertRuns(program, early);
      assertEquals(early.length, written.length);
      const whole = peakOf(program, written);
      for (const { order, peak, cost } of sublinear(program, written, search)) {
        assertRuns(program, order);
        assertEquals([peak, cost], [peakOf(program, order), totalCost(program, order)]);
        if (peak < whole) saved++;
      }
      const most = Math.floor(whole * part / 10);
      const order = evicting(program, written, most, anySize);
      if (order) {
        assertRuns(program, order);
        assertLessOrEqual(Math.max(...liveBytes(program, order)), most);
        evicted++;
      }
    }),
    { numRuns: 400, seed: 5 },
  );
  assert(saved > 200 && evicted > 50, `${saved} orders save memory, ${evicted} keep a threshold`);
});

Deno.test("evicting() gives up nothing that is smaller than evicteeMinimumSize", () => {
  // A chain that is read again from its end: without eviction all of it is alive in the middle.
  const works = Array.from({ length: 20 }, (_, w) => ({
    ins: w < 10 ? [w - 1].filter((v) => v >= 0) : [w - 1, 19 - w],
    outs: [w],
    ...{ flops: 1, cost: 1 },
  }));
  const sizes = works.map((_, w) => w % 2 ? 100 : 60);
  const program = { works, bytes: sizes.map((n) => Math.ceil(n / 64) * 64), sizes };
  const order = [...works.keys()];
  const most = 0.8 * peakOf(program, order);
  const again = (least: number) => {
    const found = evicting(program, order, most, { ...anySize, evicteeMinimumSize: least });
    return found?.filter((w, i) => found.indexOf(w) !== i).map((w) => sizes[w]);
  };
  assert(again(0)!.includes(60));
  assertEquals(new Set(again(61)), new Set([100]));
  assertEquals(again(101), undefined);
});

const steps: readonly (readonly [string, Graph, number])[] = [
  ["of products", denseStep(24), 6],
  ["of convolutions", convStep(24), 5],
];
const planOf = (graph: Graph, options: CompileOptions = {}) =>
  compilePlan(graph, target.limits, options, target);

for (const [name, graph, factor] of steps) {
  Deno.test(`a training step ${name} takes ${factor} times less with sublinearMemory`, () => {
    const whole = planOf(graph);
    const plan = planOf(graph, { sublinearMemory: {} });
    const { arenaBytes, recomputed } = plan.memory;
    assertLess(arenaBytes, whole.memory.arenaBytes / factor);
    assertEquals(recomputed!.arenaBytesWithout, whole.memory.arenaBytes);
    assertEquals(recomputed!.steps, plan.steps.length - whole.steps.length);
    assert(recomputed!.flops > 0);
    assertEquals(printPlan(planOf(graph, { sublinearMemory: {} })), printPlan(plan));
    const { timeline, peakBytes } = memoryReport(plan);
    assertEquals(timeline.length, plan.steps.length);
    assertEquals(memoryReport(whole).peakBytes - peakBytes, whole.memory.arenaBytes - arenaBytes);
  });

  Deno.test(`lbMemoryMb gives memory for speed in a step ${name}`, () => {
    const plain = planOf(graph, { sublinearMemory: {} }).memory;
    const lbMemoryMb = 1.5 * plain.arenaBytes / 2 ** 20;
    const bounded = planOf(graph, { sublinearMemory: { lbMemoryMb } }).memory;
    assertLessOrEqual(bounded.arenaBytes, 1.55 * plain.arenaBytes);
    assertLess(bounded.recomputed!.flops, plain.recomputed!.flops);
  });

  Deno.test(`dtr keeps a step ${name} under its threshold, or says which is feasible`, () => {
    const whole = planOf(graph).memory.arenaBytes;
    const dtr = (evictionThreshold: number) => ({
      dtr: { evictionThreshold, evicteeMinimumSize: 1024 },
    });
    let before = 0;
    for (const part of [1, 0.8, 0.6, 0.4, 0.2, 0.1]) {
      const plan = planOf(graph, dtr(part * whole));
      assertLessOrEqual(plan.memory.arenaBytes, part * whole);
      const { flops } = plan.memory.recomputed!;
      assert(flops >= before, `${flops} operations again at ${part}, ${before} at more memory`);
      before = flops;
      assertEquals(printPlan(planOf(graph, dtr(part * whole))), printPlan(plan));
    }
    const error = assertThrows(() => planOf(graph, dtr(1000)), OptionError, "smallest that is");
    const least = Number(/feasible is (\d+)/.exec(error.message)![1]);
    assertLess(least, 0.1 * whole);
    assertLessOrEqual(planOf(graph, dtr(least)).memory.arenaBytes, least);
    assertThrows(() => planOf(graph, dtr(least - 1)), OptionError, `feasible is ${least}`);
    assertThrows(
      () => planOf(graph, { dtr: { evictionThreshold: whole / 4 } }),
      OptionError,
      "evicteeMinimumSize under 1048576",
    );
  });
}

Deno.test("mutation and crossover find less than thresholds, the same each time", () => {
  const graph = convStep(17);
  const genetic = { sublinearMemory: { geneticNrIter: 20 } };
  const plain = planOf(graph, { sublinearMemory: {} });
  const bred = planOf(graph, genetic);
  assertLess(bred.memory.arenaBytes, plain.memory.arenaBytes);
  assertEquals(printPlan(planOf(graph, genetic)), printPlan(bred));
});

/** How often a plan does again what writes inside zeros. */
function borderedAgain(plan: Plan): number {
  const seen = new Map<string, number>();
  for (const step of plan.steps) {
    if (step.kind !== "kernel" || !step.slots.some((id) => plan.slots[id].border)) continue;
    const key = `${step.name} ${step.sites.map((site) => site.stack)}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return [...seen.values()].filter((times) => times > 1).length;
}

Deno.test("gradients of random networks have the same bits however they are scheduled", async () => {
  const hosts = [image([2, 3, 6, 5], 1), image([1, 4, 7, 7], 2), image([1, 8, 4, 6], 3)];
  const types = hosts.map(({ dtype, shape }) => ({ dtype, shape }));
  let again = 0, borders = 0;
  await fc.assert(
    fc.asyncProperty(deepConvSteps, fc.integer({ min: 5, max: 9 }), async (list, part) => {
      const loss = (xs: Tensor[]) => {
        const y = convProgram(list, xs).at(-1) ?? xs[0];
        const some = Float32Array.from({ length: sizeOf(y.shape) }, (_, i) => (i % 5 - 2) / 4);
        return sum(mul(y, tensor(some, y.shape)));
      };
      const graph = stage((...xs: Tensor[]) => grad(loss)(xs), types);
      for (const [most, how] of [[limits, {}], [target.limits, target]] as const) {
        const plain = compilePlan(graph, most, {}, how);
        const want = await runPlan(plain, hosts);
        const evictionThreshold = Math.max(1, plain.memory.arenaBytes * part / 10);
        const dtr = { evictionThreshold, evicteeMinimumSize: 0 };
        for (const options of [{ sublinearMemory: {} }, { dtr }] as const) {
          let plan: Plan;
          try {
            plan = compilePlan(graph, most, options, how);
          } catch (error) {
            if (!(error instanceof OptionError)) throw error;
            continue;
          }
          assertLessOrEqual(plan.memory.arenaBytes, plain.memory.arenaBytes);
          assertSameBits(await runPlan(plan, hosts), want, JSON.stringify(options));
          again += plan.memory.recomputed!.steps;
          borders += borderedAgain(plan);
        }
      }
    }),
    { numRuns: 60, seed: 31 },
  );
  assert(again > 60 && borders > 5, `${again} steps again, ${borders} of them inside borders`);
});
