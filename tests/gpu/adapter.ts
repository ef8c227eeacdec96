/**
 * One device for a test file, or the reason why its tests are skipped. Reads on the fast path leave
 * Deno's own timer behind for 10 ms; it is awaited after each test, or it would count as a leak.
 * @module
 */
import { type DeviceOptions, type Gpu, openDevice } from "../../lib/gpu/device.ts";

/** A device test: skipped, with the reason in its name, where there is no adapter. */
export type DeviceTest = (name: string, body: (gpu: Gpu) => Promise<void> | void) => void;

/** True if there is an adapter; prints why tests are skipped otherwise. */
export async function adapterOrSkip(): Promise<boolean> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) console.warn("skipped: no WebGPU adapter (install mesa-vulkan-drivers)");
  return Boolean(adapter);
}

/** Opens one device for the tests of a file and closes it after them. */
export async function deviceTests(options: DeviceOptions = {}): Promise<DeviceTest> {
  const isThere = await adapterOrSkip();
  let gpu: Gpu | undefined;
  Deno.test.beforeAll(async () => {
    if (isThere) gpu = await openDevice(options);
    await gpu?.readback.settled();
  });
  Deno.test.afterEach(async () => await gpu?.readback.settled());
  Deno.test.afterAll(() => gpu?.dispose());
  return (name, body) =>
    Deno.test({
      name: isThere ? name : `${name} (skipped: no WebGPU adapter)`,
      ignore: !isThere,
      fn: () => body(gpu!),
    });
}
