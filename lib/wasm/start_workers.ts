/**
 * Workers from their script until they say that they are there.
 * @module
 */
import { control } from "../../kernels/wasm/control.ts";
import { wasmWorker, workerVersion } from "./worker_text.ts";

/** How workers are started, and who hears of them. */
export interface Starting {
  readonly memory: WebAssembly.Memory;
  readonly wide: boolean;
  /** How many. */
  readonly count: number;
  /** A file of the page's own origin with the script, where `blob:` workers are forbidden. */
  readonly worker?: string | URL;
  /** Milliseconds after which a file that does not answer is given up. */
  readonly patience: number;
  /** Takes each worker once it is made. */
  take(worker: Worker): void;
  /** True once they were seen to be there. */
  isUp(): boolean;
  /** Hears what has ended one that was there. */
  fault(message: string): void;
}

/** Workers on their way. */
export interface Started {
  /** Resolves when all say that they are there, rejects when it is known that one will not come. */
  readonly arrived: Promise<void>;
  /** Waits no longer. */
  cancel(): void;
}

/** True once so many workers are there; the memory knows before their messages are heard. */
export function areThere(memory: WebAssembly.Memory, count: number): boolean {
  return Atomics.load(new Int32Array(memory.buffer), control.there / 4) >= count;
}

/** Starts them. */
export function startWorkers(how: Starting): Started {
  const { memory, wide, count, patience } = how;
  const version = workerVersion();
  let alarm: ReturnType<typeof setTimeout> | undefined;
  /** Timers are loaded on their first use, which none is. */
  const cancel = () => alarm === undefined ? undefined : clearTimeout(alarm);

  async function start(): Promise<void> {
    const url = how.worker ??
      URL.createObjectURL(new Blob([wasmWorker()], { type: "text/javascript" }));
    try {
      const up: Promise<void>[] = [];
      for (let tid = 1; tid <= count; tid++) {
        const worker = new Worker(url, { type: "module", name: `weft ${tid}` });
        how.take(worker);
        up.push(ready(worker));
        worker.postMessage({ memory, tid, wide, version });
      }
      await Promise.race([Promise.all(up), ...(how.worker ? [late()] : [])]);
    } finally {
      cancel();
      if (!how.worker) URL.revokeObjectURL(url as string);
    }
  }

  function ready(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      let isThere = false;
      worker.onmessage = ({ data }) => {
        if (data?.ready === version) {
          isThere = true;
          resolve();
        } else if (data === "bye") worker.terminate();
        else if (data?.fault) how.fault(data.fault);
        else if (!isThere) reject(new Error(`${fileName()} is another version's`));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        if (isThere || how.isUp()) how.fault(event.message || "it failed");
        else reject(new Error(event.message || refused()));
      };
    });
  }

  function refused(): string {
    return how.worker
      ? `${fileName()} is no script that may run here`
      : `workers from blob: URLs may be forbidden here; see the option "worker"`;
  }

  function fileName(): string {
    const name = String(how.worker);
    return name.length > 80 ? `${name.slice(0, 79)}…` : name;
  }

  /** A file with another script never answers. */
  function late(): Promise<never> {
    return new Promise((_, reject) => {
      alarm = setTimeout(() => reject(new Error("they did not answer")), patience);
    });
  }

  return { arrived: start(), cancel };
}
