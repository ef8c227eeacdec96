/**
 * A model of a picture as a module states it, for the tests of the command line.
 * @module
 */
import { cast, mean, named, type Tensor, u8 } from "@weft/weft";

/** The types of the argument. */
export const inputs = [named("image", u8([1, 3, 8, 10]))];

/** The mean of each channel. */
export default function means(image: Tensor): Tensor {
  return mean(cast(image, { dtype: "f32" }), { axis: [2, 3] });
}
