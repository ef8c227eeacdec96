/**
 * The memory options of traced functions: what is refused, and what memory() says.
 * @module
 */
import {
  add,
  matmul,
  mul,
  OptionError,
  read,
  relu,
  type Tensor,
  tensor,
  trace,
  TraceError,
  type TraceOptions,
} from "../../mod.ts";
import { dense } from "../plan/training_steps.ts";
import { f32 } from "../../lib/core/type.ts";
import { constant } from "../../lib/core/leaf.ts";
import { valueOf } from "../ops/case_values.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std.ts";
import { targetTests } from "../targets.ts";

const test = await targetTests();
const f = (x: Tensor) => mul(x, 2);

const refused: readonly (readonly [unknown, string])[] = [
  [{ sublinearMemory: 3 }, "sublinearMemory: 3: it must be true, false or a record"],
  [{ sublinearMemory: { tries: 3 } }, "sublinearMemory.tries: known are threshNrTry, genetic"],
  [{ sublinearMemory: { threshNrTry: -1 } }, "threshNrTry: -1: it must be a whole number from 0"],
  [{ sublinearMemory: { geneticNrIter: 1.5 } }, "geneticNrIter: 1.5: it must be a whole number"],
  [{ sublinearMemory: { geneticPoolSize: 0 } }, "geneticPoolSize: 0: it must be a whole number f"],
  [{ sublinearMemory: { lbMemoryMb: NaN } }, "lbMemoryMb: NaN: it must be a number from 0"],
  [{ sublinearMemory: { numWorker: 0 } }, "numWorker: 0: it must be a whole number from 1"],
  [{ sublinearMemory: { numWorker: "2" } }, 'numWorker: "2": it must be a whole number from 1'],
  [{ dtr: true }, "dtr: true: it must be a record with evictionThreshold"],
  [{ dtr: {} }, "dtr without evictionThreshold: it must be a number of bytes greater than 0"],
  [{ dtr: { evictionThreshold: 0 } }, "evictionThreshold: 0: it must be a number of bytes great"],
  [{ dtr: { evictionThreshold: 1, evicteeMinimumSize: -1 } }, "evicteeMinimumSize: -1: it must"],
  [{ dtr: { evictionThreshold: 1, recompMemoryFactor: -1 } }, "recompMemoryFactor: -1: it must"],
  [{ dtr: { evictionThreshold: 1, recompTimeFactor: NaN } }, "recompTimeFactor: NaN: it must be"],
  [{ dtr: { evictionThreshold: 1, factor: 1 } }, "dtr.factor: known are evictionThreshold, evic"],
  [{ dtr: { evictionThreshold: 1 }, sublinearMemory: true }, "sublinearMemory and dtr together"],
];

Deno.test("trace() refuses memory options out of range, naming option and range", () => {
  for (const [options, text] of refused) {
    assertThrows(() => trace(f, options as TraceOptions), OptionError, text);
  }
  trace(f, { sublinearMemory: false, dtr: { evictionThreshold: 1 } });
  trace(f, { sublinearMemory: { threshNrTry: 0, numWorker: 2, lbMemoryMb: undefined } });
});

test("memory() has the peak, its parts and a timeline of the latest call", async (on) => {
  await using g = trace((x: Tensor, w: Tensor) => relu(add(matmul(matmul(x, w), w), 1)), { on });
  assertThrows(() => g.memory(), TraceError, "no plan was run");
  const w = tensor(new Float32Array(16 * 16), [16, 16]);
  for (const rows of [4, 8]) {
    await read(await g(tensor(new Float32Array(rows * 16), [rows, 16]), w));
    const report = g.memory();
    assertEquals(report.argumentBytes, 4 * 16 * (rows + 16));
    assertEquals(report.resultBytes, 4 * 16 * rows);
    assert(report.arenaBytes >= report.lowerBound && report.lowerBound >= 4 * 16 * rows);
    const { arenaBytes, constantBytes, argumentBytes, resultBytes } = report;
    assertEquals(report.peakBytes, arenaBytes + constantBytes + argumentBytes + resultBytes);
    const live = Math.max(...report.timeline.map(({ liveBytes }) => liveBytes));
    assert(live <= report.lowerBound && report.timeline.some(({ name }) => /matmul/.test(name)));
    assertEquals([report.recomputed, report.reads], [undefined, []]);
  }
  g.dispose();
  assertThrows(() => g.memory(), TraceError, "no plan was run");
  const recorded = trace(f, { recordOnly: true });
  await recorded(w);
  assertThrows(() => recorded.memory(), TraceError, "recordOnly");
});

test("an infeasible threshold is refused at the call, and the next call works", async (on) => {
  const net = dense(6, 32, 16);
  const value = (shape: readonly number[], seed: number) =>
    constant(valueOf({ type: f32(shape), from: -0.2, to: 0.2 }, seed));
  const p = net.types[0].map(({ a, b }, i) => ({ a: value(a.shape, i), b: value(b.shape, i) }));
  await using step = trace(net.step, {
    on,
    dtr: { evictionThreshold: 13_000, evicteeMinimumSize: 0 },
  });
  const large = value([512, 16], 1);
  await assertRejects(() => step(p, large, large), OptionError, "dtr.evictionThreshold: 13000");
  const small = value([32, 16], 1);
  const { loss } = await step(p, small, small) as { loss: Tensor };
  assert(Number.isFinite((await read(loss)).data[0]));
  assert(step.memory().arenaBytes <= 13_000 && step.memory().recomputed!.steps > 0);
});

test("every level computes the same with sublinearMemory", async (on) => {
  const net = dense(6, 32, 16);
  const value = (shape: readonly number[], seed: number) =>
    constant(valueOf({ type: f32(shape), from: -0.2, to: 0.2 }, seed));
  const p = net.types[0].map(({ a, b }, i) => ({ a: value(a.shape, i), b: value(b.shape, i) }));
  const x = value([32, 16], 9);
  for (const optLevel of [0, 1, 3] as const) {
    const losses: number[] = [];
    for (const sublinearMemory of [false, true]) {
      await using step = trace(net.step, { on, optLevel, sublinearMemory });
      const made = await step(p, x, x) as { loss: Tensor; p: typeof p };
      losses.push(
        Number((await read(made.loss)).data[0]),
        ...(await read(made.p[0].a)).data as Float32Array,
      );
      assertEquals(step.memory().recomputed !== undefined, sublinearMemory);
    }
    assertEquals(losses.slice(losses.length / 2), losses.slice(0, losses.length / 2));
  }
});
