/**
 * What a device has reported: errors that no scope caught, loss, and disposal. WebGPU drops all of
 * these silently and goes on with zeros; here the next call throws them.
 * @module
 */
import { DeviceError } from "../core/fault.ts";

/** Watches one device. */
export interface Health {
  /** Throws what the device has reported, or that it is gone; `tried` follows "Cannot". */
  check(tried: string): void;
  /** Runs a body under error scopes; the promise rejects with the first error they caught. */
  scoped<T>(tried: string, body: () => T): Promise<T>;
  /** States that the owner disposed the device. */
  close(): void;
  /** True once the device is lost or disposed. */
  readonly isGone: () => boolean;
}

/** Starts to watch a device. */
export function watch(device: GPUDevice): Health {
  const reported: string[] = [];
  let gone: string | undefined;
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    // A loop that fails each time must not fill the memory; the first reports tell the cause.
    const { error } = event as GPUUncapturedErrorEvent;
    if (reported.length < 8) reported.push(error.message.trim());
  });
  device.lost.then((info) => {
    gone ??= `the device is lost (${info.reason ?? "unknown"}: ${info.message || "no message"})`;
  }, () => {});

  function check(tried: string): void {
    if (gone) {
      throw new DeviceError(`Cannot ${tried}: ${gone}; open another`, { code: "device.lost" });
    }
    if (reported.length) {
      const [first] = reported.splice(0);
      throw new DeviceError(`Cannot ${tried}: the device reported "${first}"`, {
        code: "device.reported",
      });
    }
  }

  async function scoped<T>(tried: string, body: () => T): Promise<T> {
    // Nothing is awaited between push and pop, so concurrent calls nest properly.
    for (const filter of filters) device.pushErrorScope(filter);
    let result: T;
    let scopes: Promise<GPUError | null>[] = [];
    try {
      result = body();
    } finally {
      scopes = filters.map(() => device.popErrorScope());
    }
    const errors = await Promise.all(scopes.map((scope) => scope.catch(() => null)));
    check(tried);
    const error = errors.find((e) => e !== null);
    if (error) {
      throw new DeviceError(`Cannot ${tried}: the device reported "${error.message.trim()}"`, {
        code: error instanceof GPUOutOfMemoryError ? "device.memory" : "device.validation",
      });
    }
    return result;
  }

  return {
    check,
    scoped,
    close: () => void (gone ??= "the device was disposed"),
    isGone: () => gone !== undefined,
  };
}

const filters: readonly GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];
