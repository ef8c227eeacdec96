/**
 * The sums of axes in terms, which decide how an iteration space may be rearranged: every largest
 * sum, inside quotients and loads too, and the axes as they stand by themselves.
 * @module
 */
import {
  constant,
  type Linear,
  linearOf,
  plusIndex,
  substitute,
  timesIndex,
} from "../lib/core/index.ts";
import { type Scalar, walk } from "../lib/core/scalar.ts";

/** The coefficient of an axis in a sum. */
export function coef(sum: Linear, axis: number): number {
  return sum.terms.get(`@${axis}`)?.coef ?? 0;
}

/** True for what `linearOf` can take apart, and for an axis itself. */
export function isSum(term: Scalar): boolean {
  if (term.kind === "axis") return true;
  return term.kind === "call" && term.type === "i32" &&
    (term.fn === "add" || (term.fn === "mul" && term.args[1].kind === "lit"));
}

/** Every largest sum in some terms. */
export function sumsOf(terms: readonly Scalar[]): Linear[] {
  const sums: Linear[] = [];
  const seen = new Set<Scalar>();
  const visit = (term: Scalar) => {
    if (seen.has(term)) return;
    seen.add(term);
    if (isSum(term)) {
      const sum = linearOf(term);
      sums.push(sum);
      for (const { atom } of sum.terms.values()) if (atom.kind !== "axis") visit(atom);
    } else if (term.kind === "load") {
      visit(term.index);
      if (term.valid) visit(term.valid);
    } else if (term.kind === "call") term.args.forEach(visit);
  };
  terms.forEach(visit);
  return sums;
}

/** An axis as a term. */
export function axis(number: number, extent: number): Scalar {
  return extent === 1 ? constant(0) : { kind: "axis", type: "i32", axis: number, extent };
}

/** A space: extents of its axes, outermost first, and terms over them. */
export interface Space {
  readonly extents: readonly number[];
  readonly terms: readonly Scalar[];
}

/** A space with its axes in another order. */
export interface Arranged extends Space {
  /** Where the axes that were kept apart begin. */
  readonly apart: number;
  /** The new number of each old axis that is still there. */
  readonly where: ReadonlyMap<number, number>;
}

/**
 * The axes of a space in another order, without those of one point; neighbours become one axis where
 * every sum allows it. Axes from `apart` on, counted in the order given, merge only with each other;
 * the result says where they begin.
 */
export function arranged(
  { extents, terms }: Space,
  order: readonly number[],
  apart: number = order.length,
): Arranged {
  const kept = order.filter((a) => extents[a] !== 1);
  const lead = order.slice(0, apart).filter((a) => extents[a] !== 1).length;
  const sums = sumsOf(terms);
  const groups: { readonly axes: number[]; extent: number; readonly isLate: boolean }[] = [];
  kept.forEach((a, i) => {
    const group = groups.at(-1);
    const last = group?.axes.at(-1);
    const joins = group && group.isLate === (i >= lead) &&
      sums.every((sum) => coef(sum, last!) === coef(sum, a) * extents[a]);
    if (joins) {
      group.axes.push(a);
      group.extent *= extents[a];
    } else groups.push({ axes: [a], extent: extents[a], isLate: i >= lead });
  });
  // A sum over merged axes is a multiple of the last of them, which stands for all.
  const at: Scalar[] = extents.map(() => constant(0));
  groups.forEach(({ axes, extent }, i) => at[axes.at(-1)!] = axis(i, extent));
  const memo = new Map<Scalar, Scalar>();
  return {
    extents: groups.map(({ extent }) => extent),
    terms: terms.map((term) => substitute(term, at, memo)),
    apart: groups.filter(({ isLate }) => !isLate).length,
    where: new Map(groups.flatMap(({ axes }, i) => axes.map((a) => [a, i] as const))),
  };
}

/**
 * The space with axes cut in two where a quotient or remainder of one alone is taken: both halves
 * are then axes, and what was a quotient is a sum.
 */
export function cut(space: Space): Space {
  let { extents, terms } = space;
  for (;;) {
    const found = quotientIn(terms);
    if (!found) return { extents, terms };
    const { axis: a, by } = found;
    const outer = extents[a] / by;
    // The halves stand where the axis stood, so that an order of axes keeps its meaning.
    const at = extents.flatMap((extent, i) => {
      const n = i > a ? i + 1 : i;
      if (i !== a) return [axis(n, extent)];
      return [plusIndex(timesIndex(axis(a, outer), by), axis(a + 1, by))];
    });
    const memo = new Map<Scalar, Scalar>();
    terms = terms.map((term) => substitute(term, at, memo));
    extents = extents.toSpliced(a, 1, outer, by);
  }
}

/** A quotient or remainder of an axis by itself that does not cut it evenly is left out. */
function quotientIn(
  terms: readonly Scalar[],
): { readonly axis: number; readonly by: number } | undefined {
  let found: { axis: number; by: number } | undefined;
  const seen = new Set<Scalar>();
  for (const term of terms) {
    walk(term, (part) => {
      if (found || part.kind !== "call" || (part.fn !== "div" && part.fn !== "rem")) return;
      const [a, b] = part.args;
      if (a.kind !== "axis" || b.kind !== "lit" || b.value <= 1) return;
      if (a.extent % b.value === 0) found = { axis: a.axis, by: b.value };
    }, seen);
  }
  return found;
}
