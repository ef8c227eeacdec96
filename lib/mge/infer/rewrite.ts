/**
 * Lists of file operators rewritten: operands come first, and a rule answers for one operator with
 * the variable that stands for its result.
 * @module
 */
import {
  type Drafted,
  type Emitter,
  neededBy,
  newEmitter,
  outputOf,
  type Var,
} from "../emitter.ts";
import type { Written } from "../legal.ts";
import { enumMember } from "../schema.ts";

/** What a rule sees of the list. */
export interface Rewriting {
  /** The new list. */
  readonly e: Emitter;
  /** The variable that stands for one of the old list. */
  of(v: Var): Var;
  /** How often operators and results use a variable of the old list. */
  uses(v: Var): number;
}

/** The result of an operator in the new list; `undefined` leaves the operator as it is. */
export type ListRule = (d: Drafted, at: Rewriting) => Var | undefined;

/** A list whose every needed operator went through a rule. */
export function rewritten(written: Written, rule: ListRule): Written {
  const { e: { all }, roots, args } = written;
  const inputs = new Set(args.map((v) => v.from));
  const live = new Set(neededBy(all, roots));
  const times = new Map<Drafted, number>();
  const count = (v: Var) => times.set(v.from, (times.get(v.from) ?? 0) + 1);
  for (const d of live) d.ins.forEach(count);
  roots.forEach(count);
  const e = newEmitter();
  const made = new Map<Drafted, Var>();
  const at: Rewriting = {
    e,
    of: (v) => {
      const known = made.get(v.from)!;
      return v.out === v.from.main ? known : outputOf(known.from, v.out);
    },
    uses: (v) => times.get(v.from) ?? 0,
  };
  for (const d of all) {
    if (!live.has(d) && !inputs.has(d)) continue;
    made.set(d, rule(d, at) ?? taken(d, at));
  }
  return { e, roots: roots.map(at.of), args: args.map(at.of) };
}

/** The operator as it is, on the new operands. */
export function taken(d: Drafted, at: Rewriting): Var {
  if (d.type === "ImmutableTensor" && d.host) return at.e.hold(d.host);
  return at.e.adopt(d, d.ins.map(at.of), d.outs);
}

/** The mode of an elementwise operator. */
export function modeOf(d: Drafted): string | undefined {
  if (d.type !== "Elemwise") return undefined;
  return enumMember("ElemwiseMode", Number(d.params[0].fields.mode));
}

/** The number that a constant of one element holds. */
export function numberIn(v: Var): number | undefined {
  const { host, type } = v.from;
  return type === "ImmutableTensor" && host?.data.length === 1 ? Number(host.data[0]) : undefined;
}
