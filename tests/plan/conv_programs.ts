/**
 * Programs of convolutions and what stands between them: the blocks of known networks, and random
 * ones for properties.
 * @module
 */
import fc from "fast-check";
import type { Host } from "../../lib/core/host.ts";
import { tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, sizeOf } from "../../lib/core/type.ts";
import {
  add,
  avgPool2d,
  concat,
  conv2d,
  flip,
  maxPool2d,
  mean,
  mul,
  pad,
  relu,
  relu6,
  reshape,
  slice,
  softmax,
  transpose,
} from "../../mod.ts";
import { valueOf } from "../ops/case_values.ts";

/** Weights that are the same in every run. */
export function weights(shape: readonly number[], seed: number = 1): Tensor {
  const value = valueOf({ type: f32(shape), from: -0.5, to: 0.5 }, seed);
  return tensor(value.data as Float32Array, shape);
}

/** An image with values that are the same in every run. */
export function image(shape: readonly number[], seed: number = 1): Host {
  return valueOf({ type: f32(shape), from: -1, to: 1 }, seed);
}

/** Two convolutions around which the input goes. */
export function residualBlock(x: Tensor): Tensor {
  const c = x.shape[1];
  const inner = relu(conv2d(x, weights([c, c, 3, 3], 1), { padding: 1 }));
  return relu(add(conv2d(inner, weights([c, c, 3, 3], 2), { padding: 1 }), x));
}

/** The same that halves the image and doubles the channels. */
export function narrowingBlock(x: Tensor): Tensor {
  const c = x.shape[1];
  const first = conv2d(x, weights([2 * c, c, 3, 3], 3), { padding: 1, stride: 2 });
  const second = conv2d(relu(first), weights([2 * c, 2 * c, 3, 3], 4), { padding: 1 });
  return relu(add(second, conv2d(x, weights([2 * c, c, 1, 1], 5), { stride: 2 })));
}

/** More channels, each by itself, fewer channels. */
export function invertedBlock(x: Tensor): Tensor {
  const c = x.shape[1];
  const wide = relu6(conv2d(x, weights([3 * c, c, 1, 1], 6)));
  const own = conv2d(wide, weights([3 * c, 1, 3, 3], 7), { padding: 1, groups: 3 * c });
  return add(conv2d(relu6(own), weights([c, 3 * c, 1, 1], 8)), x);
}

/** One step of a random program: what it does, and what it takes from what there is. */
export const convSteps: fc.Arbitrary<readonly (readonly number[])[]> = fc.array(
  fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
  { minLength: 2, maxLength: 9 },
);

/** Steps of a program that is deep, so that there is much to keep for its gradients. */
export const deepConvSteps: typeof convSteps = fc.array(
  fc.tuple(fc.nat(), fc.constant(0), fc.nat(), fc.nat()).map(([what, i, j, k]) => [
    // Mostly convolutions, sums, products and activations, one after another.
    [0, 3, 5, 6, 10, 11, 12, 3, 6, 8][what % 10],
    i,
    j,
    k,
  ]),
  { minLength: 6, maxLength: 16 },
);

/** A random program over images; every step makes one more of at most 1500 elements. */
export function convProgram(list: readonly (readonly number[])[], xs: readonly Tensor[]): Tensor[] {
  const all = [...xs];
  for (const [what, i, j, k] of list) {
    // Later values are taken more often, so that programs are deep.
    const a = all[all.length - 1 - i % Math.min(3, all.length)];
    const made = one(what % 16, a, all[j % all.length], k);
    if (made && sizeOf(made.shape) > 0 && sizeOf(made.shape) <= 1500) all.push(made);
  }
  return all.slice(xs.length);
}

function one(what: number, a: Tensor, b: Tensor, k: number): Tensor | undefined {
  const [n, c, h, w] = a.shape;
  const bit = (i: number) => k >> i & 1;
  try {
    switch (what) {
      case 0:
      case 1:
      case 2: {
        const size = 1 + k % 3;
        const options = { padding: (k >> 3) % 3, stride: 1 + bit(6), dilation: 1 + bit(7) };
        return conv2d(a, weights([3 + k % 7, c, size, 1 + (k >> 5) % 3], k), options);
      }
      case 3:
        return conv2d(a, weights([c, 1, 3, 3], k), { padding: bit(0), groups: c });
      case 4:
        return relu(conv2d(a, weights([8, c, 1, 1], k), { bias: weights([8], k) }));
      case 5: {
        const groups = c % 2 === 0 ? 2 : 1;
        return conv2d(a, weights([6, c / groups, 3, 3], k), { padding: 1, groups });
      }
      case 6:
        return relu(add(a, b));
      case 7:
        return maxPool2d(a, { kernel: 2, padding: bit(0) });
      case 8:
        return avgPool2d(a, { kernel: 2, stride: 1 });
      case 9:
        return concat([a, b], { axis: 1 });
      case 10:
        return mul(a, mean(a, { axis: [2, 3], keep: true }));
      case 11:
        return softmax(a, { axis: 1 });
      case 12:
        return bit(0) ? transpose(a, { perm: [0, 1, 3, 2] }) : flip(a, { axis: 3 });
      case 13:
        return pad(a, { before: [0, 0, 1, 0], after: [0, bit(1), 0, 2], value: 0.5 });
      case 14:
        return slice(a, [0], [bit(0), undefined, 1 + bit(1)]);
      default:
        return reshape(a, { shape: [n * c, 1, h, w] });
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}
