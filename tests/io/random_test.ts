/**
 * The generator against vectors of NumPy 2.4.6's `numpy.random.RandomState`.
 * @module
 */
import { OptionError } from "../../lib/core/fault.ts";
import { randomState } from "../../lib/io/random.ts";
import { assertEquals, assertThrows } from "../std.ts";

Deno.test("randomState() draws what RandomState(seed).uniform draws, bit for bit", () => {
  // float.hex() of uniform(0, 1, 3), then uniform(-1, 255, 2) of the same state
  const vectors: readonly [number, number[], number[]][] = [
    [0, [
      0x118fe1565f12a8 / 2 ** 53,
      0x16e2d4cf608733 / 2 ** 53,
      0x1349d66b6e894b / 2 ** 53,
    ], [138.4900948472056, 107.4556286307596]],
    [1, [
      0x1ab07d0ffa3c06 / 2 ** 54,
      0x170ce5f3baf051 / 2 ** 53,
      0x1dfb906661c000 / 2 ** 66,
    ], [76.39713859375098, 36.56950804918094]],
    [42, [
      0x17f8771e5f51ec / 2 ** 54,
      0x1e6c4068bbd654 / 2 ** 53,
      0x176c7e8f1e6751 / 2 ** 53,
    ], [152.25657195444137, 38.94077195326375]],
    [4294967295, [
      0x18fe69a3924820 / 2 ** 56,
      0x1d323d824032b1 / 2 ** 53,
      0x193fc6f61af3f9 / 2 ** 53,
    ], [198.68092111704775, 3.592556540606779]],
  ];
  for (const [seed, unit, wide] of vectors) {
    const state = randomState(seed);
    assertEquals([...state.uniform(0, 1, 3)], unit);
    assertEquals([...state.uniform(-1, 255, 2)], wide);
  }
});

Deno.test("randomState() stays exact over many refills of its table", () => {
  const draws = randomState(7).uniform(0, 255, 100_000);
  assertEquals([...draws.slice(-3)], [80.43625519490867, 189.43849111588324, 91.31382920803378]);
});

Deno.test("randomState().bits() is the raw stream", () => {
  const state = randomState(0);
  assertEquals([state.bits(), state.bits(), state.bits()], [2357136044, 2546248239, 3071714933]);
});

Deno.test("randomState() refuses seeds that NumPy refuses", () => {
  for (const seed of [-1, 0.5, 2 ** 32, NaN]) assertThrows(() => randomState(seed), OptionError);
});
