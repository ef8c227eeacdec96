/**
 * The workers of a WebAssembly target, for tests of what happens when one ends.
 * @module
 */

/** The workers that are made while a body runs. */
export async function watched(body: () => Promise<void>): Promise<Worker[]> {
  const original = globalThis.Worker;
  const made: Worker[] = [];
  globalThis.Worker = class extends original {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      made.push(this);
    }
  };
  try {
    await body();
  } finally {
    globalThis.Worker = original;
  }
  return made;
}
