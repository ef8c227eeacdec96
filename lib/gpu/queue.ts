/**
 * The way of all work to a device. A run on a software adapter is held for a moment: if its results
 * are read at once, the copy goes with it in one submit. There the device's threads and the caller
 * share the cores, so a second submit costs as much as a small kernel, and starting early gains
 * nothing. Adapters of hardware get each run at once.
 * @module
 */

/** Submits to one device, in order. */
export interface Queue {
  /** Submits now, behind what is held. */
  submit(commands: readonly GPUCommandBuffer[]): void;
  /** Submits with what comes next; or by itself, once the caller has done other things for a moment. */
  hold(commands: GPUCommandBuffer): void;
  /** Submits what is held; to be called before anything else that touches what it may use. */
  flush(): void;
  /** Drops what is held: the device is going. */
  close(): void;
}

/**
 * Turns of the microtask queue that work is held. `await (await run())[0].read()` takes five; what
 * wraps the two in functions of its own adds a few for each.
 */
const turns = 32;

/** The queue of a device; `holds: false` submits everything at once. */
export function queueOf(device: GPUDevice, holds: boolean): Queue {
  let held: GPUCommandBuffer[] = [];
  let left = 0;

  function submit(commands: readonly GPUCommandBuffer[]): void {
    const all = [...held, ...commands];
    held = [];
    device.queue.submit(all);
  }

  function flush(): void {
    if (held.length) submit([]);
  }

  function turn(): void {
    if (held.length === 0) left = 0;
    else if (--left > 0) queueMicrotask(turn);
    else flush();
  }

  return {
    submit,
    flush,
    hold(commands) {
      flush();
      if (!holds) return device.queue.submit([commands]);
      held = [commands];
      if (left === 0) queueMicrotask(turn);
      left = turns;
    },
    close: () => void (held = []),
  };
}
