/**
 * Iteration spaces made simple: neighbouring axes become one where every address allows it, and the
 * outer axes become one flat coordinate, from which the others are quotients and remainders.
 * @module
 */
import {
  constant,
  divIndex,
  type Linear,
  linearOf,
  modIndex,
  plusIndex,
  rangeOf,
  timesIndex,
} from "../../lib/core/index.ts";
import { call, type Scalar } from "../../lib/core/scalar.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { coef, isSum, sumsOf } from "../sums.ts";

/** A space of one flat outer coordinate, axis 0, and the axes of `over`, from axis 1. */
export interface Flat {
  /** Extent of axis 0. */
  readonly points: number;
  readonly over: readonly number[];
  /** The given terms, over the new axes. */
  readonly terms: readonly Scalar[];
}

/** Flattens a space whose axes are those of `shape`, then those of `over`. */
export function flatten(
  shape: readonly number[],
  over: readonly number[],
  terms: readonly Scalar[],
): Flat {
  const extents = [...shape, ...over];
  const sums = sumsOf(terms);
  // Axes of one point are 0 everywhere; the others are kept by number.
  const outer = shape.map((_, i) => i).filter((i) => extents[i] !== 1);
  const inner = over.map((_, i) => i + shape.length).filter((i) => extents[i] !== 1);
  const groups: { last: number; extent: number }[] = [];
  const gone = new Set<number>();
  for (const i of inner) {
    const group = groups.at(-1);
    if (group && sums.every((sum) => coef(sum, group.last) === coef(sum, i) * extents[i])) {
      gone.add(group.last);
      group.last = i;
      group.extent *= extents[i];
    } else groups.push({ last: i, extent: extents[i] });
  }
  const points = sizeOf(shape);
  const flat: Scalar = { kind: "axis", type: "i32", axis: 0, extent: points };
  const named = new Map<number, Scalar>();
  groups.forEach(({ last, extent }, k) =>
    named.set(last, { kind: "axis", type: "i32", axis: 1 + k, extent })
  );
  const memo = new Map<Scalar, Scalar>();

  function rebuilt(term: Scalar): Scalar {
    const known = memo.get(term);
    if (known) return known;
    const made = rebuild(term);
    memo.set(term, made);
    return made;
  }

  function rebuild(term: Scalar): Scalar {
    if (isSum(term)) return summed(linearOf(term));
    if (term.kind === "load") {
      const valid = term.valid && rebuilt(term.valid);
      return { ...term, index: rebuilt(term.index), ...(valid ? { valid } : {}) };
    }
    if (term.kind !== "call") return term;
    const args = term.args.map(rebuilt);
    const [a, b] = args;
    if (term.type === "i32" && b?.kind === "lit" && b.value > 0 && rangeOf(a)[0] >= 0) {
      if (term.fn === "div") return divIndex(a, b.value);
      if (term.fn === "rem") return modIndex(a, b.value);
    }
    return call(term.fn, ...args);
  }

  function summed(sum: Linear): Scalar {
    let made = constant(sum.constant);
    for (const { atom, coef } of sum.terms.values()) {
      if (atom.kind === "axis" && atom.axis < shape.length) continue;
      const part = atom.kind !== "axis"
        ? rebuilt(atom)
        : gone.has(atom.axis)
        ? constant(0)
        : named.get(atom.axis) ?? constant(0);
      made = plusIndex(made, timesIndex(part, coef));
    }
    // Outer axes that lie side by side in this sum are one remainder of the flat coordinate.
    let below = 1;
    for (let at = outer.length - 1; at >= 0;) {
      const step = coef(sum, outer[at]);
      let extent = extents[outer[at]];
      let next = at - 1;
      while (next >= 0 && coef(sum, outer[next]) === step * extent) {
        extent *= extents[outer[next--]];
      }
      if (step !== 0) {
        const quotient = divIndex(flat, below);
        const part = next < 0 ? quotient : modIndex(quotient, extent);
        made = plusIndex(made, timesIndex(part, step));
      }
      below *= extent;
      at = next;
    }
    return made;
  }

  return { points, over: groups.map((g) => g.extent), terms: terms.map(rebuilt) };
}
