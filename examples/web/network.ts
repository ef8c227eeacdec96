/**
 * The network of the page: a model file that is loaded once, and the targets that run it. A loaded
 * model is a function, so each target gets a trace of it.
 * @module
 */
import { type DeviceName, type Model, open, read, type Tensor, tensor, trace } from "@weft/weft";

/** The network on one target. */
export interface Network {
  /** The target: `webgpu`, `wasm` or `reference`. */
  readonly name: string;
  /** The target's own words. */
  readonly description: string;
  /** Milliseconds from opening the target to the first result. */
  readonly firstMs: number;
  /** Probabilities of the ten digits in an image [28 · 28], and the milliseconds that took. */
  probabilities(image: Float32Array): Promise<{ readonly of: Float32Array; readonly ms: number }>;
  /** Gives the target back. */
  dispose(): void;
}

/** Opens a target and runs the model on it once; throws what `open` and the first run throw. */
export async function openNetwork(model: Model, name: DeviceName): Promise<Network> {
  const begun = performance.now();
  // One draws soon, and then all the time: threads start at once.
  const on = await open(name, { threads: navigator.hardwareConcurrency });
  const run = trace((image: Tensor) => model.source(image).probability, {
    on,
    captureAsConst: true,
  });

  async function probabilities(image: Float32Array) {
    const since = performance.now();
    const result = await run(tensor(image, [1, 1, 28, 28]));
    const { data } = await read(result);
    result.dispose?.();
    return { of: data as Float32Array, ms: performance.now() - since };
  }

  function dispose() {
    run.dispose();
    on.dispose();
  }

  try {
    await probabilities(new Float32Array(28 * 28));
  } catch (error) {
    dispose();
    throw error;
  }
  const firstMs = performance.now() - begun;
  return { name: on.name, description: on.description, firstMs, probabilities, dispose };
}

/** Why a target cannot be opened here; `undefined` if it can. */
export async function whyAbsent(name: DeviceName): Promise<string | undefined> {
  try {
    (await open(name, { threads: 1 })).dispose();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
