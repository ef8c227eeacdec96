/**
 * Which elements along an axis the elements of a longer or shorter one are made of. Positions are
 * computed as MegEngine computes them, in f32.
 * @module
 */

/** Which elements one result is made of, and how much of each. */
export type Row = readonly (readonly [index: number, weight: number])[];

/** Pixels are squares: the centres of the first and last lie inside of the edges. */
export function linearRows(from: number, to: number): readonly Row[] {
  const scale = f(to / from);
  return Array.from({ length: to }, (_, o): Row => {
    const at = f(f((o + 0.5) / scale) - 0.5);
    const below = Math.floor(at);
    const share = f(at - below);
    if (below < 0) return [[0, 1]];
    if (below + 1 >= from) return [[from - 1, 1]];
    return [[below, f(1 - share)], [below + 1, share]];
  });
}

/** Pixels are points: the first and last of both lie upon each other. */
export function alignedRows(from: number, to: number): readonly Row[] {
  const scale = to > 1 ? f((from - 1) / (to - 1)) : 0;
  return Array.from({ length: to }, (_, o): Row => {
    const at = f(o * scale);
    const below = Math.min(from - 1, Math.floor(at));
    const share = f(at - below);
    if (share === 0 || below + 1 >= from) return [[below, 1]];
    return [[below, f(1 - share)], [below + 1, share]];
  });
}

/** Four elements each, weighted by Keys' cubic convolution. */
export function cubicRows(from: number, to: number): readonly Row[] {
  const scale = f(to / from);
  return Array.from({ length: to }, (_, o): Row => {
    const at = f(f((o + 0.5) / scale) - 0.5);
    const below = Math.floor(at);
    const t = at - below;
    const a = -0.75;
    const outer = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    const inner = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
    const [u, v, w] = [outer(t + 1), inner(t), inner(1 - t)];
    return [u, v, w, 1 - u - v - w].map((share, k) => [
      Math.min(from - 1, Math.max(0, below + k - 1)),
      f(share),
    ]);
  });
}

/** The one element that is nearest. */
export function nearestRows(from: number, to: number): readonly number[] {
  const scale = f(to / from);
  return Array.from({ length: to }, (_, o) => Math.min(from - 1, Math.trunc(f(o / scale))));
}

function f(x: number): number {
  return Math.fround(x);
}
