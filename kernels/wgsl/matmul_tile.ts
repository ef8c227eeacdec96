/**
 * The register tile of a matrix product: each invocation sums a tile of results over all of k. Per
 * loaded number it does the most arithmetic, which is all that counts on a software adapter.
 * @module
 */
import type { MatmulForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { epilogueOf, inTurn, stores } from "./epilogue.ts";
import { indent, spreadGroups, type WgslKernel } from "./kernel.ts";
import {
  type At,
  atOf,
  fix,
  type Fixed,
  param,
  quad,
  readsQuads,
  type Sheet,
  sheetOf,
  single,
  type Use,
  useOf,
  vectorOf,
} from "./operand.ts";

/** Rows and columns of a tile, invocations of a work-group, operands bound as images. */
export interface TileVariant extends Variant {
  readonly tm: number;
  readonly tn: number;
  readonly group: number;
  /** Numbers of operands, separated by commas. */
  readonly images: string;
  /** Bounds on results are parameters. */
  readonly clips: boolean;
}

/** One side of the product: its rows or columns in a tile, and how they are read. */
interface Side {
  readonly use: Use;
  readonly along: "k" | "own" | "one";
  readonly name: "a" | "b";
  readonly tile: number;
  readonly fixed: Fixed[];
}

/** The kernel of a register tile. */
export function emitTile(form: MatmulForm, variant: TileVariant, limits: Limits): WgslKernel {
  const { tm, tn, group } = variant;
  const r = form.batch.length;
  const [m, n, k] = [r, r + 1, r + 2];
  const sheet = sheetOf(form.ins, form.outs, limits, imagesOf(variant));
  const epilogue = epilogueOf(sheet, form.outs, tm % 4 ? [n] : [n, m], variant.clips);
  const lines = placed(sheet, form, tm, tn, group, limits);
  const batch = new Map(form.batch.map((_, i) => [i, `z${i}`]));
  const own = (rest: readonly number[], mine: boolean) => mine ? rest : [];
  const sides = (along: readonly number[]) => [
    sideOf(sheet, form.a, "a", tm, [...along, ...own([m], tm % 4 === 0)], k),
    sideOf(sheet, form.b, "b", tn, [...along, n], k),
  ];
  // Where quads along k read no more, one step of k at a time makes the shortest core.
  const [short, long] = [sides([]), sides([k])];
  const quadsIn = (all: readonly Side[]) => all.filter(({ along }) => along !== "one").length;
  const isShort = form.k % 4 > 0 || quadsIn(short) >= quadsIn(long);
  const [a, b] = isShort ? short : long;
  const step = !isShort ? 4 : form.k % 2 ? 1 : 2;
  fixSide(sheet, a, batch, m, "row", "m", lines);
  fixSide(sheet, b, batch, n, "column", "n", lines);

  const vector = vectorOf(form.a.type);
  const columns = Array.from({ length: tn / 4 }, (_, j) => j);
  const rows = Array.from({ length: tm }, (_, i) => i);
  for (const i of rows) {
    for (const j of columns) lines.push(`var c${i}_${j} = ${vector}();`);
  }
  const core: string[] = [`let k = s * ${step};`];
  const right = values(sheet, b, k, step, core);
  const left = values(sheet, a, k, step, core);
  for (let q = 0; q < step; q++) {
    for (const j of columns) {
      const parts = [0, 1, 2, 3].map((l) => right.ones[q][4 * j + l]).join(", ");
      core.push(`let v${q}_${j} = ${right.quads?.[q][j] ?? `${vector}(${parts})`};`);
    }
  }
  // All steps of one sum, then the next sum: what is summed stays in a register for a while.
  for (const i of rows) {
    for (let q = 0; q < step; q++) core.push(`let u${q}_${i} = ${vector}(${left.ones[q][i]});`);
    for (const j of columns) {
      for (let q = 0; q < step; q++) {
        core.push(fused(form.a.type, `c${i}_${j}`, `u${q}_${i}`, `v${q}_${j}`));
      }
    }
  }
  const steps = param(sheet, "steps", form.k / step);
  lines.push(`for (var s = 0; s < ${steps}; s++) {`, ...indent(core), `}`);

  // The tile's quads in the order in which they are written, along the results' axis.
  const isAcross = epilogue.axis === n;
  const across = isAcross ? columns.length : tm / 4;
  const quads: string[] = [];
  if (isAcross) { for (const i of rows) for (const j of columns) quads.push(`c${i}_${j}`); }
  else {
    for (let j = 0; j < tn; j++) {
      for (let i = 0; i < tm; i += 4) {
        const parts = [0, 1, 2, 3].map((l) => `c${i + l}_${j >> 2}[${j & 3}]`).join(", ");
        lines.push(`var d${j}_${i} = ${vector}(${parts});`);
        quads.push(`d${j}_${i}`);
      }
    }
  }
  const [down, along] = [`e${across > 1 ? ` / ${across}` : ""}`, `e % ${across} * 4`];
  const [y, x] = isAcross ? [down, along] : [along, down];
  const body = [
    `let y = row + ${across > 1 || isAcross ? y : "0"};`,
    `let x = column + ${across > 1 || !isAcross ? x : "0"};`,
    `if (y < m && x < n) {`,
    ...indent(stores(
      sheet,
      epilogue,
      "e",
      new Map([...batch, [m, "y"], [n, "x"]]),
      quads[0],
      (j) => isAcross ? `x + ${j} < n` : `y + ${j} < m`,
    )),
    `}`,
  ];
  lines.push(...inTurn(sheet, quads, body));
  const tiles = Math.ceil(form.m / tm) * Math.ceil(form.n / tn) * sizeOf(form.batch);
  return sheet.module.finish({
    body: [...[...sheet.named.values()].map((p) => p.line), ...lines],
    group: [group, 1, 1],
    workgroups: spreadGroups(Math.ceil(tiles / group), limits),
    iterations: form.k / step + quads.length,
  });
}

/** `c += u * v` in the words of the kind. */
export function fused(kind: string, c: string, u: string, v: string): string {
  return kind === "f32" ? `${c} = fma(${u}, ${v}, ${c});` : `${c} += ${u} * ${v};`;
}

/** Operands that a variant binds as images. */
export function imagesOf(variant: Variant): number[] {
  return String(variant.images ?? "").split(",").filter(Boolean).map(Number);
}

/** Lines that place an invocation: `row`, `column` and the batch coordinates. */
function placed(
  sheet: Sheet,
  form: MatmulForm,
  tm: number,
  tn: number,
  group: number,
  limits: Limits,
): string[] {
  param(sheet, "m", form.m);
  param(sheet, "n", form.n);
  const columns = param(sheet, "columns", Math.ceil(form.n / tn));
  const rows = param(sheet, "rows", Math.ceil(form.m / tm));
  const tiles = Math.ceil(form.m / tm) * Math.ceil(form.n / tn) * sizeOf(form.batch);
  const [wide] = spreadGroups(Math.ceil(tiles / group), limits);
  const span = param(sheet, "span", wide * group);
  const lines = [
    `var id = i32(gid.x) + i32(gid.y) * ${span};`,
    `if (id >= ${param(sheet, "tiles", tiles)}) { return; }`,
    `let column = id % ${columns} * ${tn};`,
    `id /= ${columns};`,
    `let row = id % ${rows} * ${tm};`,
    `id /= ${rows};`,
  ];
  for (let i = form.batch.length - 1; i >= 0; i--) {
    if (i === 0) lines.push(`let z0 = id;`);
    else {
      const extent = param(sheet, `batch${i}`, form.batch[i]);
      lines.push(`let z${i} = id % ${extent};`, `id /= ${extent};`);
    }
  }
  return lines;
}

/** A side read as quads along the first axis that allows it, of k and its own; else one by one. */
function sideOf(
  sheet: Sheet,
  term: MatmulForm["a"],
  name: "a" | "b",
  tile: number,
  axes: readonly number[],
  k: number,
): Side {
  const uses = axes.map((axis) => useOf(sheet, name === "a" ? "left" : "right", term, axis));
  const use = uses.find(readsQuads) ?? useOf(sheet, name === "a" ? "left" : "right", term, -1);
  const along = use.axis < 0 ? "one" : use.axis === k ? "k" : "own";
  return { use, along, name, tile, fixed: [] };
}

/** Fixes the rows or columns of a tile; past the end they repeat the last, so the core is whole. */
function fixSide(
  sheet: Sheet,
  side: Side,
  batch: At,
  axis: number,
  first: string,
  extent: string,
  lines: string[],
): void {
  const width = side.along === "own" ? 4 : 1;
  for (let i = 0; i < side.tile; i += width) {
    const at = `${first}${i}`;
    lines.push(`let ${at} = min(${first} + ${i}, ${extent} - ${width});`);
    side.fixed.push(fix(sheet, side.use, `${i}`, new Map([...batch, [axis, at]]), lines));
  }
}

/** The values of one step: `ones[q][i]`, and quads along the own axis where they are read so. */
function values(
  sheet: Sheet,
  side: Side,
  k: number,
  step: number,
  lines: string[],
): { ones: string[][]; quads?: string[][] } {
  const { along, name } = side;
  const ones: string[][] = Array.from({ length: step }, () => []);
  const quads: string[][] = Array.from({ length: step }, () => []);
  if (along === "k") {
    side.fixed.forEach((fixed, i) => {
      lines.push(`let ${name}${i} = ${quad(sheet, fixed, new Map([[k, "k"]]))};`);
      for (let q = 0; q < step; q++) ones[q].push(`${name}${i}[${q}]`);
    });
    return { ones };
  }
  for (let q = 0; q < step; q++) {
    const at = atOf([k, ["k", q]]);
    side.fixed.forEach((fixed, i) => {
      const value = `${name}${q}_${i}`;
      if (along === "own") {
        lines.push(`let ${value} = ${quad(sheet, fixed, at)};`);
        quads[q].push(value);
        for (let l = 0; l < 4; l++) ones[q].push(`${value}[${l}]`);
      } else {
        lines.push(`let ${value} = ${single(sheet, fixed, at)};`);
        ones[q].push(value);
      }
    });
  }
  return along === "own" ? { ones, quads } : { ones };
}
