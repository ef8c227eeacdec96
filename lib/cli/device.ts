/**
 * The `--device` flag: opening what it names, and saying in one line what was chosen and why.
 * @module
 */
import type { Machine } from "../core/target.ts";
import { type DeviceName, deviceNames, open, type OpenOptions } from "../trace/open.ts";
import type { Flag } from "./command.ts";

/** The flag, the same for every command that runs something. */
export const deviceFlag = {
  kind: "string",
  choices: deviceNames as readonly string[],
  default: "auto",
  placeholder: "NAME",
  doc: "what runs it: auto, webgpu, reference (the interpreter) or cpu",
} as const satisfies Flag;

/** Opens what the flag names; the line goes to `log`. */
export async function openDeviceFlag(
  name: string,
  log: (text: string) => Promise<void>,
  options: OpenOptions = {},
): Promise<Machine> {
  const machine = await open(name as DeviceName, options);
  const why = name === "auto"
    ? machine.name === "webgpu"
      ? "auto: a WebGPU adapter is here"
      : "auto: there is no WebGPU adapter (on Linux, install mesa-vulkan-drivers and libvulkan1)"
    : "as asked";
  await log(`device: ${machine.name} (${machine.description}), ${why}`);
  return machine;
}
