/**
 * The module of a plan: its kernels, and one function that runs them in order with a barrier between
 * steps. Addresses of slots and shares of threads lie in memory, so that the bytes depend neither on
 * where a plan was put nor on how many threads there are.
 * @module
 */
import { control } from "./control.ts";
import type { Code } from "./code.ts";
import type { WasmKernel } from "./kernel.ts";
import { type ConstantTable, type Features, newModule, stampImport } from "./module.ts";

/** One step: its kernel and the slots that the kernel's addresses come from. */
export interface AssembledStep {
  readonly kernel: WasmKernel;
  readonly slots: readonly number[];
  /** True if another thread's part of it must be done before the next step begins. */
  readonly barrier: boolean;
}

/** Spins at the barrier before a thread sleeps. */
const spins = 100_000;

/**
 * The module. Its export `run` takes the thread and the address of the plan's tables: 8 bytes for
 * each slot and for the threads' own memory (`scratchOf` bytes each), then for each thread the first
 * and the end unit of each step (4 bytes each). It gives 0, or 1 if a thread has failed.
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
    const shares = code.pointer();
    // base + 8·slots + tid·8·steps
    code.get(base);
    code.get(tid);
    code.i32(8 * steps.length);
    code.op("i32.mul");
    code.toAddress();
    code.addAddress();
    code.address(8 * (slots + 1));
    code.addAddress();
    code.set(shares);
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
    steps.forEach((step, i) => {
      code.get(shares);
      code.memory("i32.load", 8 * i);
      code.get(shares);
      code.memory("i32.load", 8 * i + 4);
      for (const slot of step.slots) {
        code.get(base);
        code.memory(features.wide ? "i64.load" : "i32.load", 8 * slot);
      }
      if (step.kernel.scratch) code.get(own);
      code.call(functions[i]);
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

export { stampImport };

/** Waits until all threads have come; gives 1 if one has failed. */
function writeBarrier(code: Code): void {
  const tid = 0;
  const [generation, left, waited] = [code.local("i32"), code.local("i32"), code.local("i32")];
  const word = (at: number) => {
    code.address(0);
    code.memory("i32.atomic.load", at);
  };
  const add = (at: number, by: number) => {
    code.address(0);
    code.i32(by);
    code.memory("i32.atomic.rmw.add", at);
  };
  const leaveIf = () =>
    code.when(() => {
      word(control.fault);
      code.op("return");
    });
  word(control.generation);
  code.set(generation);
  add(control.arrived, 1);
  code.i32(1);
  code.op("i32.add");
  word(control.threads);
  code.op("i32.eq");
  code.when(() => {
    code.address(0);
    code.i32(0);
    code.memory("i32.atomic.store", control.arrived);
    add(control.generation, 1);
    code.op("drop");
    word(control.sleepers);
    code.when(() => {
      code.address(0);
      code.i32(-1);
      code.memory("memory.atomic.notify", control.generation);
      code.op("drop");
    });
    word(control.fault);
    code.op("return");
  });
  const isOver = () => {
    word(control.generation);
    code.get(generation);
    code.op("i32.ne");
  };
  code.i32(0);
  code.set(waited);
  code.loop(() => {
    code.i32(spins);
    code.set(left);
    code.loop(() => {
      isOver();
      leaveIf();
      code.get(left);
      code.i32(-1);
      code.op("i32.add");
      code.tee(left);
      code.op("br_if", 0);
    });
    word(control.fault);
    code.when(() => {
      code.i32(1);
      code.op("return");
    });
    // Thread 0 of a browser's page may not sleep and only goes on spinning.
    code.get(tid);
    word(control.sleeps);
    code.op("i32.or");
    code.when(() => {
      add(control.sleepers, 1);
      code.op("drop");
      code.address(0);
      code.get(generation);
      // One millisecond, in nanoseconds.
      longConstant(code, 1_000_000);
      code.memory("memory.atomic.wait32", control.generation);
      code.op("drop");
      add(control.sleepers, -1);
      code.op("drop");
    });
    code.get(waited);
    code.i32(1);
    code.op("i32.add");
    code.tee(waited);
    word(control.patience);
    code.op("i32.gt_u");
    code.when(() => {
      code.address(0);
      code.i32(1);
      code.memory("i32.atomic.store", control.fault);
      code.i32(1);
      code.op("return");
    });
    code.op("br", 0);
  });
  code.i32(1);
}

function longConstant(code: Code, value: number): void {
  code.i32(value);
  code.op("i64.extend_i32_u");
}
