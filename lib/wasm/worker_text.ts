/**
 * What a worker runs. It waits for work at words of the shared memory, first spinning, then asleep,
 * and goes back to its event loop only for messages, which bring modules.
 * @module
 */
import { control } from "../../kernels/wasm/control.ts";
import { xxh64 } from "../core/hash.ts";

/** Looks at the words before sleeping; some fifty microseconds. */
const spins = 20_000;

/**
 * The script of the WebAssembly target's workers, as text. Workers are started from a `blob:` URL by
 * default; where the policy of a page forbids that, put this text into a file of the page's own
 * origin and name the file to `open`. Write the file anew with each version of the library: a worker
 * of another version is not used.
 *
 * ```ts
 * import { wasmWorker } from "@weft/weft";
 *
 * console.log(wasmWorker().startsWith("// Weft")); // true; a build writes it to weft_worker.js
 * // In the page: await open("wasm", { worker: "weft_worker.js" })
 * ```
 */
export function wasmWorker(): string {
  return textOf(workerVersion());
}

/** What a worker says when it is ready, so that a file of another version is noticed. */
export function workerVersion(): string {
  return xxh64(new TextEncoder().encode(textOf(""))).toString(36);
}

/** It imports nothing and needs no permission, and may be a module or a classic script. */
function textOf(version: string): string {
  const word = (name: keyof typeof control) => control[name] / 4;
  return `// Weft: a thread of the WebAssembly target.
const plans = new Map(), ready = "${version}"; let memory, words, tid, wide, handled = 0, seen = 0;

self.onmessage = ({ data }) => {
  handled++;
  if (data.memory) {
    ({ memory, tid, wide } = data);
    words = new Int32Array(memory.buffer);
    seen = Atomics.load(words, ${word("epoch")});
    if (data.version === ready) Atomics.add(words, ${word("there")}, 1);
    self.postMessage({ ready });
  }
  if (data.load !== undefined) {
    const env = { memory, stamp() {} };
    plans.set(data.load, new WebAssembly.Instance(data.module, { env }));
  }
  if (data.touch) {
    // Changes nothing, whatever others write there. It must not read first, as an addition would: a
    // page that is read is given twice.
    const { from, to, parts } = data.touch;
    const size = Math.ceil((to - from) / parts / 4096) * 4096, first = from + size * (tid - 1);
    // That it has grown may not be known here yet; to grow by nothing asks.
    if (memory.buffer.byteLength < to) memory.grow(wide ? 0n : 0);
    const all = new Int32Array(memory.buffer), end = Math.min(to, first + size, 4 * all.length);
    for (let at = first; at < end; at += 4096) Atomics.compareExchange(all, at / 4, 0, 0);
  }
  if (data.drop !== undefined) plans.delete(data.drop);
  if (data.quit) self.postMessage("bye");
  else if (memory) work();
};

// A message may be handled before it is counted, so only more than were handled call it away.
function work() {
  for (;;) {
    for (let i = 0; i < ${spins}; i++) {
      if (Atomics.load(words, ${word("posted")}) > handled) return;
      if (Atomics.load(words, ${word("epoch")}) !== seen) break;
    }
    const calls = Atomics.load(words, ${word("calls")});
    const epoch = Atomics.load(words, ${word("epoch")});
    if (Atomics.load(words, ${word("posted")}) > handled) return;
    if (epoch === seen) {
      Atomics.wait(words, ${word("calls")}, calls);
      continue;
    }
    seen = epoch;
    try {
      const low = words[${word("base")}] >>> 0, high = words[${word("base") + 1}] >>> 0;
      const base = wide ? BigInt(high) * 4294967296n + BigInt(low) : low;
      plans.get(words[${word("job")}]).exports.run(tid, base);
    } catch (error) {
      Atomics.store(words, ${word("fault")}, 2);
      self.postMessage({ fault: String(error) });
    }
  }
}
`;
}
