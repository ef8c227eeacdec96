/**
 * A model with a weight that comes slowly, for the tests of interrupts.
 * @module
 */
import { constant, f32, matmul, type Tensor } from "@weft/weft";

const rows = 100;

const weight = constant({
  dtype: "f32",
  shape: [rows * 1024, 256],
  async *open() {
    for (let i = 0; i < rows; i++) {
      await new Promise((done) => setTimeout(done, 100));
      yield new Uint8Array(1 << 20);
    }
  },
}, "weight");

/** The types of the argument. */
export const inputs = [f32([1, rows * 1024])];

/** A product with the slow weight. */
const model = (x: Tensor): Tensor => matmul(x, weight);
export default model;
