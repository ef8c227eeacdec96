/**
 * What pages of tests, and workers that they start, are asked to do with the library. The module is
 * bundled, and the same file is the script of a page and of a worker.
 * @module
 */
import {
  add,
  type DeviceName,
  matmul,
  open,
  type OpenOptions,
  read,
  type Tensor,
  tensor,
  trace,
} from "@weft/weft";
import { openWasm } from "../../lib/wasm/machine.ts";

/** What came of computing something. */
export interface Computed {
  readonly name: string;
  readonly description: string;
  /** The first and the last element of a product of 256 rows and columns, 128 + 1 each. */
  readonly found: readonly number[];
}

/** Work that takes several threads, where there are several. */
export async function computed(name: DeviceName, options: OpenOptions = {}): Promise<Computed> {
  await using on = await open(name, { threads: navigator.hardwareConcurrency, ...options });
  const square = tensor(new Float32Array(256 * 256).fill(Math.SQRT1_2), [256, 256]);
  const run = trace((x: Tensor) => add(matmul(x, x), 1), { on });
  const data = (await read(await run(square))).data as Float32Array;
  return { name: on.name, description: on.description, found: [data[0], data[data.length - 1]] };
}

/** The same, or the message and the code of the error. */
export async function tried(name: DeviceName, options?: OpenOptions): Promise<unknown> {
  try {
    return await computed(name, options);
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return { message, code };
  }
}

/** What a run says after a worker was ended behind the library's back, and how long that took. */
export async function killed(patience: number): Promise<{ message: string; ms: number }> {
  const made: Worker[] = [];
  const Real = globalThis.Worker;
  globalThis.Worker = class extends Real {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      made.push(this);
    }
  };
  const on = openWasm({ patience, threads: navigator.hardwareConcurrency });
  globalThis.Worker = Real;
  const square = tensor(new Float32Array(256 * 256).fill(1), [256, 256]);
  const run = trace((x: Tensor) => matmul(x, x), { on });
  await run(square);
  made.forEach((worker) => worker.terminate());
  // Chromium gives one that is busy two seconds to end.
  await new Promise((done) => setTimeout(done, 2500));
  const since = performance.now();
  try {
    await run(square);
    return { message: "it went on", ms: performance.now() - since };
  } catch (error) {
    return { message: (error as Error).message, ms: performance.now() - since };
  } finally {
    on.dispose();
  }
}

if ("document" in globalThis) Object.assign(globalThis, { weft: { computed, tried, killed } });
else addEventListener("message", async () => postMessage(await tried("wasm")));

/** Workers answer whoever made them. */
declare function postMessage(message: unknown): void;
