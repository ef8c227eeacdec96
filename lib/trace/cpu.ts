/**
 * The best target without a device, and the one that is shared by all that names none.
 * @module
 */
import type { Machine } from "../core/target.ts";
import type { WasmMachine } from "../wasm/machine.ts";
import type { OpenOptions } from "./open.ts";
import { openReference } from "./reference.ts";

/** WebAssembly where the engine has vectors, else the interpreter. */
export async function openCpu(options: OpenOptions = {}): Promise<Machine> {
  try {
    return await openWasmTarget(options);
  } catch (error) {
    if ((error as Error).name === "DeviceError") return openReference();
    throw error;
  }
}

/** Loaded only when asked for, so that an application that uses a GPU does not carry it. */
export async function openWasmTarget(options: OpenOptions = {}): Promise<WasmMachine> {
  const { openWasm } = await import("../wasm/machine.ts");
  return openWasm(options);
}

/**
 * The target that runs what names none: one a process, opened when it is first needed. Its threads
 * keep no process alive; if one of them has died, the next call opens another.
 */
export const cpuMachine: () => Promise<Machine> = shared();

function shared(): () => Promise<Machine> {
  let opening: Promise<Machine> | undefined;
  return async () => {
    const machine = await (opening ??= openCpu());
    return isLost(machine) ? await (opening = openCpu()) : machine;
  };
}

/** True for a target that can run nothing any more. */
export function isLost(machine: Machine | undefined): boolean {
  return machine !== undefined && "isLost" in machine && (machine as WasmMachine).isLost();
}
