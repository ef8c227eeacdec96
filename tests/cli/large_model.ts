/**
 * A model with 64 MiB of weights that are made while they are written, a word on standard error for
 * each MiB, for the tests of kills, full disks and slow readers.
 * @module
 */
import { constant, f32, matmul, type Tensor } from "@weft/weft";

const mebibytes = 64;

const weight = constant({
  dtype: "f32",
  shape: [mebibytes * 1024, 256],
  async *open() {
    const chunk = new Uint8Array(1 << 20);
    for (let i = 0; i < mebibytes; i++) {
      chunk.fill(i);
      await Promise.resolve();
      console.error("made");
      yield chunk;
    }
  },
}, "weight");

/** The types of the argument. */
export const inputs = [f32([1, mebibytes * 1024])];

/** A product with the weights. */
const model = (x: Tensor): Tensor => matmul(x, weight);
export default model;
