/**
 * Reads images on the target that was chosen last: one after another, only the latest of several,
 * and the same for choices of targets. What it finds out, it tells.
 * @module
 */
import type { DeviceName, Model } from "@weft/weft";
import { side } from "./digit_image.ts";
import { type Network, openNetwork } from "./network.ts";

/** Who hears of what happens. */
export interface Listener {
  /** The probabilities of the ten digits; `undefined` for an empty image. */
  read(of: Float32Array | undefined): void;
  /** What runs now, and the milliseconds that each of its readings took. */
  runs(network: Network, times: readonly number[]): void;
  /** A target is being opened. */
  opening(): void;
  /** The target that was chosen last is open, or none could be. */
  chosen(network: Network | undefined): void;
  /** What went wrong; `undefined` once something else works. */
  failed(error: Error | undefined): void;
  /** Reading failed, so that nothing runs any more; `failed` has told why. */
  stopped(): void;
}

/** Reads images. */
export interface Reader {
  /** Reads an image; of several that come meanwhile only the latest. */
  read(image: Float32Array<ArrayBuffer>): void;
  /** Runs the network on a target from now on; of several choices in a row only the latest counts. */
  use(name: DeviceName): Promise<void>;
  /** What runs now. */
  network(): Network | undefined;
  /** The image that was given last, at first an empty one. */
  image(): Float32Array;
}

/** True where nothing is drawn. */
export function isEmpty(image: Float32Array): boolean {
  return !image.some((v) => v > 0);
}

/** A reader with nothing open; `load` gives the model. */
export function readerOf(load: () => Promise<Model>, listener: Listener): Reader {
  let network: Network | undefined;
  let model: Promise<Model> | undefined;
  let image: Float32Array<ArrayBuffer> = new Float32Array(side * side);
  // The reading that goes on, and the last change of targets; each waits for the one before.
  let reading: Promise<void> | undefined;
  let using = Promise.resolve();
  let choices = 0;
  let isStale = false;
  const times: number[] = [];

  /** Reads what is there now; what is drawn meanwhile is read next. */
  function readLatest(): Promise<void> {
    isStale = true;
    return reading ??= readUntilFresh().catch(giveUp).finally(() => reading = undefined);
  }

  async function readUntilFresh(): Promise<void> {
    while (isStale && network) {
      isStale = false;
      if (isEmpty(image)) {
        listener.read(undefined);
        continue;
      }
      const { of, ms } = await network.probabilities(image);
      times.push(ms);
      // Nobody wants to see what was read before all was cleared.
      if (!isEmpty(image)) listener.read(of);
      if (network) listener.runs(network, times);
    }
  }

  /** What has failed once, as a device that was lost, goes on failing; another can be chosen. */
  function giveUp(error: Error): void {
    network?.dispose();
    network = undefined;
    listener.failed(error);
    listener.stopped();
  }

  async function change(name: DeviceName, choice: number): Promise<void> {
    if (choice !== choices) return;
    try {
      model ??= load();
      const next = await openNetwork(await model, name);
      const before = network;
      network = next;
      times.length = 0;
      listener.failed(undefined);
      await readLatest();
      before?.dispose();
    } catch (error) {
      listener.failed(error as Error);
      // What could not be loaded may be there next time.
      if (!network) model = undefined;
    }
    if (network) listener.runs(network, times);
    // Telling now would take the place of what was chosen meanwhile.
    if (choice === choices) listener.chosen(network);
  }

  return {
    read(next) {
      image = next;
      void readLatest();
    },
    use(name) {
      const choice = ++choices;
      listener.opening();
      return using = using.then(() => change(name, choice));
    },
    network: () => network,
    image: () => image,
  };
}
