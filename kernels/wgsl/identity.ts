/**
 * Which terms are equal, and what they need to know: tables that the blocks of one kernel share, so
 * that equal parts are found whoever built them.
 * @module
 */
import type { Scalar } from "../../lib/core/scalar.ts";

/** The tables that the blocks of one kernel share. */
export interface Tables {
  readonly ids: Map<Scalar, number>;
  readonly keys: Map<string, number>;
  readonly needs: Map<number, ReadonlySet<string>>;
  /** Parameters of literals, which copies of a block share. */
  readonly params: Map<Scalar, string>;
}

/** Empty tables, for a kernel. */
export function tablesOf(): Tables {
  return { ids: new Map(), keys: new Map(), needs: new Map(), params: new Map() };
}

/** The axes and accumulators that a term names, as `@axis` and `#acc`. */
export function needsOf(term: Scalar, tables: Tables): ReadonlySet<string> {
  const id = idOf(term, tables);
  const known = tables.needs.get(id);
  if (known) return known;
  const all = new Set<string>();
  const parts = term.kind === "call" ? term.args : term.kind === "load" ? loadParts(term) : [];
  for (const part of parts) for (const need of needsOf(part, tables)) all.add(need);
  if (term.kind === "axis") all.add(`@${term.axis}`);
  if (term.kind === "acc") all.add(`#${term.index}`);
  tables.needs.set(id, all);
  return all;
}

function loadParts(term: Extract<Scalar, { kind: "load" }>): Scalar[] {
  return term.valid ? [term.index, term.valid] : [term.index];
}

/** A number that equal terms share. */
export function idOf(term: Scalar, tables: Tables): number {
  const known = tables.ids.get(term);
  if (known !== undefined) return known;
  const id = (t: Scalar) => idOf(t, tables);
  let key: string;
  switch (term.kind) {
    case "lit":
      key = `${term.type} ${Object.is(term.value, -0) ? "-0" : term.value}`;
      break;
    case "arg":
    case "acc":
      key = `${term.kind}${term.index}`;
      break;
    case "axis":
      key = `@${term.axis}`;
      break;
    case "load":
      key = `load${term.operand} ${loadParts(term).map(id)} ${term.fill ?? 0}`;
      break;
    case "call":
      key = `${term.fn} ${term.type} ${term.args.map(id)}`;
      break;
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
  const made = tables.keys.get(key) ?? tables.keys.size;
  tables.keys.set(key, made);
  tables.ids.set(term, made);
  return made;
}
