/**
 * A model as a module states it, for the tests of the command line.
 * @module
 */
import { add, f32, matmul, named, relu, sub, type Tensor, tensor, trace } from "@weft/weft";

const w = tensor([[1, -1], [0.5, 2]]);

/** The types of the argument. */
export const inputs = [named("x", f32([1, 2]))];

/** A layer as a plain function. */
export const layer = (x: Tensor): Tensor => relu(add(matmul(x, w), 1));

/** The same traced, with two results. */
const model = trace((x: Tensor) => ({ y: layer(x), z: sub(x, 1) }));
export default model;

/** No function. */
export const weight = 3;
