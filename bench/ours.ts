/**
 * Weft as a runner: each target by name, for the bench and for the comparison in bench/peers. All of
 * it goes through what `open` gives; only waiting for a GPU without reading looks behind that.
 * @module
 */
import type { Resident } from "../lib/core/host.ts";
import type { Loaded, Machine } from "../lib/core/target.ts";
import type { GpuMachine } from "../lib/gpu/machine.ts";
import { f32, open, stage } from "../mod.ts";
import type { Row } from "./peers/cases.ts";
import { isSmall, type Peer, type Prepared } from "./peers/peer.ts";
import { values } from "./peers/spec.ts";
import { modelOf } from "./workloads.ts";

/** The targets that can be measured, `wasm` with as many threads as there are cores. */
export const targets = {
  webgpu: () => open("webgpu"),
  wasm: () => open("wasm"),
  "wasm-x1": () => open("wasm", { threads: 1 }),
  reference: () => open("reference"),
} satisfies Record<string, () => Promise<Machine>>;

/** The name of a target. */
export type TargetName = keyof typeof targets;

/** A row on a target. */
export interface OurRow extends Prepared {
  readonly machine: Machine;
  readonly loaded: Loaded;
}

/** Weft on a target; with `copies`, every result is read into a new array. */
export function ours(target: TargetName, copies: boolean = false): Peer {
  return {
    prepare: async (row) => copies && isSmall(row) ? undefined : await load(target, row, copies),
  };
}

/** Makes a row ready on a target. */
export async function load(
  target: TargetName,
  row: Row,
  copies: boolean = false,
): Promise<OurRow> {
  const machine = await targets[target]();
  const loaded = await machine.compile(stage(modelOf(row), [f32(row.input.shape)]));
  const x = machine.upload({ dtype: "f32", shape: row.input.shape, data: values(row.input) });
  const reads = copies || isSmall(row);
  return {
    machine,
    loaded,
    async run() {
      const [out] = await loaded.run([x]);
      if (reads) await out.read();
      else await finished(machine, out);
      out.dispose();
    },
    async result() {
      const [out] = await loaded.run([x]);
      const value = await out.read();
      out.dispose();
      return value.data as Float32Array;
    },
    dispose() {
      loaded.dispose();
      machine.dispose();
    },
  };
}

/**
 * Waits until the device has made a result, by reading four bytes of it. Other targets compute before
 * `run` resolves.
 */
async function finished(machine: Machine, out: Resident): Promise<void> {
  if (machine.name !== "webgpu") return;
  const { gpu } = machine as GpuMachine;
  const { block } = gpu.residents.held(out, "time");
  await gpu.readback.read([{ block, offset: 0, bytes: 4 }]);
}
