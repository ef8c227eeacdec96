/**
 * Normalisation by neighbouring channels.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import { add, mul } from "./arithmetic.ts";
import { pow, square } from "./math.ts";
import { pad } from "./pad.ts";
import { sumBehind } from "./scan.ts";
import { sliceFn } from "./slice.ts";

/** How strongly channels weigh on their neighbours. */
export interface ResponseOptions {
  /** Channels that are looked at, an odd number; 5 by default. */
  readonly size?: number;
  /** What is added to the sum; 2 by default. */
  readonly k?: number;
  /** Factor of the sum; 1e-4 by default. */
  readonly alpha?: number;
  /** Power of the whole; 0.75 by default. */
  readonly beta?: number;
}

/** Every element times (k + alpha · sum of squares of nearby channels)^-beta. Krizhevsky et al., 2012. */
export function localResponseNorm(x: Tensor, options: ResponseOptions = {}): Tensor {
  const { size = 5, k = 2, alpha = 1e-4, beta = 0.75 } = options;
  if (x.shape.length < 2) {
    throw located(
      new ShapeError(`Cannot normalise the channels of ${printType(x)}: it must be [n,c,…]`),
      new Error("localResponseNorm"),
    );
  }
  // no channel has more neighbours than there are
  const half = Math.min(Math.floor(size / 2), x.shape[1] - 1);
  const around = (n: number) => x.shape.map((_, i) => i === 1 ? n : 0);
  const wide = pad(square(x), { before: around(half), after: around(half) });
  const all = sumBehind(wide, { axis: 1, count: 2 * half + 1 });
  const own = sliceFn(all, {
    begin: around(2 * half),
    size: x.shape,
    step: x.shape.map(() => 1),
  });
  return mul(x, pow(add(mul(own, alpha), k), -beta));
}
