/**
 * How the value of a term moves over four neighbours along an axis: by a constant step, which is 0
 * where they share it, or in no simple way. Quotients and remainders of aligned coordinates keep a
 * step, so that most reshapes read whole vectors.
 * @module
 */
import { rangeOf } from "../../lib/core/index.ts";
import type { Scalar } from "../../lib/core/scalar.ts";

/** The step from neighbour to neighbour, and what divides the first one's value (0: it is 0). */
export interface Spread {
  readonly step: number | undefined;
  readonly align: number;
}

/** What must be known of an axis. */
interface Moving {
  readonly step?: 0 | 1;
  readonly align?: number;
}

/** The spread of a term; `memo` belongs to one block. */
export function spreadOf(
  term: Scalar,
  axis: (axis: number) => Moving | undefined,
  acc: (index: number) => { readonly width: 1 | 4 } | undefined,
  memo: Map<Scalar, Spread>,
): Spread {
  const known = memo.get(term);
  if (known) return known;
  const of = (t: Scalar) => spreadOf(t, axis, acc, memo);
  const made = compute(term, axis, acc, of);
  memo.set(term, made);
  return made;
}

const scattered: Spread = { step: undefined, align: 1 };
const shared: Spread = { step: 0, align: 1 };

function compute(
  term: Scalar,
  axis: (axis: number) => Moving | undefined,
  acc: (index: number) => { readonly width: 1 | 4 } | undefined,
  of: (t: Scalar) => Spread,
): Spread {
  switch (term.kind) {
    case "lit":
      return { step: 0, align: term.type === "i32" ? Math.abs(term.value) : 1 };
    case "arg":
      return shared;
    case "acc":
      return acc(term.index)?.width === 4 ? scattered : shared;
    case "axis": {
      const name = axis(term.axis);
      const step = name?.step ?? 0;
      return { step, align: name?.align ?? (step ? 4 : 1) };
    }
    case "load": {
      const still = of(term.index).step === 0 && (!term.valid || of(term.valid).step === 0);
      return still ? shared : scattered;
    }
    case "call": {
      const parts = term.args.map(of);
      const moved = term.type === "i32" ? arithmetic(term, parts) : undefined;
      return moved ?? (parts.every((p) => p.step === 0) ? shared : scattered);
    }
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
}

function arithmetic(
  term: Extract<Scalar, { kind: "call" }>,
  [a, b]: readonly Spread[],
): Spread | undefined {
  const [x, y] = term.args;
  if (a.step === undefined || (b && b.step === undefined)) return undefined;
  switch (term.fn) {
    case "add":
      return { step: a.step + b.step!, align: gcd(a.align, b.align) };
    case "sub":
      return { step: a.step - b.step!, align: gcd(a.align, b.align) };
    case "mul": {
      const factor = y.kind === "lit" ? y : x.kind === "lit" ? x : undefined;
      if (!factor) return undefined;
      const other = factor === y ? a : b;
      return { step: other.step! * factor.value, align: other.align * Math.abs(factor.value) };
    }
    case "div":
    case "rem": {
      if (y.kind !== "lit" || y.value <= 0 || rangeOf(x)[0] < 0 || a.step < 0) return undefined;
      const unit = gcd(a.align, y.value);
      // The first value lies on a multiple of `unit`, so the fourth is still in the same block.
      const stays = 3 * a.step < unit || a.step === 0;
      if (term.fn === "rem") return stays ? { step: a.step, align: unit } : undefined;
      if (stays) return { step: 0, align: a.align % y.value === 0 ? a.align / y.value : 1 };
      const whole = a.step % y.value === 0 && a.align % y.value === 0;
      return whole ? { step: a.step / y.value, align: a.align / y.value } : undefined;
    }
    default:
      return undefined;
  }
}

function gcd(a: number, b: number): number {
  while (b) [a, b] = [b, a % b];
  return a;
}
