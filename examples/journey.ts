/** A small network as a module for the command line; its weights are terms of a key. */
import { add, f32, key, matmul, mul, named, normal, relu, softmax, type Tensor } from "@weft/weft";

const weights = (seed: number, rows: number, columns: number) =>
  mul(normal(key(seed), [rows, columns]), 1 / Math.sqrt(rows));
const hidden = weights(1, 64, 128);
const last = weights(2, 128, 10);

/** The types of the arguments, with their names. */
export const inputs = [named("x", f32([256, 64]))];

/** Rows of 64 numbers to ten scores each. */
export default function model(x: Tensor): { scores: Tensor } {
  return { scores: softmax(matmul(relu(add(matmul(x, hidden), 0.1)), last)) };
}
