/**
 * Plans that a traced function keeps: the least recently used beyond a bound are set aside, and go
 * when the last call that uses them ends.
 * @module
 */
import type { Loaded } from "../core/target.ts";

/** A plan and the calls that are using it. */
export interface Used {
  readonly loaded: Loaded | Promise<Loaded>;
  users: number;
  isAside: boolean;
}

/** Plans by key. */
export interface Kept<E extends Used> {
  get(key: string): E | undefined;
  /** Makes an entry the most recent one. */
  touch(key: string, entry: E): void;
  /** Forgets an entry that came to nothing. */
  forget(key: string): void;
  /** Sets all aside. */
  clear(): void;
  readonly size: number;
}

/** Plans that a traced function keeps, and plans of reads inside it. */
export const mostPlans = 64;

/** No plans yet. */
export function keptPlans<E extends Used>(): Kept<E> {
  const plans = new Map<string, E>();
  return {
    get: (key) => plans.get(key),
    touch(key, entry) {
      if (entry.isAside) return;
      plans.delete(key);
      plans.set(key, entry);
      for (const [old, other] of plans) {
        if (plans.size <= mostPlans) break;
        plans.delete(old);
        setAside(other);
      }
    },
    forget: (key) => void plans.delete(key),
    clear() {
      plans.forEach(setAside);
      plans.clear();
    },
    get size() {
      return plans.size;
    },
  };
}

/** The plan goes with its last user. */
export function setAside(entry: Used): void {
  entry.isAside = true;
  if (entry.users === 0) drop(entry);
}

/** One user less. */
export function leave(entry: Used): void {
  if (--entry.users === 0 && entry.isAside) drop(entry);
}

/** A plan that failed to compile has nothing to give back. */
function drop({ loaded }: Used): void {
  if (loaded instanceof Promise) loaded.then((made) => made.dispose(), () => {});
  else loaded.dispose();
}
