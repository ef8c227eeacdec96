/**
 * Bits of integers, which no file operator has: each number is taken apart into 32 numbers that
 * are 0 or 1 along a new axis, and put together again.
 * @module
 */
import { tensor } from "../../core/leaf.ts";
import type { Tensor } from "../../core/tensor.ts";
import { broadcastShapes, sizeOf } from "../../core/type.ts";
import { add, mul, sub } from "../../ops/arithmetic.ts";
import { shl, shr } from "../../ops/bits.ts";
import { mod } from "../../ops/math.ts";
import { sum } from "../../ops/reduce.ts";
import { as } from "../../ops/select.ts";
import { broadcastTo, reshape } from "../../ops/shape.ts";
import type { Lowering, Lowerings } from "./site.ts";

/** The bits that both have, of i32. */
function both(a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(a.shape, b.shape)!;
  const places = tensor(Int32Array.from({ length: 32 }, (_, i) => i), [32]);
  const bits = (x: Tensor) => {
    const flat = reshape(broadcastTo(x, { shape }), { shape: [sizeOf(shape), 1] });
    return mod(shr(flat, places), 2);
  };
  return reshape(sum(shl(mul(bits(a), bits(b)), places), { axis: 1 }), { shape });
}

function onWords(run: (a: Tensor, b: Tensor) => Tensor): Lowering {
  return ({ node: { ins: [a, b] }, dtype }) => as(run(as(a, "i32"), as(b, "i32")), dtype);
}

/** Conjunction from its bits; the others follow from it, as sums wrap like the numbers do. */
export const bitLowerings: Lowerings = {
  bitAnd: onWords(both),
  bitOr: onWords((a, b) => sub(add(a, b), both(a, b))),
  // not twice the product: MegEngine would fuse that into floats
  bitXor: onWords((a, b) => {
    const shared = both(a, b);
    return sub(sub(add(a, b), shared), shared);
  }),
  bitNot: ({ node: { ins: [x] }, dtype }) => as(sub(-1, as(x, "i32")), dtype),
};
