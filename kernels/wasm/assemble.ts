/**
 * The module of a plan: its kernels, and one function that runs them in order with a barrier between
 * steps. Addresses of slots and shares of threads lie in memory, so that the bytes depend neither on
 * where a plan was put nor on how many threads there are.
 * @module
 */
import { writeBarrier } from "./barrier.ts";
import { control } from "./control.ts";
import type { Code } from "./code.ts";
import type { WasmKernel } from "./kernel.ts";
import { type ConstantTable, type Features, newModule } from "./module.ts";
import { setShare, takeShares } from "./share.ts";

/** One step: its kernel and the slots that the kernel's addresses come from. */
export interface AssembledStep {
  readonly kernel: WasmKernel;
  readonly slots: readonly number[];
  /** True if all threads work on it, else the first does it alone. */
  readonly shared: boolean;
  /** True if another thread's part of it must be done before the next step begins. */
  readonly barrier: boolean;
}

/**
 * The module. Its export `run` takes the thread and the address of the plan's tables: 8 bytes for
 * each slot and for the threads' own memory (`scratchOf` bytes each), then for each thread and each
 * step a share: the next unit, the end, and how many are taken at once (4 bytes each). It gives 0, or
 * 1 if a thread has failed.
 */
export function assemble(
  steps: readonly AssembledStep[],
  slots: number,
  features: Features,
  pages: number,
  most: number,
  table?: ConstantTable,
): Uint8Array<ArrayBuffer> {
  const module = newModule(features, table);
  const scratch = scratchOf(steps);
  const address = features.wide ? "i64" as const : "i32" as const;
  const functions = steps.map(({ kernel }) => kernel.write(module));
  const barrier = features.shared
    ? module.fn("barrier", "barrier", ["i32"], (code) => writeBarrier(code), ["i32"])
    : undefined;
  const last = steps.findLastIndex(({ barrier }) => barrier);
  const run = module.fn("run", "run", ["i32", address], (code) => {
    const [tid, base] = [0, 1];
    const own = code.pointer();
    if (scratch) {
      code.get(base);
      code.memory(features.wide ? "i64.load" : "i32.load", 8 * slots);
      code.get(tid);
      code.i32(scratch);
      code.op("i32.mul");
      code.toAddress();
      code.addAddress();
      code.set(own);
    }
    const share = code.pointer();
    steps.forEach((step, i) => {
      if (step.kernel.scratch) {
        code.get(own);
        code.i32(-1);
        code.memory("i32.store", 0);
      }
      const table = { code, base, at: 8 * (slots + 1), steps: steps.length };
      const call = (pushRange: () => void) => {
        pushRange();
        for (const slot of step.slots) {
          code.get(base);
          code.memory(features.wide ? "i64.load" : "i32.load", 8 * slot);
        }
        if (step.kernel.scratch) code.get(own);
        code.call(functions[i]);
      };
      // Nobody helps with what one thread does alone: it does not wait for what comes before.
      if (barrier !== undefined && step.shared) takeShares(table, i, tid, share, call);
      else {
        setShare(table, i, tid, share);
        call(() => {
          for (const word of [0, 4]) {
            code.get(share);
            code.memory("i32.load", word);
          }
        });
      }
      if (barrier !== undefined && step.barrier) {
        code.get(tid);
        code.call(barrier);
        code.when(() => {
          code.i32(1);
          code.op("return");
        });
        // Behind the last barrier nobody waits for the others: the plan may be gone before they read.
        if (i === last) {
          code.get(tid);
          code.when(() => {
            code.i32(0);
            code.op("return");
          });
        }
      }
      stamped(code, tid, i + 1);
      if (barrier !== undefined && step.barrier && i !== last) heldBack(code, tid, barrier);
    });
    code.i32(0);
  }, ["i32"]);
  module.export("run", run);
  return module.finish(pages, most);
}

/** Bytes of memory that each thread of a plan has for itself. */
export function scratchOf(steps: readonly AssembledStep[]): number {
  const most = steps.reduce((n, { kernel }) => Math.max(n, kernel.scratch ?? 0), 0);
  return Math.ceil(most / 64) * 64;
}

/** Where it is asked for, the next step begins only when the end of this one is written down. */
function heldBack(code: Code, tid: number, barrier: number): void {
  code.address(0);
  code.memory("i32.load", control.stamping);
  code.i32(2);
  code.op("i32.and");
  code.when(() => {
    code.get(tid);
    code.call(barrier);
    code.when(() => {
      code.i32(1);
      code.op("return");
    });
  });
}

/** Thread 0 tells the host that a step is over, while it is asked to. */
function stamped(code: Code, tid: number, step: number): void {
  code.address(0);
  code.memory("i32.load", control.stamping);
  code.get(tid);
  code.op("i32.eqz");
  code.op("i32.and");
  code.when(() => {
    code.i32(step);
    code.call(0);
  });
}
