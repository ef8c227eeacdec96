/**
 * The targets that graphs run on, for tests that mean the same on each: the reference, WebAssembly
 * with two threads, with one, and without fused multiply-add, WebGPU where there is an adapter. A
 * file opens each of its targets once and closes it after its tests.
 * @module
 */
import type { Machine } from "../lib/core/target.ts";
import { type GpuMachine, openWebgpu } from "../lib/gpu/machine.ts";
import { openReference } from "../lib/trace/reference.ts";
import { openWasm, type WasmMachine } from "../lib/wasm/machine.ts";
import { adapterOrSkip } from "./gpu/adapter.ts";

/** The machines by the names of the targets. */
export interface Targets {
  readonly reference: Machine;
  readonly wasm: WasmMachine;
  readonly "wasm, 1 thread": WasmMachine;
  readonly "wasm, not fused": WasmMachine;
  readonly webgpu: GpuMachine;
}

/** A target by its name in tests. */
export type TargetName = keyof Targets;

/** Those that a test runs on unless it says otherwise. */
const usual = ["reference", "wasm", "wasm, 1 thread", "webgpu"] as const;

/** Opens a target. */
async function openTarget(name: TargetName): Promise<Machine> {
  switch (name) {
    case "reference":
      return openReference();
    case "wasm":
      // Two threads even where there are more cores, so that a test does the same everywhere.
      return openWasm({ threads: 2 });
    case "wasm, 1 thread":
      return openWasm({ threads: 1 });
    case "wasm, not fused":
      return openWasm({ threads: 2, madd: false });
    case "webgpu":
      return await openWebgpu();
    default:
      throw new TypeError(`internal: unknown target ${name satisfies never}`);
  }
}

/** The open targets of a file. */
export interface Opened<N extends TargetName> {
  /** The machine of a target, while tests run. */
  machine<K extends N>(name: K): Targets[K];
  /** Declares a test of one target; where that is not here it is skipped and says so. */
  test(target: N, name: string, body: () => Promise<void> | void): void;
}

/** Opens targets before the tests of a file and closes them after. */
export async function openTargets<N extends TargetName>(
  ...names: readonly N[]
): Promise<Opened<N>> {
  const isThere = !names.includes("webgpu" as N) || await adapterOrSkip();
  const machines = new Map<TargetName, Machine>();
  const settled = async () => await (machines.get("webgpu") as GpuMachine)?.gpu.readback.settled();
  Deno.test.beforeAll(async () => {
    for (const name of names) {
      if (name !== "webgpu" || isThere) machines.set(name, await openTarget(name));
    }
    await settled();
  });
  // Reads on the device's fast path leave Deno's own timer behind for some milliseconds.
  Deno.test.afterEach(settled);
  Deno.test.afterAll(async () => {
    for (const machine of machines.values()) await machine[Symbol.asyncDispose]();
  });
  return {
    machine: <K extends N>(name: K) => machines.get(name) as Targets[K],
    test(target, name, body) {
      const skipped = target === "webgpu" && !isThere;
      Deno.test({
        name: `${target}: ${name}${skipped ? " (skipped: no WebGPU adapter)" : ""}`,
        ignore: skipped,
        fn: async () => await body(),
      });
    },
  };
}

/** Opens the named targets and declares each test for all of them. */
export async function targetTests<N extends TargetName = typeof usual[number]>(
  ...names: readonly N[]
): Promise<(name: string, body: (on: Targets[N]) => Promise<void> | void) => void> {
  const wanted = names.length ? names : usual as readonly TargetName[] as readonly N[];
  const { test, machine } = await openTargets(...wanted);
  return (name, body) => {
    for (const target of wanted) test(target, name, () => body(machine(target)));
  };
}

/** Bytes that a machine holds for values, constants and plans; 0 where nobody counts them. */
export function bytesUsed(machine: Machine): number {
  if ("gpu" in machine) return (machine as GpuMachine).gpu.buffers.counts().used;
  if (!("places" in machine)) return 0;
  return (machine as WasmMachine).places().reduce((n, { heap }) => n + heap.used().now, 0);
}
