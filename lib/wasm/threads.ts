/**
 * The threads of one memory: this one and workers that help. A run is started by a word that goes
 * up; nothing is sent. Modules come in messages, for which the words call workers to their event loop.
 * @module
 */
import { control } from "../../kernels/wasm/control.ts";
import { DeviceError } from "../core/fault.ts";
import { instanceOf } from "./compile.ts";
import type { Heap } from "./heap.ts";
import { keepAlive, maySleep } from "./host_thread.ts";
import { areThere, type Started, startWorkers } from "./start_workers.ts";

/** Threads that share a memory. */
export interface Threads {
  /** How many there will be, this one among them; one, once others turned out not to start. */
  readonly count: number;
  /** How many take part in a run now. */
  readonly active: number;
  /** Why others could not be started. */
  readonly refusal: string | undefined;
  /** Starts the others, where that was put off; resolves like `ready`. */
  start(): Promise<void>;
  /** Says that a caller's run is over: what was put off is not put off for long. */
  ran(): void;
  /** Resolves when all that were started are there, or when it is known that none will come. */
  readonly ready: Promise<void>;
  /**
   * Gives a module to all. `alone` says that its plan has no barrier: this thread runs it by itself,
   * and the others are not even woken, for nothing would make it wait until they have come.
   */
  load(
    module: WebAssembly.Module,
    alone: boolean,
    stamp?: (step: number) => void,
  ): Promise<Program>;
  /**
   * Has the other threads touch memory that has grown by much: the system gives pages only then, which
   * takes longer than filling them. False if there are no others yet.
   */
  touch(range: { readonly from: number; readonly to: number }): boolean;
  /** Wakes all that sleep, so that a run that comes at once waits for none; gives what it took. */
  rouse(): number;
  /** True once a thread has died; the others cannot go on. */
  isLost(): boolean;
  /** Ends the workers. */
  dispose(): void;
}

/** A module on all threads. */
export interface Program {
  /** Runs the plan whose tables are at an address; throws a DeviceError if a thread failed. */
  run(base: number): void;
  /** Takes the module off the threads. */
  dispose(): void;
}

/** How threads are made. */
export interface ThreadOptions {
  /** How many, this one among them; never more than cores. */
  readonly count: number;
  /** A file of the page's own origin with the worker's text, where `blob:` workers are forbidden. */
  readonly worker?: string | URL;
  /** Milliseconds after which a thread that does not come is taken for dead. */
  readonly patience?: number;
  /**
   * True puts the start off until a second run is over, for it takes this thread longer than many a
   * run; what begins with long runs starts them itself.
   */
  readonly later?: boolean;
}

/** Bytes of new memory from which other threads touch it. */
const much = 2 ** 20;

/** Turns of the microtask queue after a run until threads start: what awaits its result goes first. */
const turns = 64;

/** Milliseconds in which a sleeping thread wakes. */
const wakeUp = 0.3;

const word = (name: keyof typeof control) => control[name] / 4;

/** Starts the threads of a memory; one thread needs no workers and no shared memory. */
export function startThreads(heap: Heap, options: ThreadOptions): Threads {
  const { memory, wide } = heap;
  let count = heap.shared ? Math.max(1, options.count) : 1;
  let refusal: string | undefined;
  const words = new Int32Array(memory.buffer);
  words[word("threads")] = 1;
  words[word("sleeps")] = maySleep() ? 1 : 0;
  const patience = options.patience ?? 30_000;
  // A wait that cannot sleep a millisecond spins for a sixteenth of one.
  words[word("patience")] = patience * (maySleep() ? 1 : 16);
  const workers: Worker[] = [];
  let dead: string | undefined;
  let programs = 0, posted = 0, runs = 0;

  let ready = Promise.resolve();
  // Who waits when the memory tells sooner than their messages would hear nothing more from workers
  // that keep no process alive.
  const joined = Promise.withResolvers<void>();
  let starting: Started | undefined;
  let isBegun = count === 1, isUp = false;
  let isAwaited = !options.later; // Else workers do not keep the process alive.
  const live = new Map<number, WebAssembly.Module>();
  if (!options.later) begin();

  function begin(): void {
    if (isBegun) return;
    isBegun = true;
    starting = startWorkers({
      ...{ memory, wide, count: count - 1, worker: options.worker, patience },
      take(worker) {
        workers.push(worker);
        if (!isAwaited) keepAlive(worker, false);
      },
      isUp: () => isUp,
      fault: (message) => dead ??= message,
    });
    posted++;
    Atomics.store(words, word("posted"), posted);
    ready = Promise.race([joined.promise, starting.arrived.then(join, goOnAlone)]);
  }

  function join(): void {
    if (isUp) return;
    isUp = true;
    if (isAwaited) workers.forEach((worker) => keepAlive(worker, false));
    words[word("threads")] = count;
    joined.resolve();
    for (const [id, module] of live) send({ load: id, module });
  }

  /** While this thread computes no message is heard, but the memory knows who is there. */
  function look(): void {
    if (starting && !isUp && dead === undefined && areThere(memory, count - 1)) join();
  }

  function beginSoon(left: number = turns): void {
    queueMicrotask(() => left > 0 ? beginSoon(left - 1) : begin());
  }

  /** One thread computes the same, so where no others can be had, that is no failure. */
  function goOnAlone(error: Error): void {
    if (isUp) return;
    // One that sleeps is woken, for it cannot be ended in its sleep.
    send({ quit: true });
    workers.splice(0).forEach((worker) => worker.terminate());
    refusal = error.message;
    count = 1;
  }

  function send(message: unknown): void {
    for (const worker of workers) worker.postMessage(message);
    if (!workers.length) return;
    // Counted after it is on its way, so that a worker that looks finds it.
    posted++;
    Atomics.store(words, word("posted"), posted);
    wake();
  }

  function wake(): void {
    Atomics.add(words, word("calls"), 1);
    Atomics.notify(words, word("calls"));
  }

  function fault(tried: string): DeviceError {
    return new DeviceError(
      `Cannot ${tried}: a thread of the WebAssembly target ended (${dead}); open another target`,
      { code: "device.thread" },
    );
  }

  return {
    get count() {
      return count;
    },
    get refusal() {
      return refusal;
    },
    get active() {
      return isUp ? count : 1;
    },
    ran() {
      if (!isBegun) return ++runs > 1 ? beginSoon() : undefined;
      look();
    },
    start() {
      if (!isUp && !isAwaited) workers.forEach((worker) => keepAlive(worker, true));
      isAwaited = true;
      begin();
      return ready;
    },
    get ready() {
      return ready;
    },
    touch(range) {
      if (range.to - range.from >= much) send({ touch: { ...range, parts: workers.length } });
      return workers.length > 0;
    },
    rouse() {
      const begun = performance.now();
      while (isUp && performance.now() - begun < wakeUp) wake();
      return performance.now() - begun;
    },
    async load(module, alone, stamp = () => {}) {
      look();
      if (isAwaited && !isUp) await ready;
      const calls = count > 1 && !alone;
      const instance = await instanceOf(module, { env: { memory, stamp } });
      const run = instance.exports.run as (tid: number, base: number | bigint) => number;
      const id = ++programs;
      if (calls) live.set(id, module);
      if (isUp && calls) send({ load: id, module });
      return {
        run(base) {
          if (dead !== undefined) throw fault("run");
          const at = wide ? BigInt(base) : base;
          if (calls && isUp) {
            words[word("job")] = id;
            words[word("base")] = base | 0;
            words[word("base") + 1] = Math.floor(base / 2 ** 32);
            Atomics.add(words, word("epoch"), 1);
            wake();
          }
          let failed: boolean;
          try {
            failed = run(0, at) !== 0;
          } catch (error) {
            if (calls && isUp) {
              Atomics.store(words, word("fault"), 2);
              dead ??= String(error);
            }
            throw new DeviceError(
              `internal: a kernel trapped: ${(error as Error).message}`,
              { code: "device.kernel" },
            );
          }
          if (!failed) return;
          dead ??= words[word("fault")] === 2 ? "it failed" : "it did not come to a barrier";
          throw fault("run");
        },
        dispose() {
          if (live.delete(id) && isUp) send({ drop: id });
        },
      };
    },
    isLost: () => dead !== undefined,
    dispose() {
      starting?.cancel();
      isBegun = true;
      if (dead === undefined) {
        dead = "it was disposed";
        // A worker that sleeps would not hear of its end: each is called out first.
        send({ quit: true });
      } else workers.forEach((worker) => worker.terminate());
      // What is sent behind that, as of a plan that goes later, would put one to sleep again.
      workers.length = 0;
    },
  };
}
