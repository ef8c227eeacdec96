/**
 * Addresses of loads as sums of axes times constants. Where neighbours along an axis lie side by
 * side, a contraction reads them as quads; the constants become parameters of the text.
 * @module
 */
import { linearOf } from "../../lib/core/index.ts";
import { mapLeaves, type Scalar, walk } from "../../lib/core/scalar.ts";

/** The address `base + Σ axis · stride`. */
export interface Strided {
  readonly base: number;
  /** Elements from one coordinate to the next, by axis number; absent where zero. */
  readonly strides: ReadonlyMap<number, number>;
  /** Extents of those axes. */
  readonly extents: ReadonlyMap<number, number>;
}

/** A term over loads; `body` has each load as an `acc` leaf after the accumulators. */
export interface Source {
  readonly loads: readonly (Strided & { readonly operand: number })[];
  readonly body: Scalar;
}

/** An address as a sum of axes, or `undefined` where it is something else. */
export function stridedOf(index: Scalar): Strided | undefined {
  const { constant, terms } = linearOf(index);
  const strides = new Map<number, number>();
  const extents = new Map<number, number>();
  for (const { atom, coef } of terms.values()) {
    if (atom.kind !== "axis") return undefined;
    strides.set(atom.axis, coef);
    extents.set(atom.axis, atom.extent);
  }
  return { base: constant, strides, extents };
}

/** A term split into its loads and what is done with them; `undefined` if an address is no sum. */
export function sourceOf(term: Scalar, accs: number): Source | undefined {
  const loads: (Strided & { operand: number })[] = [];
  let plain = true;
  const body = mapLeaves(term, (leaf) => {
    if (leaf.kind !== "load") return undefined;
    const at = leaf.valid ? undefined : stridedOf(leaf.index);
    if (at) loads.push({ operand: leaf.operand, ...at });
    else plain = false;
    return { kind: "acc", type: leaf.type, index: accs + loads.length - 1 };
  });
  return plain ? { loads, body } : undefined;
}

/** True if four neighbours along `axis` are one aligned quad of a value of `size` elements. */
export function isQuads(at: Strided, axis: number, size: number): boolean {
  if (at.strides.get(axis) !== 1 || at.extents.get(axis)! % 4 !== 0) return false;
  if (at.base % 4 !== 0 || size % 4 !== 0) return false;
  return [...at.strides].every(([a, stride]) => a === axis || stride % 4 === 0);
}

/** The axes and accumulators that a term uses itself, outside its loads' addresses too. */
export function leavesOf(term: Scalar): { axes: number[]; accs: Map<number, Scalar> } {
  const axes = new Set<number>();
  const accs = new Map<number, Scalar>();
  walk(term, (t) => {
    if (t.kind === "axis") axes.add(t.axis);
    if (t.kind === "acc") accs.set(t.index, t);
  });
  return { axes: [...axes].sort((a, b) => a - b), accs };
}
