/**
 * Random programs over small tensors, for properties of plans and kernels.
 * @module
 */
import fc from "fast-check";
import type { Tensor } from "../../lib/core/tensor.ts";
import { sizeOf } from "../../lib/core/type.ts";
import {
  add,
  broadcastTo,
  div,
  flip,
  matmul,
  max,
  maximum,
  mean,
  mul,
  pad,
  relu,
  reshape,
  slice,
  softmax,
  sub,
  tanh,
  transpose,
} from "../../mod.ts";

/** One step of a random program: what it does, and what it takes from what there is. */
export const steps: fc.Arbitrary<readonly (readonly number[])[]> = fc.array(
  fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
  {
    minLength: 2,
    maxLength: 14,
  },
);

/** A random program over small tensors; every step makes one more value of at most 60 elements. */
export function program(list: readonly (readonly number[])[], xs: readonly Tensor[]): Tensor[] {
  const all = [...xs];
  for (const [what, i, j, k] of list) {
    const a = all[i % all.length], b = all[j % all.length];
    const made = one(what % 18, a, b, k);
    if (made && sizeOf(made.shape) <= 60 && sizeOf(made.shape) > 0) all.push(made);
  }
  return all.slice(xs.length);
}

function one(what: number, a: Tensor, b: Tensor, k: number): Tensor | undefined {
  const rank = a.shape.length;
  const axis = rank ? k % rank : 0;
  try {
    switch (what) {
      case 0:
        return add(a, b);
      case 1:
        return mul(tanh(a), b);
      case 2:
        return maximum(a, b);
      case 3:
        return tanh(a);
      case 4:
        return relu(sub(a, 0.25));
      case 5:
        return div(a, add(mul(b, b), 1));
      case 6:
        return transpose(a);
      case 7:
        return reshape(a, { shape: [sizeOf(a.shape)] });
      case 8:
        return reshape(a, { shape: [a.shape[0], sizeOf(a.shape.slice(1))] });
      case 9:
        return mean(a, { axis, keep: k % 2 === 0 });
      case 10:
        return max(a, { axis });
      case 11:
        return tanh(matmul(a, b));
      case 12:
        return tanh(matmul(a, transpose(a)));
      case 13:
        return softmax(a, { axis });
      case 14:
        return slice(a, [k % a.shape[0], undefined, 1]);
      case 15:
        return flip(a, { axis });
      case 16:
        return pad(a, {
          before: a.shape.map((_, i) => i === axis ? 1 : 0),
          after: a.shape.map((_, i) => i === axis ? 2 : 0),
          value: 0.5,
        });
      default:
        return broadcastTo(a, { shape: [2, ...a.shape] });
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}
