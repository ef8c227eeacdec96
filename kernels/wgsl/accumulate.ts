/**
 * Running reductions as WGSL: variables, the step that takes one value in, and the joining of
 * partial results. The first index wins among equals, and the first NaN among all.
 * @module
 */
import { type Combine, startOf } from "../../lib/core/form.ts";
import { type Kind, lit, type Scalar } from "../../lib/core/scalar.ts";
import type { Module, Width } from "./kernel.ts";
import { litText, typeText } from "./prim.ts";
import type { Scope } from "./scalar.ts";

/** A reduction in progress. */
export interface Accumulator {
  /** Declarations, with the values from which it starts. */
  readonly start: readonly string[];
  /** Statements around an inner loop, so that long sums are sums of short ones. */
  readonly part?: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** Takes in the value of a term; `at` is the term's place among the values. */
  step(scope: Scope, value: Scalar, at: Scalar): void;
  /** Variables that hold it: the value, and for indices the place. */
  readonly names: readonly string[];
  readonly kinds: readonly Kind[];
  readonly width: Width;
}

/** An accumulator for values of a kind. */
export function accumulatorOf(
  module: Module,
  combine: Combine,
  kind: Kind,
  width: Width,
): Accumulator {
  const type = typeText(kind, width);
  const start = `${type}(${litText(lit(kind, startValue(combine, kind)), module.helper)})`;
  const value = module.name().replace("t", "a");
  if (combine === "argmax" || combine === "argmin") {
    const place = `${value}_at`;
    const places = typeText("i32", width);
    return {
      start: [`var ${value} = ${start};`, `var ${place} = ${places}(0);`],
      step(scope, term, at) {
        const x = width === 4 ? scope.wide(term) : scope.first(term);
        const i = width === 4 ? scope.wide(at) : scope.first(at);
        const wins = module.name();
        scope.lines.push(
          `let ${wins} = ${better(module, combine, kind, x, value, width)};`,
          `${value} = select(${value}, ${x}, ${wins});`,
          `${place} = select(${place}, ${i}, ${wins});`,
        );
      },
      names: [value, place],
      kinds: [kind, "i32"],
      width,
    };
  }
  const isParted = combine === "sum" && kind === "f32";
  const target = isParted ? `${value}_part` : value;
  return {
    start: [`var ${value} = ${start};`],
    part: isParted
      ? { before: [`var ${target} = ${start};`], after: [`${value} += ${target};`] }
      : undefined,
    step(scope, term) {
      const x = width === 4 ? scope.wide(term) : scope.first(term);
      scope.lines.push(`${target} = ${joinText(module, combine, kind, target, x, width)};`);
    },
    names: [value],
    kinds: [kind],
    width,
  };
}

/** Joins two partial results; each is the value, and for indices the place. */
export function join(
  module: Module,
  combine: Combine,
  kind: Kind,
  a: readonly string[],
  b: readonly string[],
): { lines: string[]; names: string[] } {
  const name = module.name();
  if (a.length === 1) {
    const text = joinText(module, combine, kind, a[0], b[0], 1);
    return { lines: [`let ${name} = ${text};`], names: [name] };
  }
  const nan = module.helper("is_nan");
  const both = kind === "f32" ? ` | (${nan}(${a[0]}) & ${nan}(${b[0]}))` : "";
  return {
    lines: [
      `let ${name}_tie = (${a[0]} == ${b[0]})${both};`,
      `let ${name}_wins = (${better(module, combine, kind, b[0], a[0], 1)}) | ` +
      `(${name}_tie & (${b[1]} < ${a[1]}));`,
      `let ${name} = select(${a[0]}, ${b[0]}, ${name}_wins);`,
      `let ${name}_at = select(${a[1]}, ${b[1]}, ${name}_wins);`,
    ],
    names: [name, `${name}_at`],
  };
}

/** Joins several partial results in pairs. */
export function joinAll(
  module: Module,
  combine: Combine,
  kind: Kind,
  parts: readonly (readonly string[])[],
): { lines: string[]; names: readonly string[] } {
  const lines: string[] = [];
  let left = [...parts];
  while (left.length > 1) {
    const next: (readonly string[])[] = [];
    for (let i = 0; i + 1 < left.length; i += 2) {
      const joined = join(module, combine, kind, left[i], left[i + 1]);
      lines.push(...joined.lines);
      next.push(joined.names);
    }
    if (left.length % 2) next.push(left[left.length - 1]);
    left = next;
  }
  return { lines, names: left[0] };
}

/** The four results that a vector holds, each as value and place. */
export function lanesOf(accumulator: Accumulator): readonly (readonly string[])[] {
  if (accumulator.width === 1) return [accumulator.names];
  return ["x", "y", "z", "w"].map((c) => accumulator.names.map((name) => `${name}.${c}`));
}

/** The kind of what a reduction gives. */
export function resultKind(combine: Combine, kind: Kind): Kind {
  return combine === "argmax" || combine === "argmin" ? "i32" : kind;
}

function startValue(combine: Combine, kind: Kind): number {
  if (kind !== "u32") return startOf(combine, kind);
  return combine === "min" || combine === "argmin" ? 2 ** 32 - 1 : combine === "prod" ? 1 : 0;
}

function better(
  module: Module,
  combine: Combine,
  kind: Kind,
  x: string,
  best: string,
  width: Width,
): string {
  const test = combine === "argmax" ? `${x} > ${best}` : `${x} < ${best}`;
  if (kind !== "f32") return test;
  const nan = module.helper("is_nan", width);
  return `(${test}) | (${nan}(${x}) & !${nan}(${best}))`;
}

function joinText(
  module: Module,
  combine: Combine,
  kind: Kind,
  a: string,
  b: string,
  width: Width,
): string {
  switch (combine) {
    case "sum":
      return `${a} + ${b}`;
    case "prod":
      return `${a} * ${b}`;
    case "max":
    case "min":
      return kind === "f32"
        ? `${module.helper(combine === "max" ? "max_f32" : "min_f32", width)}(${a}, ${b})`
        : `${combine}(${a}, ${b})`;
    default:
      throw new TypeError(`internal: ${combine} is joined with its place`);
  }
}
