/**
 * Which elements along an axis a position between them is made of, and how much of each: the
 * nearest, the two beside it, or four; and what stands beyond the ends.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Field } from "../core/op.ts";
import { choice, integer, number } from "../op/field.ts";
import type { Numbers } from "./numbers.ts";

/** How values between elements are made. */
export type Sampling = "nearest" | "linear" | "cubic";

/** What stands beyond the ends: the last element, a mirror image, the other end, or a value. */
export type Border = "replicate" | "reflect" | "reflect101" | "wrap" | "constant";

/** How images are sampled. */
export interface SampleOptions {
  /** How values between pixels are made; linear by default. */
  readonly mode?: Sampling;
  /** What stands beyond the edges; replicate by default. */
  readonly border?: Border;
  /** The value beyond them, where the border is constant; 0 by default. */
  readonly value?: number;
  /** Positions rounded to so many parts of a pixel, as OpenCV has 32; 0, exact ones, by default. */
  readonly parts?: number;
}

/** The fields of `SampleOptions`. */
export const sampleFields: {
  readonly mode: Field<Sampling>;
  readonly border: Field<Border>;
  readonly value: Field<number>;
  readonly parts: Field<number>;
} = {
  mode: choice(["nearest", "linear", "cubic"], "linear"),
  border: choice(["replicate", "reflect", "reflect101", "wrap", "constant"], "replicate"),
  value: number("value beyond the edges of a constant border", 0),
  parts: integer("parts of a pixel that positions are rounded to; 0: exact", {
    from: 0,
    fallback: 0,
  }),
};

/** One element that a position is made of. */
export interface Tap<T> {
  /** Its place along the axis, inside. */
  readonly place: T;
  /** False where there is none; absent where there always is. */
  readonly inside?: T;
  /** How much of it; absent for all. */
  readonly weight?: T;
}

/** Positions further away than this are as far as can be. */
const far = 2 ** 30;

/** The elements that a position (f32) along an axis of some extent is made of. */
export function tapsAt<T>(
  n: Numbers<T>,
  position: T,
  extent: number,
  { mode, border, parts }: Required<Pick<SampleOptions, "mode" | "border" | "parts">>,
): readonly Tap<T>[] {
  // what is no number lies beyond all borders
  const known = n.where(n.lt(n.abs(position), far), position, -far);
  const own = parts === 0 ? known : n.div(nearest(n, n.mul(known, parts)), parts);
  const tap = (place: T, weight?: T): Tap<T> => {
    const { at, inside } = bordered(n, place, extent, border);
    return { place: at, ...(inside ? { inside } : {}), ...(weight ? { weight } : {}) };
  };
  if (mode === "nearest") return [tap(n.int(nearest(n, own)))];
  const below = n.floor(own);
  const first = n.int(below);
  const share = n.sub(own, below);
  if (mode === "linear") return [tap(first, n.sub(1, share)), tap(n.add(first, 1), share)];
  return cubicWeights(n, share).map((weight, k) => tap(n.add(first, k - 1), weight));
}

/** The nearest integer as a float; halves go to the even one. */
function nearest<T>(n: Numbers<T>, x: T): T {
  const below = n.floor(x);
  const share = n.sub(x, below);
  const isEven = n.eq(n.mul(n.floor(n.mul(below, 0.5)), 2), below);
  const half = n.where(isEven, below, n.add(below, 1));
  const outer = n.where(n.lt(share, 0.5), below, n.add(below, 1));
  return n.where(n.eq(share, 0.5), half, outer);
}

/** Keys' cubic convolution with a = -0.75, as OpenCV has it. */
export function cubicWeights<T>(n: Numbers<T>, share: T): readonly T[] {
  const a = -0.75;
  const outer = (x: T) => n.sub(n.mul(n.add(n.mul(n.sub(n.mul(x, a), 5 * a), x), 8 * a), x), 4 * a);
  const inner = (x: T) => n.add(n.mul(n.mul(n.sub(n.mul(x, a + 2), a + 3), x), x), 1);
  const [u, v, w] = [outer(n.add(share, 1)), inner(share), inner(n.sub(1, share))];
  return [u, v, w, n.sub(n.sub(n.sub(1, u), v), w)];
}

function bordered<T>(
  n: Numbers<T>,
  place: T,
  extent: number,
  border: Border,
): { readonly at: T; readonly inside?: T } {
  const clamped = () => n.min(n.max(place, 0), extent - 1);
  switch (border) {
    case "replicate":
      return { at: clamped() };
    case "constant":
      return { at: clamped(), inside: n.and(n.le(0, place), n.lt(place, extent)) };
    case "wrap":
      return { at: n.mod(place, extent) };
    case "reflect": {
      const turn = n.mod(place, 2 * extent);
      return { at: n.min(turn, n.sub(2 * extent - 1, turn)) };
    }
    case "reflect101": {
      if (extent === 1) return { at: n.mul(clamped(), 0) };
      const turn = n.mod(place, 2 * extent - 2);
      return { at: n.min(turn, n.sub(2 * extent - 2, turn)) };
    }
    default:
      throw new OptionError(`internal: unknown border ${border satisfies never}`);
  }
}
