/**
 * Tensors by description, filled from a seed: every runner gets the same bits.
 *
 * @module
 */

/** A tensor by description: uniform values in [low, high) drawn from `seed`, row-major. */
export interface Spec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly seed: number;
}

/** The number of values of a shape. */
export function count(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The values of a tensor: the same bits on every machine (mulberry32 over `seed`). */
export function values(spec: Spec): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count(spec.shape));
  const span = (spec.high - spec.low) / 4294967296;
  let state = (spec.seed * 0x9e3779b1) | 0;
  for (let i = 0; i < out.length; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    out[i] = spec.low + ((t ^ (t >>> 14)) >>> 0) * span;
  }
  return out;
}

/** A tensor of values in ±bound. */
export function uniform(name: string, shape: readonly number[], bound: number, seed: number): Spec {
  return { name, shape, low: -bound, high: bound, seed };
}

/** A tensor of values in [0.5, 1.5): scales that keep their sign. */
export function around(name: string, shape: readonly number[], seed: number): Spec {
  return { name, shape, low: 0.5, high: 1.5, seed };
}
