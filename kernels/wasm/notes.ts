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
  const notes: Notes = {
    needs(term) {
      const known = allNeeds.get(term);
      if (known) return known;
      const made = needsOf(term, notes.needs);
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
  return notes;
}

/** From what its parts depend on. */
function needsOf(term: Scalar, of: (part: Scalar) => Needs): Needs {
  switch (term.kind) {
    case "axis":
      return { axes: [term.axis], accs: [] };
    case "acc":
      return { axes: [], accs: [term.index] };
    case "load":
      return term.valid ? both(of(term.index), of(term.valid)) : of(term.index);
    case "call":
      return term.args.map(of).reduce(both);
    default:
      return nothing;
  }
}

const nothing: Needs = { axes: [], accs: [] };

function both(a: Needs, b: Needs): Needs {
  const axes = joined(a.axes, b.axes), accs = joined(a.accs, b.accs);
  if (axes === a.axes && accs === a.accs) return a;
  return axes === b.axes && accs === b.accs ? b : { axes, accs };
}

function joined(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a === b || b.length === 0) return a;
  if (a.length === 0) return b;
  const others = b.filter((n) => !a.includes(n));
  return others.length === 0 ? a : a.concat(others);
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
