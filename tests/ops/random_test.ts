/**
 * Threefry against published vectors, the fixed layout of what is drawn, and its distribution.
 * @module
 */
import { OptionError, ShapeError } from "../../lib/core/fault.ts";
import { tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { expandDims } from "../../lib/ops/shape.ts";
import {
  bernoulli,
  key,
  normal,
  randomBits,
  splitKey,
  threefry,
  uniform,
} from "../../lib/ops/random.ts";
import { assert, assertEquals, assertThrows } from "../std.ts";

function values(t: Tensor): number[] {
  return Array.from(evaluateNow([t])[0].data, Number);
}

// threefry2x32 with 20 rounds in Random123's kat_vectors (Salmon et al.): counter, key, result.
const vectors = [
  [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
  [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
  [[0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xc4923a9c, 0x483df7a0]],
] as const;

Deno.test("threefry() gives the published words", () => {
  for (const [[c0, c1], [k0, k1], want] of vectors) {
    const got = threefry([k0 | 0, k1 | 0], [c0 | 0, c1 | 0]).map((w) => w >>> 0);
    assertEquals(got, [...want]);
  }
});

Deno.test("the layout stays: element i takes block (0, i), and keys its words", () => {
  const words = [0x6b200159 | 0, 0x99ba4efe | 0];
  assertEquals(values(splitKey(key(0), 3)[0]), words);
  assertEquals(values(randomBits(key(0), [1])), [words[0] ^ words[1]]);
  const third = threefry([1, 2], [0, 5]);
  const bits = values(randomBits(key(2 ** 32 + 2), [2, 3]));
  assertEquals(bits[5], third[0] ^ third[1]);
  assertEquals(values(key(-1)), [-1, -1]);
  const share = ((words[0] ^ words[1]) >>> 9) / 2 ** 23;
  assertEquals(values(uniform(key(0), [1])), [share]);
});

Deno.test("uniform() and normal() have their moments and bounds", () => {
  const n = 20_000;
  const even = values(uniform(key(5), [n], { from: -2, to: 4 }));
  assert(even.every((x) => x >= -2 && x <= 4));
  const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
  const spread = (xs: number[]) => {
    const m = mean(xs);
    return mean(xs.map((x) => (x - m) ** 2));
  };
  assert(Math.abs(mean(even) - 1) < 0.04, `mean ${mean(even)}`);
  assert(Math.abs(spread(even) - 3) < 0.06, `variance ${spread(even)}`);
  const bell = values(normal(key(6), [n], { mean: 3, std: 2 }));
  assert(bell.every(Number.isFinite));
  assert(Math.abs(mean(bell) - 3) < 0.05, `mean ${mean(bell)}`);
  assert(Math.abs(spread(bell) - 4) < 0.15, `variance ${spread(bell)}`);
  const inside = bell.filter((x) => Math.abs(x - 3) < 2).length / n;
  assert(Math.abs(inside - 0.6827) < 0.012, `within one deviation ${inside}`);
  const heads = mean(values(bernoulli(key(7), [n], 0.3)));
  assert(Math.abs(heads - 0.3) < 0.012, `heads ${heads}`);
});

Deno.test("equal keys draw equal numbers, split keys different ones", () => {
  const [a, b] = splitKey(key(9));
  assertEquals(values(uniform(a, [8])), values(uniform(splitKey(key(9))[0], [8])));
  const [x, y, z] = [a, b, key(9)].map((k) => values(uniform(k, [64])));
  assert(x.every((v, i) => v !== y[i] && v !== z[i]));
});

Deno.test("random operations refuse what is no key", () => {
  assertThrows(() => uniform(tensor([1, 2]), [3]), ShapeError, "a key is i32[2]");
  assertThrows(() => randomBits(expandDims(key(1), { axis: 0 }), [3]), ShapeError, "try key(seed)");
  assertThrows(() => key(0.5), OptionError, "a seed is a whole number");
});
