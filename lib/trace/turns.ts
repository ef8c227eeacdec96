/**
 * Turns: of several calls with one key the first goes alone, as the others take what it leaves.
 * @module
 */

/** Calls that go first, by key. */
export interface Turns {
  /**
   * Waits until nobody goes first or `isDone` says that there is no need to; then either gives what
   * ends the caller's own turn, or nothing.
   */
  take(key: string, isDone: () => boolean): Promise<(() => void) | undefined>;
}

/** Nobody goes first yet. */
export function firstTurns(): Turns {
  const waiting = new Map<string, Promise<void>>();
  return {
    async take(key, isDone) {
      while (!isDone() && waiting.has(key)) await waiting.get(key);
      if (isDone()) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(key, promise);
      return () => {
        if (waiting.get(key) === promise) waiting.delete(key);
        resolve();
      };
    },
  };
}
