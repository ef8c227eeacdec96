/**
 * The barrier between steps: threads spin for a while, then sleep; one that does not come is given
 * up.
 * @module
 */
import type { Code } from "./code.ts";
import { control } from "./control.ts";

/** Spins at the barrier before a thread sleeps. */
const spins = 100_000;

/** Waits until all threads have come; gives 1 if one has failed. */
export function writeBarrier(code: Code): void {
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
