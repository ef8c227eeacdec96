/**
 * What a contraction does with its sums: the bodies of the results, computed four neighbours at a
 * time and written as quads where a result has them side by side.
 * @module
 */
import type { Out } from "../../lib/core/form.ts";
import type { Scalar } from "../../lib/core/scalar.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { bitsOf, indent } from "./kernel.ts";
import { type At, fix, param, quad, type Sheet, single, type Use, useOf } from "./operand.ts";
import { isQuads, stridedOf } from "./strides.ts";

/** The results of a contraction, four neighbours along `axis` at a time. */
export interface Epilogue {
  readonly axis: number;
  /** Neighbours are written as quads; else one by one. */
  readonly isQuad: boolean;
  readonly outs: readonly Written[];
}

/** How one result is written. */
interface Written {
  readonly value: Use;
  readonly address: Use;
  readonly step: number;
  /** The value is to be between the parameters `low` and `high` of this result. */
  readonly isClipped: boolean;
}

/**
 * Along the first of the axes where all results can be written as quads, else the first at all.
 * With `clips` every f32 result has bounds, which are parameters: one text for relu, relu6 and none.
 */
export function epilogueOf(
  sheet: Sheet,
  outs: readonly Out[],
  axes: readonly number[],
  clips: boolean = false,
): Epilogue {
  const quads = (axis: number) =>
    outs.every((out) => {
      const at = stridedOf(out.index);
      return at !== undefined && isQuads(at, axis, sizeOf(out.type.shape));
    });
  const found = axes.find(quads);
  const axis = found ?? axes[0];
  const isQuad = found !== undefined;
  return {
    axis,
    isQuad,
    outs: outs.map((out, k) => {
      const at = stridedOf(out.index);
      const address: Use = {
        name: `to${k}x`,
        term: out.index,
        // The address is fixed like one of a load, of which only the name is used.
        source: at && { loads: [{ operand: -1, ...at }], body: out.index },
        axis: at ? axis : -1,
        modes: [at ? isQuad ? "quad" : "gather" : "general"],
      };
      const isClipped = clips && out.body.type === "f32";
      const { body, low, high } = isClipped ? unclipped(out.body) : { body: out.body };
      const value = useOf(sheet, `r${k}x`, body, axis, 1);
      if (low !== undefined) param(sheet, `low${k}`, bitsOf(low));
      if (high !== undefined) param(sheet, `high${k}`, bitsOf(high));
      return { value, address, step: at?.strides.get(axis) ?? 0, isClipped };
    }),
  };
}

/** A value without the bounds put on it last, which are infinite where there are none. */
function unclipped(body: Scalar): { body: Scalar; low: number; high: number } {
  const below = bounded(body, ([x]) => x);
  const rest = below?.rest ?? body;
  const above = bounded(rest, ([, x]) => x);
  const inner = above?.rest ?? rest;
  const isWhole = (below?.of ?? inner) === inner && (above?.of ?? inner) === inner;
  const [low, high] = [below?.value ?? -Infinity, above?.value ?? Infinity];
  return isWhole ? { body: inner, low, high } : { body, low: -Infinity, high: Infinity };
}

/** Takes `select(x < bound, bound, rest)` apart; `of` is x, as the comparison's operands give it. */
function bounded(
  term: Scalar,
  of: (args: readonly Scalar[]) => Scalar,
): { rest: Scalar; of: Scalar; value: number } | undefined {
  if (term.kind !== "call" || term.fn !== "select") return undefined;
  const [test, bound, rest] = term.args;
  if (test.kind !== "call" || test.fn !== "lt" || bound.kind !== "lit") return undefined;
  const x = of(test.args);
  const other = test.args.find((arg) => arg !== x);
  if (other?.kind !== "lit" || !Object.is(other.value, bound.value)) return undefined;
  return Number.isNaN(bound.value) ? undefined : { rest, of: x, value: bound.value };
}

/** Lines that write four neighbours; neighbour j is there if `inside(j)` holds. */
export function stores(
  sheet: Sheet,
  epilogue: Epilogue,
  id: string,
  at: At,
  acc: string,
  inside: (j: number) => string,
): string[] {
  const lines: string[] = [];
  epilogue.outs.forEach(({ value, address, step, isClipped }, k) => {
    let result = quad(sheet, fix(sheet, value, id, at, lines), new Map(), acc);
    if (isClipped) {
      const name = `s${k}_${id}`;
      const [low, high] = ["low", "high"].map((bound) => `vec4<f32>(bitcast<f32>(${bound}${k}))`);
      lines.push(`let ${name} = ${result};`);
      // Selections, for min and max would lose NaN.
      lines.push(`let ${name}_h = select(${name}, ${high}, ${high} < ${name});`);
      result = `select(${name}_h, ${low}, ${name} < ${low})`;
    }
    const to = fix(sheet, address, id, at, lines);
    if (epilogue.isQuad) {
      lines.push(sheet.module.store(k, to.addresses[0], result, 4));
      return;
    }
    const name = `y${k}_${id}`;
    lines.push(`let ${name} = ${result};`);
    for (let j = 0; j < 4; j++) {
      const by = step && step !== 1 ? param(sheet, `to${k}x0_s${epilogue.axis}`, step) : "1";
      const shifted = new Map([...at, [epilogue.axis, [`${at.get(epilogue.axis)}`, j] as const]]);
      const place = !address.source
        ? single(sheet, { use: address, addresses: [], at: shifted }, new Map())
        : j && step
        ? `${to.addresses[0]} + ${j} * ${by}`
        : to.addresses[0];
      lines.push(`if (${inside(j)}) { ${sheet.module.store(k, place, `${name}[${j}]`)} }`);
    }
  });
  return lines;
}

/**
 * A loop of one step for each of these variables, `e` counting: the body uses the first, and then
 * all move up by one. Written once instead of once for each, it takes far less time to compile.
 */
export function inTurn(sheet: Sheet, names: readonly string[], body: readonly string[]): string[] {
  // With a bound that compilers know, they would write it out again.
  const count = param(sheet, "quads", names.length);
  return [
    `for (var e = 0; e < ${count}; e++) {`,
    ...indent(body),
    ...names.slice(1).map((name, i) => `  ${names[i]} = ${name};`),
    `}`,
  ];
}
