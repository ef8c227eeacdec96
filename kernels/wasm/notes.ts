/**
 * What is found out about terms while kernels are written: what they depend on, how often their parts
 * are used, what their addresses are made of. All kernels of a module share it.
 * @module
 */
import { linearOf } from "../../lib/core/index.ts";
import { type Scalar, walk } from "../../lib/core/scalar.ts";
import type { ModuleWriter } from "./module.ts";

/** What is known of terms. */
export interface Notes {
  /** The axes and accumulators that a term depends on. */
  needs(term: Scalar): Needs;
  /** An address in elements, taken apart. */
  sum(index: Scalar): Sum;
  /** A number that a term is found again by. */
  id(term: Scalar): number;
}

/** The axes and accumulators that a term depends on. */
export interface Needs {
  readonly axes: readonly number[];
  readonly accs: readonly number[];
}

/** A constant, and parts times their coefficients. */
export interface Sum {
  readonly constant: number;
  readonly atoms: readonly Atom[];
}

/** A part of an address. */
export interface Atom {
  readonly atom: Scalar;
  readonly coef: number;
}

/** The notes of a module. */
export function notesOf(module: ModuleWriter): Notes {
  return module.once(notesOf, "notes", newNotes);
}

function newNotes(): Notes {
  const allNeeds = new Map<Scalar, Needs>();
  const sums = new Map<Scalar, Sum>();
  const ids = new Map<Scalar, number>();
  return {
    needs(term) {
      const known = allNeeds.get(term);
      if (known) return known;
      const axes = new Set<number>(), accs = new Set<number>();
      walk(term, (part) => {
        if (part.kind === "axis") axes.add(part.axis);
        if (part.kind === "acc") accs.add(part.index);
      });
      const made = { axes: [...axes], accs: [...accs] };
      allNeeds.set(term, made);
      return made;
    },
    sum(index) {
      const known = sums.get(index);
      if (known) return known;
      const { constant, terms } = linearOf(index);
      const atoms = [...terms.values()].map(({ atom, coef }) => ({ atom, coef }));
      const made = { constant, atoms };
      sums.set(index, made);
      return made;
    },
    id(term) {
      let id = ids.get(term);
      if (id === undefined) ids.set(term, id = ids.size);
      return id;
    },
  };
}

/** How often each part stands in some terms. */
export function usesOf(terms: readonly Scalar[]): ReadonlyMap<Scalar, number> {
  const uses = new Map<Scalar, number>();
  const add = (part: Scalar) => uses.set(part, (uses.get(part) ?? 0) + 1);
  const seen = new Set<Scalar>();
  for (const term of terms) {
    add(term);
    walk(term, (part) => {
      if (part.kind === "call") part.args.forEach(add);
      if (part.kind === "load") {
        add(part.index);
        if (part.valid) add(part.valid);
      }
    }, seen);
  }
  return uses;
}
