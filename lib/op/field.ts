/**
 * Attribute fields: what an attribute holds and how the author's value is checked and normalised.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import type { Field, FieldKind } from "../core/op.ts";
import { type DType, dtypes, type Type } from "../core/type.ts";

function field<T>(
  kind: FieldKind,
  doc: string,
  fallback: { readonly value: T } | undefined,
  check: Field<T>["check"],
): Field<T> {
  return fallback ? { kind, doc, fallback, check } : { kind, doc, check };
}

function wrong(name: string, found: unknown, want: string): OptionError {
  return new OptionError(`Cannot take ${name}: ${JSON.stringify(found)}: it must be ${want}`, {
    values: { [name]: found },
  });
}

function integerIn(value: unknown, lo: number, hi: number, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < lo || value > hi) {
    throw wrong(
      name,
      value,
      hi === Infinity ? `an integer from ${lo}` : `an integer from ${lo} to ${hi}`,
    );
  }
  return value;
}

function normalAxis(value: unknown, rank: number, name: string): number {
  if (rank === 0) throw wrong(name, value, "absent, as the operand is a scalar");
  const axis = integerIn(value, -rank, rank - 1, name);
  return axis < 0 ? axis + rank : axis;
}

/** One axis of the first operand; negative ones count from the end. */
export function axis(
  fallback?: number,
  doc: string = "axis, negative from the end",
): Field<number> {
  return field(
    "axis",
    doc,
    fallback === undefined ? undefined : { value: fallback },
    (value, ins, name) => normalAxis(value, ins[0].shape.length, name),
  );
}

/** Distinct axes of the first operand in ascending order; left out, all of them. */
export function axes(doc: string = "axes, all by default"): Field<number | readonly number[]> {
  return field(
    "axes",
    doc,
    { value: undefined as unknown as readonly number[] },
    (value, ins, name) => {
      const rank = ins[0].shape.length;
      if (value === undefined) return Array.from({ length: rank }, (_, i) => i);
      const list = (Array.isArray(value) ? value : [value]).map((v) => normalAxis(v, rank, name));
      if (new Set(list).size !== list.length) throw wrong(name, value, "axes that differ");
      return list.sort((a, b) => a - b);
    },
  );
}

/** A shape: extents from 0. */
export function shape(doc: string = "extents"): Field<readonly number[]> {
  return field("shape", doc, undefined, (value, _, name) => {
    if (!Array.isArray(value)) throw wrong(name, value, "a list of extents");
    return value.map((v) => integerIn(v, 0, Infinity, name));
  });
}

/** A list of integers, by default of any length. */
export function integers(
  doc: string,
  options: { length?: number; from?: number; fallback?: readonly number[] } = {},
): Field<readonly number[]> {
  const { length, from = -Infinity, fallback } = options;
  return field("list", doc, fallback && { value: fallback }, (value, _, name) => {
    if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
      throw wrong(name, value, length === undefined ? "a list" : `a list of ${length} integers`);
    }
    return value.map((v) => integerIn(v, from, Infinity, name));
  });
}

/** A permutation of the first operand's axes; left out, their reverse. */
export function perm(): Field<readonly number[]> {
  const none = { value: undefined as unknown as readonly number[] };
  return field("perm", "order of the axes, reversed by default", none, (value, ins, name) => {
    const rank = ins[0].shape.length;
    if (value === undefined) return Array.from({ length: rank }, (_, i) => rank - 1 - i);
    if (!Array.isArray(value) || value.length !== rank) {
      throw wrong(name, value, `each of the ${rank} axes once`);
    }
    const list = value.map((v) => normalAxis(v, rank, name));
    if (new Set(list).size !== rank) throw wrong(name, value, `each of the ${rank} axes once`);
    return list;
  });
}

/** One integer for both spatial axes, or one for each. */
export function pair(
  doc: string,
  fallback?: number,
  from: number = 0,
): Field<number | readonly [number, number]> {
  return field(
    "pair",
    doc,
    fallback === undefined ? undefined : { value: [fallback, fallback] as const },
    (value, _, name) => {
      const list = Array.isArray(value) ? value : [value, value];
      if (list.length !== 2) throw wrong(name, value, "an integer or a pair of integers");
      return [
        integerIn(list[0], from, Infinity, name),
        integerIn(list[1], from, Infinity, name),
      ] as const;
    },
  );
}

/** One of some words. */
export function choice<T extends string>(
  words: readonly T[],
  fallback?: T,
  doc: string = words.join(" | "),
): Field<T> {
  return field(
    "choice",
    doc,
    fallback === undefined ? undefined : { value: fallback },
    (value, _, name) => {
      if (!words.includes(value as T)) throw wrong(name, value, `one of ${words.join(", ")}`);
      return value as T;
    },
  );
}

/** A dtype. */
export function dtype(fallback?: DType, doc: string = "element type"): Field<DType> {
  return field(
    "dtype",
    doc,
    fallback === undefined ? undefined : { value: fallback },
    (value, _, name) => {
      if (!dtypes.includes(value as DType)) throw wrong(name, value, `one of ${dtypes.join(", ")}`);
      return value as DType;
    },
  );
}

/** A number; NaN and infinities only where `any` says so. */
export function number(doc: string, fallback?: number, any: boolean = false): Field<number> {
  return field(
    "number",
    doc,
    fallback === undefined ? undefined : { value: fallback },
    (value, _, name) => {
      if (typeof value !== "number" || !any && !Number.isFinite(value)) {
        throw wrong(name, value, any ? "a number" : "a finite number");
      }
      return value;
    },
  );
}

/** An integer within bounds. */
export function integer(
  doc: string,
  options: { from?: number; to?: number; fallback?: number } = {},
): Field<number> {
  const { from = -Infinity, to = Infinity, fallback } = options;
  return field(
    "integer",
    doc,
    fallback === undefined ? undefined : { value: fallback },
    (value, _, name) => integerIn(value, from, to, name),
  );
}

/** True or false. */
export function flag(doc: string, fallback: boolean = false): Field<boolean> {
  return field("flag", doc, { value: fallback }, (value, _, name) => {
    if (typeof value !== "boolean") throw wrong(name, value, "true or false");
    return value;
  });
}

/** Fills in fallbacks, checks every attribute, and refuses names that no field has. */
export function checked(
  op: string,
  fields: Readonly<Record<string, Field>>,
  given: Readonly<Record<string, unknown>>,
  ins: readonly Type[],
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, f] of Object.entries(fields)) {
    const value = given[name];
    if (value === undefined && !f.fallback) {
      throw new OptionError(`Cannot apply ${op}: it needs ${name} (${f.doc})`);
    }
    out[name] = f.check(value === undefined ? f.fallback!.value : value, ins, name);
  }
  for (const name of Object.keys(given)) {
    if (!(name in fields)) {
      const known = Object.keys(fields).join(", ");
      throw new OptionError(
        `Cannot apply ${op}: it has no option ${name}${known ? `\n  try one of ${known}` : ""}`,
      );
    }
  }
  return out;
}
