/**
 * The input of a convolution as an invocation reads it: rows of the window under a tile of outputs,
 * in quads where they are aligned and at least two of four are needed, with zeros outside.
 * @module
 */
import type { ConvForm } from "../../lib/core/form.ts";
import type { Scalar } from "../../lib/core/scalar.ts";
import { type At, atOf, fix, type Fixed, quad, readsQuads, type Sheet, single } from "./operand.ts";
import { type Use, useOf } from "./operand.ts";
import { leavesOf } from "./strides.ts";

/** A tile of outputs: columns and rows. */
export interface Tile {
  readonly tx: number;
  readonly ty: number;
}

/** How the columns of an input row are read. */
export interface Window {
  readonly ones: Use;
  readonly quads?: Use;
  /** Columns needed, relative to `left`, the first output's column times the stride. */
  readonly columns: readonly number[];
  readonly form: ConvForm;
  readonly tile: Tile;
  readonly sheet: Sheet;
}

/** One row of the window, fixed outside the loop over channels. */
export interface Row {
  readonly id: string;
  readonly ones: Fixed;
  readonly quads?: Fixed;
  /** The row's number, as text. */
  readonly at: string;
  /** The condition under which the row exists; empty where it surely does. */
  readonly inside: string;
}

/** The window of a form's input under a tile; `quads` allows reading whole quads. */
export function windowOf(sheet: Sheet, form: ConvForm, tile: Tile, quads: boolean): Window {
  const own = plainUse(sheet, form.x, -1);
  const wide = plainUse(sheet, form.x, 4);
  const columns = new Set<number>();
  for (let i = 0; i < tile.tx; i++) {
    for (let k = 0; k < form.kernel[1]; k++) {
      columns.add(i * form.stride[1] + k * form.dilate[1] - form.pad[1]);
    }
  }
  const aligned = quads && readsQuads(wide) && form.input[1] % 4 === 0 &&
    (tile.tx * form.stride[1]) % 4 === 0;
  return {
    ones: own,
    quads: aligned ? wide : undefined,
    columns: [...columns].sort((a, b) => a - b),
    form,
    tile,
    sheet,
  };
}

/** A use whose body knows no coordinates, so that they can be added up; else a general one. */
function plainUse(sheet: Sheet, term: Scalar, axis: number): Use {
  const use = useOf(sheet, "x", term, axis);
  const plain = use.source && leavesOf(use.source.body).axes.length === 0;
  return plain ? use : { ...use, source: undefined, modes: ["general"] };
}

/** Fixes a row; `left` is the column of the window's origin. */
export function fixRow(
  window: Window,
  id: string,
  at: At,
  row: string,
  inside: string,
  lines: string[],
): Row {
  const { sheet, ones, quads } = window;
  const place: At = ones.source
    ? new Map([...at, [3, row], [4, "left"]])
    : new Map([...at, [3, row]]);
  const fixed = fix(sheet, ones, id, place, lines);
  // Both uses read the same addresses; only how many elements at a time differs.
  return { id, at: row, inside, ones: fixed, quads: quads && { ...fixed, use: quads } };
}

/** Lines that name the conditions of columns, outside the loops; the same for all rows. */
export function columnChecks(window: Window, lines: string[]): void {
  for (const group of groupsOf(window)) {
    const text = checkOf(window, group.first, group.last);
    if (text) lines.push(`let ${nameOf(group.first)} = ${text};`);
  }
}

interface Group {
  readonly first: number;
  readonly last: number;
  readonly isQuad: boolean;
}

/** The columns as they are read: whole quads and single ones. */
function groupsOf(window: Window): Group[] {
  const { columns } = window;
  const single = (c: number): Group => ({ first: c, last: c, isQuad: false });
  if (!window.quads) return columns.map(single);
  const quads = new Map<number, number[]>();
  for (const c of columns) {
    const q = Math.floor(c / 4);
    quads.set(q, [...quads.get(q) ?? [], c]);
  }
  return [...quads].flatMap(([q, members]) =>
    members.length > 1 ? [{ first: 4 * q, last: 4 * q + 3, isQuad: true }] : members.map(single)
  );
}

/** When columns are inside; an aligned quad is all in or all out. */
function checkOf(window: Window, first: number, last: number): string {
  const { form } = window;
  // Where tiles end is left to parameters; where they begin is inside, but for odd paddings.
  const isSure = first === 0 && last < 4 && (form.output[1] - 1) * form.stride[1] < form.input[1];
  const left = first < 0 ? [`left + ${first} >= 0`] : [];
  return [...left, ...(isSure ? [] : [`left + ${first} < width`])].join(" && ");
}

function nameOf(first: number): string {
  return `in_${first < 0 ? `m${-first}` : first}`;
}

/** Reads a row in the loop over channels; gives the text of each column's value. */
export function readRow(
  window: Window,
  row: Row,
  channel: string,
  lines: string[],
): Map<number, string> {
  const { sheet, form } = window;
  const values = new Map<number, string>();
  for (const { first, last, isQuad } of groupsOf(window)) {
    const at = atOf([2, channel], [4, [row.ones.use.source ? "" : "left", first]]);
    const value = isQuad ? quad(sheet, row.quads!, at) : single(sheet, row.ones, at);
    const conditions = [row.inside, checkOf(window, first, last) && nameOf(first)].filter(Boolean);
    const kind = isQuad ? `vec4<${form.x.type}>` : form.x.type;
    const name = `x${row.id}_${nameOf(first)}`;
    lines.push(
      conditions.length
        ? `let ${name} = select(${kind}(), ${value}, ${conditions.join(" && ")});`
        : `let ${name} = ${value};`,
    );
    for (let c = first; c <= last; c++) values.set(c, isQuad ? `${name}[${c - first}]` : name);
    if (isQuad) values.set(quadKey(first), name);
  }
  return values;
}

/** The key under which `readRow` keeps a whole quad; no column is a fraction. */
export function quadKey(first: number): number {
  return first + 0.5;
}
