/**
 * Opening a target: the best there is, or the one named.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Machine, Tuning } from "../core/target.ts";
import { openReference } from "./reference.ts";

/**
 * Names that `open` takes: `webgpu`; `reference`, the interpreter; `cpu`, the best target without a
 * device; `auto`, WebGPU where there is an adapter, else `cpu`.
 */
export type DeviceName = "auto" | "webgpu" | "reference" | "cpu";

/** The names, for messages and the command line. */
export const deviceNames: readonly DeviceName[] = ["auto", "webgpu", "reference", "cpu"];

/** How a target is opened. */
export interface OpenOptions {
  /** Kernel choices that `tuning()` of such a target gave before. */
  readonly tuning?: Tuning;
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
    case "reference":
    case "cpu":
      return openReference();
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
async function openGpu(options: OpenOptions): Promise<Machine> {
  const { openWebgpu } = await import("../gpu/machine.ts");
  return await openWebgpu(options);
}

async function openAuto(options: OpenOptions): Promise<Machine> {
  try {
    return await openGpu(options);
  } catch (error) {
    if ((error as Error).name === "DeviceError") return openReference();
    throw error;
  }
}
