/**
 * Working on scalar terms as trees: replacing leaves, visiting parts, printing.
 * @module
 */
import { type Call, call, type Scalar } from "./scalar.ts";

/** Rebuilds a term with its leaves replaced; `leaf` gives `undefined` to keep one. Shared parts stay shared. */
export function mapLeaves(
  term: Scalar,
  leaf: (leaf: Exclude<Scalar, Call>) => Scalar | undefined,
  memo: Map<Scalar, Scalar> = new Map(),
): Scalar {
  const known = memo.get(term);
  if (known) return known;
  let made: Scalar;
  if (term.kind === "call") {
    const args = term.args.map((a) => mapLeaves(a, leaf, memo));
    made = args.every((a, i) => a === term.args[i]) ? term : call(term.fn, ...args);
  } else {
    const changed = leaf(term);
    if (changed) made = changed;
    else if (term.kind === "load") {
      const index = mapLeaves(term.index, leaf, memo);
      const valid = term.valid && mapLeaves(term.valid, leaf, memo);
      made = index === term.index && valid === term.valid ? term : { ...term, index, valid };
    } else made = term;
  }
  memo.set(term, made);
  return made;
}

/** Visits every distinct part of a term once, parts before wholes. */
export function walk(
  term: Scalar,
  visit: (part: Scalar) => void,
  seen: Set<Scalar> = new Set(),
): void {
  if (seen.has(term)) return;
  seen.add(term);
  if (term.kind === "call") { for (const a of term.args) walk(a, visit, seen); }
  if (term.kind === "load") {
    walk(term.index, visit, seen);
    if (term.valid) walk(term.valid, visit, seen);
  }
  visit(term);
}

/** The canonical text of a term; in one too long for a line, parts used twice get names first. */
export function printScalar(term: Scalar): string {
  const sizes = new Map<Scalar, number>();
  const uses = new Map<Scalar, number>();
  walk(term, (part) => {
    const parts = part.kind === "call"
      ? part.args
      : part.kind === "load"
      ? (part.valid ? [part.index, part.valid] : [part.index])
      : [];
    for (const p of parts) uses.set(p, (uses.get(p) ?? 0) + 1);
    sizes.set(part, parts.reduce((n, p) => n + sizes.get(p)!, 1));
  });
  const names = new Map<Scalar, string>();
  if (sizes.get(term)! <= 200) return textOf(term, names);
  const lines: string[] = [];
  walk(term, (part) => {
    if (part.kind !== "call" || (uses.get(part) ?? 0) < 2) return;
    const text = textOf(part, names);
    names.set(part, `t${names.size}`);
    lines.push(`${names.get(part)} = ${text}; `);
  });
  return `{ ${lines.join("")}${textOf(term, names)} }`;
}

function textOf(term: Scalar, names: ReadonlyMap<Scalar, string>): string {
  const name = names.get(term);
  if (name !== undefined) return name;
  const text = (part: Scalar) => textOf(part, names);
  switch (term.kind) {
    case "lit":
      return term.type === "bool" ? (term.value ? "true" : "false") : printNumber(term.value) +
        (term.type === "i32" ? "i" : term.type === "u32" ? "u" : "");
    case "arg":
      return `x${term.index}`;
    case "axis":
      return `@${term.axis}`;
    case "acc":
      return `acc${term.index}`;
    case "load":
      return `in${term.operand}[${text(term.index)}${
        term.valid ? ` if ${text(term.valid)} else ${printNumber(term.fill ?? 0)}` : ""
      }]`;
    case "call":
      return `${term.fn}(${term.args.map(text).join(", ")})`;
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
}

/** A number as text that reads back the same; -0, NaN and infinities keep their names. */
export function printNumber(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}
