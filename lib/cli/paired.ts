/**
 * Values of two runs by their names, one pair at a time: no more is held than what one run computes
 * before the other.
 * @module
 */
import type { Host } from "../core/host.ts";

/** Values of a run, in order; equal names are told apart by their number. */
export interface NamedValues<T = Host> {
  readonly names: readonly string[];
  /** As many as there are names. */
  values(): AsyncIterable<T>;
}

/** A value of both runs. */
export interface Pair<T = Host> {
  readonly name: string;
  readonly a: T;
  readonly b: T;
}

/** Names with `[1]`, `[2]` behind those that came before. */
export function distinct(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}[${count}]`;
  });
}

/** The names of `a` that `b` does not have. */
export function namesOnlyIn(a: readonly string[], b: readonly string[]): readonly string[] {
  const there = new Set(b);
  return a.filter((name) => !there.has(name));
}

/** What both have, in the order of `a`. */
export async function* pairs<T>(a: NamedValues<T>, b: NamedValues<T>): AsyncGenerator<Pair<T>> {
  const mine = new Set(a.names), theirs = new Set(b.names);
  const held = new Map<string, T>();
  const others = b.values()[Symbol.asyncIterator]();
  let at = 0, next = 0;
  try {
    for await (const value of a.values()) {
      const name = a.names[at++];
      if (!theirs.has(name)) continue;
      while (!held.has(name)) {
        const part = await others.next();
        if (part.done) throw new TypeError(`internal: there is no value for ${name}`);
        const other = b.names[next++];
        if (mine.has(other)) held.set(other, part.value);
      }
      yield { name, a: value, b: held.get(name)! };
      held.delete(name);
    }
  } finally {
    await others.return?.();
  }
}
