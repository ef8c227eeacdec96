/**
 * The bench's table: targets side by side, what was not run, and the change since the last time.
 * @module
 */
import type { Facts, Result } from "../../bench/facts.ts";
import { type Column, printed } from "../../bench/print.ts";
import { assertEquals } from "../std.ts";

Deno.test("printed() puts targets side by side and says what was not run", () => {
  const small = { flops: 2e6, bytes: 1e6, unit: "GFLOP/s" as const };
  const large = { flops: 2e9, bytes: 1e6, unit: "GFLOP/s" as const };
  const plan = { steps: 54, kernels: 11, peakBytes: 2 ** 20 };
  const skipped = "more than 0.5 GFLOP";
  const facts: Facts = {
    absent: { webgpu: "no adapter" },
    rows: {
      small: { ...small, targets: { wasm: plan, reference: { steps: 60 } } },
      large: { ...large, targets: { wasm: plan, reference: { skipped } } },
    },
  };
  const result = (name: string, ms: number, row: typeof small): Result => ({ name, ms, ...row });
  const columns: Column[] = [
    {
      target: "wasm",
      place: "a processor",
      results: [
        { ...result("small", 0.5, small), ...plan },
        { ...result("large", 100, large), ...plan },
      ],
      before: new Map([["small", 1]]),
    },
    {
      target: "reference",
      place: "a processor",
      results: [{ ...result("small", 20, small), steps: 60 }],
      before: new Map(),
    },
  ];
  assertEquals(printed(facts, columns).split("\n"), [
    "                  wasm                                              reference",
    "row       unit      ms   rate  steps  kernels  peak MiB  of stored         ms  rate  steps  of stored",
    "small  GFLOP/s    0.50   4.00     54       11       1.0      0.50x      20.00  0.10     60        new",
    "large  GFLOP/s  100.00  20.00     54       11       1.0        new    not run",
    "wasm: a processor",
    "reference: a processor",
    "webgpu: left out: no adapter",
    "reference: not run where a row has more than 0.5 GFLOP",
  ]);
});
