/**
 * What a machine can do at best, by measuring: the arithmetic rate of a matrix product and the
 * bandwidth of an elementwise operation. Profiles state shares of these, `doctor` prints them.
 * @module
 */
import type { Machine } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import { f32, sizeOf, type Type } from "../core/type.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { matmul } from "../ops/matmul.ts";
import { stage } from "../stage/stage.ts";

/** Measured rates of a machine. */
export interface Peak {
  /** Arithmetic operations in units of 1e9 a second; a multiply-add is two. */
  readonly gflops: number;
  /** Bytes read and written in units of 1e9 a second. */
  readonly gbps: number;
}

/** Runs before those that count, runs that count at least, and milliseconds for more of them. */
const [early, least, patience] = [2, 5, 150];

/** Measures a machine; some tenths of a second, more on the interpreter. */
export async function peakOf(machine: Machine): Promise<Peak> {
  const isSlow = machine.name === "reference";
  const size = isSlow ? 48 : 512;
  const elements = isSlow ? 1 << 15 : 1 << 22;
  const product = await seconds(machine, (x) => matmul(x, x), f32([size, size]));
  const stream = await seconds(machine, (x) => add(mul(x, 2), 1), f32([elements]));
  return { gflops: 2 * size ** 3 / product / 1e9, gbps: 8 * elements / stream / 1e9 };
}

/**
 * The best of some runs, in seconds, by the device's clock where there is one. Other programs only
 * make a run slower, so fast ones are repeated.
 */
async function seconds(machine: Machine, f: (x: Tensor) => Tensor, type: Type): Promise<number> {
  const loaded = await machine.compile(stage(f, [type]));
  const x = machine.upload({ ...type, data: new Float32Array(sizeOf(type.shape)).fill(0.5) });
  let best = Infinity;
  try {
    const end = performance.now() + patience;
    for (let i = 0; i < early + least || performance.now() < end; i++) {
      const { outs: [out], times } = await loaded.timed([x]);
      await out.read();
      out.dispose();
      if (i >= early) best = Math.min(best, times.reduce((sum, { ns }) => sum + ns, 0));
    }
  } finally {
    x.dispose();
    loaded.dispose();
  }
  return best / 1e9;
}
