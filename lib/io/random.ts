/**
 * NumPy's legacy generator, bit for bit: MT19937 seeded by one number, doubles of 53 bits. Test
 * cases that name a seed can so be made again as the recorded ones were.
 * @module
 */
import { OptionError } from "../core/fault.ts";

/** A stream of draws; each draw moves it on. */
export interface RandomState {
  /** The next 32 bits, as a number from 0 to 2³²-1. */
  bits(): number;
  /** The next double in [0, 1), as `RandomState.random_sample()` gives it. */
  double(): number;
  /** The next `n` doubles from `low` on and below `high`, as `RandomState.uniform(low, high, n)`. */
  uniform(low: number, high: number, n: number): Float64Array;
}

/** The stream of `numpy.random.RandomState(seed)`; the seed is a whole number below 2³². */
export function randomState(seed: number): RandomState {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new OptionError(
      `Cannot seed with ${seed}: a seed is a whole number from 0 to 4294967295`,
    );
  }
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const before = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, before) + i;
  }
  let at = 624;
  function bits(): number {
    if (at === 624) at = (twist(state), 0);
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  function double(): number {
    const high = bits() >>> 5;
    return (high * 67108864 + (bits() >>> 6)) / 9007199254740992;
  }
  function uniform(low: number, high: number, n: number): Float64Array {
    const range = high - low;
    return Float64Array.from({ length: n }, () => low + range * double());
  }
  return { bits, double, uniform };
}

/** The next 624 words in place; reading `i + 397` past the end meets words already made. */
function twist(state: Uint32Array): void {
  for (let i = 0; i < 624; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
    state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
