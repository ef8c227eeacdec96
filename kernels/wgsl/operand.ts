/**
 * The operands of a contraction as text: how a term is read four neighbours at a time, and the
 * addresses that a template fixes outside its loops. Sizes and strides are parameters with names.
 * @module
 */
import type { Out } from "../../lib/core/form.ts";
import { type Kind, kindOf, type Scalar } from "../../lib/core/scalar.ts";
import type { Limits } from "../../lib/core/target.ts";
import { sizeOf, type Type } from "../../lib/core/type.ts";
import { declareBody } from "./body.ts";
import { type Module, moduleOf, type Width } from "./kernel.ts";
import { isQuads, leavesOf, type Source, sourceOf } from "./strides.ts";

/** A text in the making. */
export interface Sheet {
  readonly module: Module;
  /** The lines that name the parameters. */
  readonly named: Map<string, { readonly value: number; readonly line: string }>;
  /** Names of the functions declared so far. */
  readonly functions: Set<string>;
}

/** A coordinate: a text, or a text (which may be empty) and a number. */
export type Coordinate = string | readonly [text: string, plus: number];

/** Coordinates by axis number. */
export type At = ReadonlyMap<number, Coordinate>;

/** Coordinates from pairs of an axis and what it is. */
export function atOf(...pairs: readonly (readonly [number, Coordinate])[]): At {
  return new Map(pairs);
}

/** How four neighbours are read: side by side, all the same, one by one, or by a function. */
export type Mode = "quad" | "splat" | "gather" | "general";

/** A term as a template reads it: quads along one axis, or single values where `axis` is -1. */
export interface Use {
  /** Names its parameters and functions. */
  readonly name: string;
  readonly term: Scalar;
  readonly source: Source | undefined;
  readonly axis: number;
  readonly modes: readonly Mode[];
}

/** A use with some coordinates fixed, and the names of the addresses so far. */
export interface Fixed {
  readonly use: Use;
  readonly addresses: readonly string[];
  readonly at: At;
}

/** An empty sheet; operands among `images` are bound as images. */
export function sheetOf(
  ins: readonly Type[],
  outs: readonly Out[],
  limits: Limits,
  images: readonly number[],
): Sheet {
  const module = moduleOf(ins, outs.map((o) => o.type), limits, images);
  return { module, named: new Map(), functions: new Set() };
}

/** The name of a parameter, which is added with its value. */
export function param(sheet: Sheet, name: string, value: number): string {
  const known = sheet.named.get(name);
  if (known && known.value !== value) {
    throw new TypeError(`internal: parameter ${name} is ${known.value} and ${value}`);
  }
  if (!known) {
    sheet.named.set(name, { value, line: `let ${name} = ${sheet.module.param(value)};` });
  }
  return name;
}

/** How a term will be read along an axis; `accs` is the number of accumulators it sees. */
export function useOf(
  sheet: Sheet,
  name: string,
  term: Scalar,
  axis: number,
  accs: number = 0,
): Use {
  const source = sourceOf(term, accs);
  const modes = source?.loads.map((load): Mode => {
    if (!load.strides.has(axis)) return "splat";
    return isQuads(load, axis, sizeOf(sheet.module.ins[load.operand].shape)) ? "quad" : "gather";
  });
  return { name, term, source, axis, modes: modes ?? ["general"] };
}

/** True if what varies along the axis is read as whole quads. */
export function readsQuads(use: Use): boolean {
  return use.modes.includes("quad") && use.modes.every((m) => m === "quad" || m === "splat");
}

/** Fixes some coordinates; the lines that name the addresses are appended to `lines`. */
export function fix(sheet: Sheet, use: Use, id: string, at: At, lines: string[]): Fixed {
  const addresses = (use.source?.loads ?? []).map((load, l) => {
    const name = `${use.name}${l}_${id}`;
    const base = load.base ? [param(sheet, `${use.name}${l}_base`, load.base)] : [];
    lines.push(`let ${name} = ${sum([...base, ...products(sheet, use, l, at)])};`);
    return name;
  });
  return { use, addresses, at };
}

/** The parts of a load's address that some coordinates give; all numbers make one parameter. */
function products(sheet: Sheet, use: Use, l: number, at: At): string[] {
  const parts: string[] = [];
  let name = `${use.name}${l}_at`;
  let offset = 0;
  for (const [axis, coordinate] of at) {
    const stride = use.source!.loads[l].strides.get(axis);
    if (stride === undefined) continue;
    const [text, plus] = typeof coordinate === "string" ? [coordinate, 0] : coordinate;
    offset += plus * stride;
    if (plus) name += `_${axis}${plus < 0 ? "m" : "x"}${Math.abs(plus)}`;
    // A stride of 1 is written down: many texts have one, and quads depend on it.
    if (text === "") continue;
    if (stride === 1) parts.push(text);
    else parts.push(`${text} * ${param(sheet, `${use.name}${l}_s${axis}`, stride)}`);
    if (stride === 1 && plus) parts.push(`${plus}`), offset -= plus;
  }
  return offset ? [...parts, param(sheet, name, offset)] : parts;
}

/** A coordinate as an expression. */
function textOf(coordinate: Coordinate): string {
  if (typeof coordinate === "string") return coordinate;
  const [text, plus] = coordinate;
  return text === "" ? `${plus}` : plus === 0 ? text : `${text} + ${plus}`;
}

function sum(parts: readonly string[]): string {
  return parts.length ? parts.join(" + ") : "0";
}

/** Four values along the axis of the use, once all coordinates are known; `acc` is a quad too. */
export function quad(
  sheet: Sheet,
  fixed: Fixed,
  at: At,
  acc?: string,
): string {
  const { use } = fixed;
  const all = new Map([...fixed.at, ...at]);
  const accs = acc ? [acc] : [];
  const values = fixed.addresses.map((name, l) => {
    const load = use.source!.loads[l];
    const address = sum([name, ...products(sheet, use, l, at)]);
    if (use.modes[l] === "quad") return sheet.module.load(load.operand, address, 4);
    const vector = vectorOf(kindOf(sheet.module.ins[load.operand].dtype));
    if (use.modes[l] === "splat") return `${vector}(${sheet.module.load(load.operand, address)})`;
    const step = param(sheet, `${use.name}${l}_s${use.axis}`, load.strides.get(use.axis)!);
    const parts = four((j) => sheet.module.load(load.operand, `${address} + ${j} * ${step}`));
    return `${vector}(${parts})`;
  });
  const body = use.source?.body;
  if (body?.kind === "acc") return [...accs, ...values][body.index];
  const vector = vectorOf(use.term.type);
  if (!use.source) {
    // A term whose addresses are no sums does its own loads, one neighbour after another.
    const parts = four((j) => {
      const here = new Map(all);
      if (use.axis >= 0 && j) here.set(use.axis, `${textOf(all.get(use.axis)!)} + ${j}`);
      return applied(sheet, use, here, accs.map((a) => `${a}[${j}]`), 1);
    });
    return `${vector}(${parts})`;
  }
  const wide = new Map([...all].map(([axis, coordinate]) => {
    const text = `vec4<i32>(${textOf(coordinate)})`;
    return [axis, axis === use.axis ? `${text} + vec4<i32>(0, 1, 2, 3)` : text];
  }));
  return applied(sheet, use, wide, [...accs, ...values], 4);
}

/** One value, of a use along no axis. */
export function single(sheet: Sheet, fixed: Fixed, at: At): string {
  const { use } = fixed;
  const values = fixed.addresses.map((name, l) =>
    sheet.module.load(use.source!.loads[l].operand, sum([name, ...products(sheet, use, l, at)]))
  );
  const body = use.source?.body;
  if (body?.kind === "acc") return values[body.index];
  return applied(sheet, use, new Map([...fixed.at, ...at]), values, 1);
}

function four(text: (j: number) => string): string {
  return [0, 1, 2, 3].map(text).join(", ");
}

/** A term by a function of its values and coordinates, which is declared once. */
function applied(
  sheet: Sheet,
  use: Use,
  at: At,
  values: readonly string[],
  width: Width,
): string {
  const body = use.source?.body ?? use.term;
  const { axes, accs } = leavesOf(body);
  const name = `${use.name}_of${width}`;
  if (!sheet.functions.has(name)) {
    sheet.functions.add(name);
    declareBody(sheet.module, name, body, width);
  }
  const gives = [
    ...[...accs.keys()].map((i) => values[i]),
    ...axes.map((axis) => textOf(at.get(axis)!)),
  ];
  return `${name}(${gives.join(", ")})`;
}

/** The WGSL name of four values of a kind. */
export function vectorOf(kind: Kind): string {
  return `vec4<${kind}>`;
}
