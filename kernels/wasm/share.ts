/**
 * Shares of a step: where a thread finds its own, and how it takes from those of others when it has
 * done it.
 * @module
 */
import type { Code } from "./code.ts";
import { control } from "./control.ts";

/** Bytes of a share. */
export const shareBytes = 12;

/** Where shares are: behind the addresses of slots. */
export interface ShareTable {
  readonly code: Code;
  readonly base: number;
  readonly at: number;
  readonly steps: number;
}

/** Sets a pointer to a thread's share of a step. */
export function setShare(
  { code, base, at, steps }: ShareTable,
  step: number,
  thread: number,
  into: number,
): void {
  code.get(base);
  code.get(thread);
  code.i32(shareBytes * steps);
  code.op("i32.mul");
  code.toAddress();
  code.addAddress();
  code.address(at + shareBytes * step);
  code.addAddress();
  code.set(into);
}

/**
 * Takes units of the thread's own share, some at a time, and then of the others', so that nobody
 * waits long for a thread that runs slowly. Which thread computes a unit changes nothing in it.
 */
export function takeShares(
  table: ShareTable,
  step: number,
  tid: number,
  share: number,
  call: (pushRange: () => void) => void,
): void {
  const { code } = table;
  const [owner, left] = [code.local("i32"), code.local("i32")];
  const [first, end, many] = [code.local("i32"), code.local("i32"), code.local("i32")];
  const threads = () => {
    code.address(0);
    code.memory("i32.load", control.threads);
  };
  code.get(tid);
  code.set(owner);
  threads();
  code.set(left);
  code.loop(() => {
    setShare(table, step, owner, share);
    for (const [word, local] of [[4, end], [8, many]]) {
      code.get(share);
      code.memory("i32.load", word);
      code.set(local);
    }
    code.loop(() => {
      code.get(share);
      code.get(many);
      code.memory("i32.atomic.rmw.add", 0);
      code.tee(first);
      code.get(end);
      code.op("i32.lt_s");
      code.when(() => {
        call(() => {
          code.get(first);
          // min(first + many, end)
          code.get(first);
          code.get(many);
          code.op("i32.add");
          code.tee(first);
          code.get(end);
          code.get(first);
          code.get(end);
          code.op("i32.lt_s");
          code.op("select");
        });
        code.op("br", 1);
      });
    });
    // The next thread's, and after the last the first's.
    code.i32(0);
    code.get(owner);
    code.i32(1);
    code.op("i32.add");
    code.tee(owner);
    code.get(owner);
    threads();
    code.op("i32.eq");
    code.op("select");
    code.set(owner);
    code.get(left);
    code.i32(-1);
    code.op("i32.add");
    code.tee(left);
    code.op("br_if", 0);
  });
}
