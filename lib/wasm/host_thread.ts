/**
 * What threads may do where this runs.
 * @module
 */

/** A browser's main thread may only spin. */
export function maySleep(): boolean {
  return typeof Deno !== "undefined" || !("document" in globalThis);
}

/**
 * Changes whether a worker keeps the process alive, as it does at first: a machine that nobody
 * disposes must not. Deno has this for its own use, under a symbol without a name, and counts: each
 * change is to be told once. Where it is gone, an open machine has to be disposed.
 */
export function keepAlive(worker: Worker, isKept: boolean): void {
  if (typeof Deno === "undefined") return;
  const [symbol] = Object.getOwnPropertySymbols(Object.getPrototypeOf(worker))
    .filter((s) => !s.description);
  const change = symbol && (worker as unknown as Record<symbol, unknown>)[symbol];
  if (typeof change === "function") change.call(worker, isKept);
}
