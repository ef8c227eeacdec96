/**
 * The machines that traced functions are tested on: the reference, and WebGPU where there is an
 * adapter.
 * @module
 */
import type { Machine } from "../../lib/core/target.ts";
import { open } from "../../lib/trace/open.ts";

/** Declares a test for each machine; one without an adapter is skipped and says so. */
export async function machineTests(): Promise<
  (name: string, body: (machine: Machine) => Promise<void>) => void
> {
  const adapter = await navigator.gpu?.requestAdapter();
  const machines = new Map<string, Machine>();
  Deno.test.beforeAll(async () => {
    machines.set("reference", await open("reference"));
    if (adapter) machines.set("webgpu", await open("webgpu"));
  });
  Deno.test.afterAll(async () => {
    for (const machine of machines.values()) await machine[Symbol.asyncDispose]();
  });
  return (name, body) => {
    for (const target of ["reference", "webgpu"] as const) {
      const skipped = target === "webgpu" && !adapter;
      Deno.test({
        name: `${target}: ${name}${skipped ? " (skipped: no WebGPU adapter)" : ""}`,
        ignore: skipped,
        // Reads on the fast path leave Deno's own timer behind for some milliseconds.
        sanitizeOps: false,
        fn: () => body(machines.get(target)!),
      });
    }
  };
}
