/**
 * Rows beside the models: a small readback, and the throughput of dumping.
 * @module
 */
import type { Source } from "../lib/core/host.ts";
import { constant } from "../lib/core/leaf.ts";
import type { Machine } from "../lib/core/target.ts";
import { f32 } from "../lib/core/type.ts";
import { add, type Tensor, trace } from "../mod.ts";

/** A row that is no model. */
export interface OtherRow {
  readonly name: string;
  readonly rounds: number;
  readonly bytes: number;
  run(): Promise<void>;
}

/** Four bytes from a target. */
export function readbackRow(open: () => Promise<Machine>): OtherRow {
  let opening: Promise<Machine> | undefined;
  return {
    name: "readback 4 B",
    rounds: 200,
    bytes: 4,
    async run() {
      const machine = await (opening ??= open());
      const x = machine.upload({ dtype: "f32", shape: [1], data: new Float32Array([1]) });
      await x.read();
      x.dispose();
    },
  };
}

const size = 256 * 2 ** 20;

/** Zeros in chunks. */
const weights: Source = {
  ...f32([size / 4]),
  async *open() {
    const chunk = new Uint8Array(1 << 20);
    for (let at = 0; at < size; at += chunk.length) yield chunk;
  },
};

/** A quarter of a gigabyte of parameters as V1, to a file that is synced and renamed. */
export const streamRow: OtherRow = {
  name: "dump 256 MiB to disk (V1)",
  rounds: 3,
  bytes: size,
  async run() {
    const path = await Deno.makeTempFile({ suffix: ".mge" });
    const w = constant(weights, "w");
    const f = trace((x: Tensor) => add(x, w), { captureAsConst: true, recordOnly: true });
    await f.dump(path, { types: [f32([size / 4])], format: "FBS" });
    await Deno.remove(path);
  },
};
