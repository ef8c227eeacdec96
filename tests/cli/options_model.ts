/**
 * Models for the tests of dump's options: with nothing named, with a parameter, with a norm.
 * @module
 */
import {
  add,
  batchNorm,
  constant,
  conv2d,
  f32,
  mul,
  reshape,
  type Tensor,
  tensor,
} from "@weft/weft";

const host = (shape: readonly number[], ...data: number[]) => ({
  ...f32(shape),
  data: Float32Array.from(data),
});
const weight = constant(host([3], 1, 2, 3), "net.weight");
const kernel = constant(host([2, 1, 1, 1], 1, 2), "conv");

/** The types of both arguments. */
export const inputs = [f32([2, 3]), f32([2, 3])];

/** Two arguments and one operator. */
const sum = (a: Tensor, b: Tensor): Tensor => add(a, b);
export default sum;

/** A parameter, and an argument that no result needs. */
export const scaled = (a: Tensor, _: Tensor): Tensor => mul(a, weight);

/** A convolution and a norm behind it, which inference folds into one. */
export const normed = (a: Tensor, b: Tensor): Tensor => {
  const y = conv2d(reshape(add(a, b), { shape: [1, 1, 2, 3] }), kernel);
  return batchNorm(y, tensor([0.5, 1]), tensor([2, 3]));
};
