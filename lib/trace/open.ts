/**
 * Opening a target: the best there is, or the one named.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Machine, Tuning } from "../core/target.ts";
import { openCpu, openWasmTarget } from "./cpu.ts";
import { openReference } from "./reference.ts";

/**
 * Names that `open` takes: `webgpu`; `wasm`, WebAssembly on all cores; `reference`, the interpreter;
 * `cpu`, the best of these two that exists here; `auto`, WebGPU on a hardware adapter, else `cpu`.
 */
export type DeviceName = "auto" | "webgpu" | "wasm" | "reference" | "cpu";

/** The names, for messages and the command line. */
export const deviceNames: readonly DeviceName[] = ["auto", "webgpu", "wasm", "reference", "cpu"];

/** How a target is opened. */
export interface OpenOptions {
  /** Kernel choices that `tuning()` of such a target gave before. */
  readonly tuning?: Tuning;
  /**
   * Threads of `wasm`, one where memory cannot be shared; as many as there are cores by default, and
   * those start with the first plan that computes long, or behind the second run. With a number they
   * start at once.
   */
  readonly threads?: number;
  /**
   * Where a page forbids workers from `blob:` URLs: a file of the page's own origin that holds what
   * `wasmWorker()` gives.
   */
  readonly worker?: string | URL;
}

/**
 * Opens a target to run on; `name` of the result says which. Throws a DeviceError where the one
 * named is absent, and an OptionError for an unknown name. Dispose it, or hold it by `await using`.
 */
export async function open(
  name: DeviceName = "auto",
  options: OpenOptions = {},
): Promise<Machine> {
  switch (name) {
    case "webgpu":
      return await openGpu(options);
    case "wasm":
      return await openWasmTarget(options);
    case "reference":
      return openReference();
    case "cpu":
      return await openCpu(options);
    case "auto":
      return await openAuto(options);
    default:
      throw new OptionError(
        `Cannot open ${JSON.stringify(name satisfies never)}: there is no such target\n` +
          `  try one of ${deviceNames.join(", ")}`,
      );
  }
}

/** Loaded only when asked for, so that an application without WebGPU does not carry it. */
async function openGpu(options: OpenOptions, hardware: boolean = false): Promise<Machine> {
  const { openWebgpu } = await import("../gpu/machine.ts");
  return await openWebgpu({ tuning: options.tuning, hardware });
}

/** A software adapter computes on the CPU as well, several times slower than `wasm` does. */
async function openAuto(options: OpenOptions): Promise<Machine> {
  const gpu = await openGpu(options, true).catch(absent);
  if (gpu) return gpu;
  const cpu = await openCpu(options);
  return cpu.name === "reference" ? await openGpu(options).catch(absent) ?? cpu : cpu;
}

function absent(error: Error): undefined {
  if (error.name !== "DeviceError") throw error;
}
