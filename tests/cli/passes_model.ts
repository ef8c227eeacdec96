/**
 * A model in which every pass finds something, for the tests of `inspect --passes`.
 * @module
 */
import {
  add,
  div,
  exp,
  f32,
  log,
  matmul,
  mul,
  named,
  relu,
  sum,
  type Tensor,
  tensor,
} from "@weft/weft";

const w = tensor([[1, -1], [0.5, 2]]);
const scale = tensor([2, 4]);

/** The types of the arguments. */
export const inputs = [named("x", f32([1, 2])), named("mask", f32([1, 2]))];

/** Laws apply to it, terms stand twice, and a part depends on constants alone. */
export default function model(x: Tensor, mask: Tensor): Tensor {
  const weights = div(mul(w, scale), sum(scale));
  const hidden = relu(add(matmul(log(exp(x)), weights), 0));
  return add(mul(hidden, exp(mask)), mul(relu(matmul(x, weights)), exp(mask)));
}
