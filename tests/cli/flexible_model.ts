/**
 * A model whose file needs the sizes of two axes, for the tests of what may change in a file.
 * @module
 */
import { add, f32, named, reshape, type Tensor } from "@weft/weft";

/** The types of the argument. */
export const inputs = [named("x", f32([2, 5, 4]))];

/** Sizes that change places, which a reshape has to name. */
const model = (x: Tensor): Record<string, Tensor> => ({
  y: reshape(add(x, 1), { shape: [x.shape[1], x.shape[0], 4] }),
});
export default model;
