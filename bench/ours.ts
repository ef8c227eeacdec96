/**
 * Weft as a runner of the comparison in bench/peers, on WebGPU.
 * @module
 */
import { stage } from "../lib/stage/stage.ts";
import { f32 } from "../lib/core/type.ts";
import type { Resident } from "../lib/core/host.ts";
import type { GpuMachine } from "../lib/gpu/machine.ts";
import { openWebgpu } from "../lib/gpu/machine.ts";
import { type Peer, type Prepared, READ_LIMIT, type Row } from "./peers/cases.ts";
import { values } from "./peers/spec.ts";
import { modelOf } from "./workloads.ts";

/** Weft's runner. */
export const ours: Peer = { name: "weft-webgpu", prepare };

async function prepare(row: Row): Promise<Prepared> {
  const machine: GpuMachine = await openWebgpu();
  const graph = stage(modelOf(row), [f32(row.input.shape)]);
  const loaded = await machine.compile(graph);
  const data = values(row.input);
  const x = machine.upload({ dtype: "f32", shape: row.input.shape, data });
  const small = row.output.reduce((a, b) => a * b, 1) <= READ_LIMIT;
  return {
    async run() {
      const [out] = await loaded.run([x]);
      if (small) await out.read();
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

/** Reads four bytes of a result, which waits until the device has made it. */
async function finished(machine: GpuMachine, out: Resident): Promise<void> {
  const { block } = machine.gpu.residents.held(out, "time");
  await machine.gpu.readback.read([{ block, offset: 0, bytes: 4 }]);
}
