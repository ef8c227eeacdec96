/**
 * The parts of a contraction's text that depend on its operands: parameters, the functions that read
 * and write elements and quads of a binding, and the addresses that a template puts into its loops.
 * @module
 */
import type { Type } from "../../lib/core/type.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { type Kind, kindOf, type Scalar, walk } from "../../lib/core/scalar.ts";
import { type Access, quads, type Source } from "./access.ts";
import { expressionOf } from "./term.ts";

/** A text in the making. */
export interface Sheet {
  readonly ins: readonly Type[];
  readonly outs: readonly Type[];
  /** Operands that are bound as images. */
  readonly images: ReadonlySet<number>;
  readonly params: Map<string, number>;
  readonly functions: string[];
  /** Bindings that are read or written four elements at a time. */
  readonly wide: Set<string>;
  /** Functions that read and write bindings, as far as the text uses them. */
  readonly used: Set<string>;
  /** Counts names of values. */
  readonly fresh: { next: number };
}

/** A coordinate as text: of the element, and of the quad that it begins, where it is counted so. */
export interface Coordinate {
  readonly e: string;
  readonly q?: string;
}

/** How four neighbours are read: side by side, all the same, or one by one. */
type Mode = "quad" | "splat" | "gather" | "general";

/** A source as a template reads it: quads along one axis. */
export interface Use {
  /** Names the parameters and functions. */
  readonly name: string;
  readonly source: Source | undefined;
  readonly term: Scalar;
  readonly kind: Kind;
  readonly axis: number;
  readonly rank: number;
  readonly accs: number;
  readonly modes: readonly Mode[];
}

/** Some coordinates of a use, fixed outside a loop. */
export interface Fixed {
  readonly names: readonly string[];
  readonly at: ReadonlyMap<number, Coordinate>;
}

/** An empty sheet for operands and results. */
export function sheetOf(
  ins: readonly Type[],
  outs: readonly Type[],
  images: readonly number[],
): Sheet {
  return {
    ins,
    outs,
    images: new Set(images),
    params: new Map(),
    functions: [],
    wide: new Set(),
    used: new Set(),
    fresh: { next: 0 },
  };
}

/** The text of a parameter, which is added with its value. */
export function param(sheet: Sheet, name: string, value: number): string {
  const known = sheet.params.get(name);
  if (known !== undefined && known !== value) {
    throw new TypeError(`internal: parameter ${name} is ${known} and ${value}`);
  }
  sheet.params.set(name, value);
  return `p.${name}`;
}

/** How a term will be read in quads along an axis. */
export function useOf(
  sheet: Sheet,
  name: string,
  term: Scalar,
  source: Source | undefined,
  axis: number,
  rank: number,
  accs: number = 0,
): Use {
  const modes = source?.loads.map((load): Mode => modeOf(sheet, load, axis)) ?? ["general"];
  return { name, source, term, kind: term.type, axis, rank, accs, modes };
}

function modeOf(sheet: Sheet, load: Access, axis: number): Mode {
  const type = sheet.ins[load.operand];
  if (!load.strides.has(axis)) return "splat";
  const wide = type.dtype === "f32" || type.dtype === "i32" || type.dtype === "f16";
  return wide && quads(load, axis, sizeOf(type.shape)) ? "quad" : "gather";
}

/** True if the use reads what varies along its axis as whole quads. */
export function isQuad(use: Use): boolean {
  return use.modes.includes("quad") && !use.modes.includes("gather") &&
    !use.modes.includes("general");
}

/** Lines that fix some coordinates of a use, and what `quad` or `element` need to go on. */
export function fix(
  sheet: Sheet,
  use: Use,
  id: string,
  at: ReadonlyMap<number, Coordinate>,
): { lines: string[]; fixed: Fixed } {
  const lines: string[] = [];
  const names = (use.source?.loads ?? []).map((load, l) => {
    const name = `${use.name}${l}_${id}`;
    const base = load.base === 0 ? [] : [param(sheet, `${use.name}${l}_base`, scaled(use, l, load.base))];
    lines.push(`let ${name} = ${sum([...base, ...products(sheet, use, l, at)])};`);
    return name;
  });
  return { lines, fixed: { names, at } };
}

function scaled(use: Use, l: number, value: number): number {
  return use.modes[l] === "quad" ? value / 4 : value;
}

/** The parts of an address that some coordinates give. */
function products(
  sheet: Sheet,
  use: Use,
  l: number,
  at: ReadonlyMap<number, Coordinate>,
): string[] {
  const load = use.source!.loads[l];
  const parts: string[] = [];
  for (const [axis, coordinate] of at) {
    const stride = load.strides.get(axis);
    if (stride === undefined) continue;
    if (axis === use.axis && use.modes[l] === "quad") parts.push(coordinate.q!);
    else {
      // That a stride is 1 is known in many texts; there the multiplication is left out.
      const name = `${use.name}${l}_s${axis}`;
      parts.push(
        stride === 1
          ? coordinate.e
          : `${wrapped(coordinate.e)} * ${param(sheet, name, scaled(use, l, stride))}`,
      );
    }
  }
  return parts;
}

function wrapped(text: string): string {
  return /^[\w.]+$/.test(text) ? text : `(${text})`;
}

function sum(parts: readonly string[]): string {
  return parts.length ? parts.join(" + ") : "0i";
}

/** Four values along the axis of the use; `accs` are quads too. */
export function quad(
  sheet: Sheet,
  use: Use,
  fixed: Fixed,
  at: ReadonlyMap<number, Coordinate>,
  accs: readonly string[] = [],
): { lines: string[]; text: string } {
  const all = new Map([...fixed.at, ...at]);
  const four = [0, 1, 2, 3];
  const vector = vectorOf(use.kind);
  if (!use.source) {
    const parts = four.map((j) => general(sheet, use, all, j, accs.map((a) => `${a}[${j}]`)));
    return { lines: [], text: `${vector}(${parts.join(", ")})` };
  }
  const values = use.source.loads.map((load, l) => {
    const address = sum([fixed.names[l], ...products(sheet, use, l, at)]);
    const type = sheet.ins[load.operand];
    if (use.modes[l] === "quad") return reader(sheet, "quad", load.operand, address);
    const kind = kindOf(type.dtype);
    if (use.modes[l] === "splat") {
      return `${vectorOf(kind)}(${reader(sheet, "element", load.operand, address)})`;
    }
    const step = param(sheet, `${use.name}${l}_s${use.axis}`, load.strides.get(use.axis)!);
    const parts = four.map((j) =>
      reader(sheet, "element", load.operand, `${address} + ${j} * ${step}`)
    );
    return `${vectorOf(kind)}(${parts.join(", ")})`;
  });
  const { body } = use.source;
  if (body.kind === "acc") return { lines: [], text: [...accs, ...values][body.index] };
  const id = sheet.fresh.next++;
  const lines = values.map((v, l) => `let ${use.name}v${l}_${id} = ${v};`);
  const parts = four.map((j) =>
    applied(sheet, use, all, j, [
      ...accs.map((a) => `${a}[${j}]`),
      ...values.map((_, l) => `${use.name}v${l}_${id}[${j}]`),
    ])
  );
  return { lines, text: `${vector}(${parts.join(", ")})` };
}

/** One value. */
export function element(
  sheet: Sheet,
  use: Use,
  fixed: Fixed,
  at: ReadonlyMap<number, Coordinate>,
  accs: readonly string[] = [],
): string {
  const all = new Map([...fixed.at, ...at]);
  if (!use.source) return general(sheet, use, all, 0, accs);
  const values = use.source.loads.map((load, l) => {
    const address = sum([fixed.names[l], ...products(sheet, use, l, at)]);
    return reader(sheet, "element", load.operand, address);
  });
  const { body } = use.source;
  if (body.kind === "acc") return [...accs, ...values][body.index];
  return applied(sheet, use, all, 0, [...accs, ...values]);
}

/** The value at neighbour `j`, by a function of the loads' values. */
function applied(
  sheet: Sheet,
  use: Use,
  at: ReadonlyMap<number, Coordinate>,
  j: number,
  values: readonly string[],
): string {
  const { body, axes } = use.source!;
  const kinds = new Map<number, Kind>();
  walk(body, (t) => t.kind === "acc" && kinds.set(t.index, t.type));
  const indices = [...kinds.keys()].sort((a, b) => a - b);
  const takes = [
    ...indices.map((i) => `acc${i}: ${kinds.get(i)}`),
    ...axes.map((axis) => `axis${axis}: i32`),
  ];
  const gives = [...indices.map((i) => values[i]), ...axes.map((a) => plus(use, at, a, j))];
  return called(sheet, `${use.name}_of`, use.kind, takes, body, gives);
}

/** The value at neighbour `j`, by a function of the coordinates that does the loads itself. */
function general(
  sheet: Sheet,
  use: Use,
  at: ReadonlyMap<number, Coordinate>,
  j: number,
  accs: readonly string[],
): string {
  const axes = new Set<number>();
  const kinds = new Map<number, Kind>();
  walk(use.term, (t) => {
    if (t.kind === "axis") axes.add(t.axis);
    if (t.kind === "acc") kinds.set(t.index, t.type);
  });
  const sorted = [...axes].sort((a, b) => a - b);
  const takes = [
    ...[...kinds].map(([i, kind]) => `acc${i}: ${kind}`),
    ...sorted.map((axis) => `axis${axis}: i32`),
  ];
  const gives = [...[...kinds.keys()].map((i) => accs[i]), ...sorted.map((a) => plus(use, at, a, j))];
  return called(sheet, `${use.name}_of`, use.kind, takes, use.term, gives);
}

function plus(use: Use, at: ReadonlyMap<number, Coordinate>, axis: number, j: number): string {
  const { e } = at.get(axis)!;
  return axis === use.axis && j > 0 ? `${e} + ${j}` : e;
}

/** A call of a function of the sheet, which is made if it is not there. */
function called(
  sheet: Sheet,
  name: string,
  kind: Kind,
  takes: readonly string[],
  body: Scalar,
  gives: readonly string[],
): string {
  if (!sheet.functions.some((f) => f.startsWith(`fn ${name}(`))) {
    const text = expressionOf(body, (leaf) => leafText(sheet, leaf));
    sheet.functions.push(`fn ${name}(${takes.join(", ")}) -> ${kind} {\n  return ${text};\n}`);
  }
  return `${name}(${gives.join(", ")})`;
}

function leafText(sheet: Sheet, leaf: Scalar): string {
  if (leaf.kind === "acc" || leaf.kind === "axis") {
    return leaf.kind + (leaf.kind === "acc" ? leaf.index : leaf.axis);
  }
  if (leaf.kind !== "load") throw new TypeError(`internal: no leaf ${leaf.kind}`);
  const say = (t: Scalar) => expressionOf(t, (l) => leafText(sheet, l));
  const value = reader(sheet, "element", leaf.operand, say(leaf.index));
  // Out of bounds reads give 0 or a neighbour and never fault, so a guard is a plain choice.
  if (!leaf.valid) return value;
  const fill = expressionOf({ kind: "lit", type: leaf.type, value: leaf.fill ?? 0 }, () => "");
  return `select(${fill}, ${value}, ${say(leaf.valid)})`;
}

/** A read of an operand, by a function that the finished text has. */
function reader(sheet: Sheet, what: "element" | "quad", operand: number, address: string): string {
  sheet.used.add(`${what}${operand}`);
  if (what === "quad") sheet.wide.add(`in${operand}`);
  return `${what}${operand}(${address})`;
}

/** A write of a result, one element or four. */
export function writer(
  sheet: Sheet,
  what: "element" | "quad",
  out: number,
  address: string,
  value: string,
): string {
  sheet.used.add(`put_${what}${out}`);
  if (what === "quad") sheet.wide.add(`out${out}`);
  return `put_${what}${out}(${address}, ${value});`;
}

/** The WGSL name of four values of a kind. */
export function vectorOf(kind: Kind): string {
  return `vec4<${kind}>`;
}
