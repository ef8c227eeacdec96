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
  doc: "what runs it: auto, webgpu, wasm, reference (the interpreter) or cpu",
} as const satisfies Flag;

/** Opens what the flag names; the line goes to `log`. */
export async function openDeviceFlag(
  name: string,
  log: (text: string) => Promise<void>,
  options: OpenOptions = {},
): Promise<Machine> {
  const machine = await open(name as DeviceName, options);
  const why = name === "auto" || name === "cpu" ? `${name}: ${reasonFor(machine)}` : "as asked";
  await log(`device: ${machine.name} (${machine.description}), ${why}`);
  return machine;
}

/** Why `auto` and `cpu` took what they took. */
function reasonFor({ name }: Machine): string {
  switch (name) {
    case "webgpu":
      return "a WebGPU adapter is here";
    case "wasm":
      return "the fastest without a hardware GPU";
    default:
      return "this engine has no WebAssembly SIMD";
  }
}
