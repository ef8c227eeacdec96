/**
 * The register tile of a matrix product: each invocation sums a tile of results over all of k. Per
 * loaded number it does the most arithmetic, which is all that counts on a software adapter.
 * @module
 */
import type { MatmulForm } from "../../lib/core/form.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sourceOf } from "./access.ts";
import { epilogueAxis, epilogueOf, stores } from "./epilogue.ts";
import {
  type Coordinate,
  element,
  fix,
  type Fixed,
  isQuad,
  param,
  quad,
  type Sheet,
  sheetOf,
  type Use,
  useOf,
  vectorOf,
} from "./operand.ts";
import { finish } from "./sheet_text.ts";

type At = Map<number, Coordinate>;

/** How an operand of the product is read: quads along k, along its own axis, or single values. */
interface Side {
  readonly use: Use;
  readonly along: "k" | "own" | "one";
}

/** The text and parameters of a register tile. */
export function tileText(
  form: MatmulForm,
  variant: Variant,
): { text: string; params: Map<string, number>; tiles: number; group: number } {
  const { tm, tn, group } = variant as Variant & Record<"tm" | "tn" | "group", number>;
  const r = form.batch.length;
  const rank = r + 3;
  const [m, n, k] = [r, r + 1, r + 2];
  const { axis, quad: whole } = epilogueAxis(form.outs, tm % 4 ? [n] : [n, m])!;
  const sheet = sheetOf(form.ins, form.outs.map((o) => o.type), imagesOf(variant));
  const epilogue = epilogueOf(sheet, form.outs, rank, axis, whole);
  const step = form.k % 4 ? 1 : 4;
  const a = sideOf(sheet, "a", form.a, rank, m, step === 4 ? k : -1, tm % 4 === 0);
  const b = sideOf(sheet, "b", form.b, rank, n, step === 4 ? k : -1, true);
  const lines = tilePlace(sheet, form, tm, tn, group);
  const batch: At = new Map(form.batch.map((_, i) => [i, { e: `b${i}` }]));

  // Rows and columns past the end repeat the last, so that the core has no branches.
  const rows = own(sheet, a, "i", batch, m, tm, form.m, lines, "m");
  const columns = own(sheet, b, "j", batch, n, tn, form.n, lines, "n");
  const vector = vectorOf(form.a.type);
  const nv = tn / 4;
  for (let i = 0; i < tm; i++) {
    for (let j = 0; j < nv; j++) lines.push(`var c${i}_${j} = ${vector}();`);
  }
  const steps = param(sheet, "steps", form.k / step);
  lines.push(`for (var s = 0; s < ${steps}; s++) {`);
  if (step === 4) lines.push("let k = s * 4;");
  const at: At = new Map([[k, { e: step === 4 ? "k" : "s", q: "s" }]]);
  const right = values(sheet, b, "b", columns, at, k, tn, step, lines);
  const left = values(sheet, a, "a", rows, at, k, tm, step, lines);
  // The values of B are made quads along n, whatever way they were read.
  for (let q = 0; q < step; q++) {
    for (let j = 0; j < nv; j++) {
      const name = right.quads?.[q][j] ??
        `${vector}(${[0, 1, 2, 3].map((l) => right.ones[q][4 * j + l]).join(", ")})`;
      lines.push(`let v${q}_${j} = ${name};`);
    }
  }
  for (let q = 0; q < step; q++) {
    for (let i = 0; i < tm; i++) {
      for (let j = 0; j < nv; j++) {
        const c = `c${i}_${j}`;
        lines.push(
          form.a.type === "f32"
            ? `${c} = fma(${vector}(${left.ones[q][i]}), v${q}_${j}, ${c});`
            : `${c} += ${vector}(${left.ones[q][i]}) * v${q}_${j};`,
        );
      }
    }
  }
  lines.push("}");
  const put = (id: string, i: string, j: string, acc: string) => {
    const here: At = new Map([...batch, [m, quadOf(i)], [n, quadOf(j)]]);
    return stores(sheet, epilogue, id, here, acc, (l) =>
      axis === n ? `${j} + ${l} < p.n` : `${i} + ${l} < p.m`);
  };
  if (axis === n) {
    for (let i = 0; i < tm; i++) {
      lines.push(`if (row + ${i} < p.m) {`);
      for (let j = 0; j < nv; j++) {
        lines.push(`if (column + ${4 * j} < p.n) {`);
        lines.push(...put(`${i}_${j}`, `(row + ${i})`, `(column + ${4 * j})`, `c${i}_${j}`), "}");
      }
      lines.push("}");
    }
  } else {
    for (let j = 0; j < tn; j++) {
      lines.push(`if (column + ${j} < p.n) {`);
      for (let i = 0; i < tm; i += 4) {
        const acc = [0, 1, 2, 3].map((l) => `c${i + l}_${j >> 2}[${j & 3}]`).join(", ");
        lines.push(`if (row + ${i} < p.m) {`, `let t${i}_${j} = ${vector}(${acc});`);
        lines.push(...put(`${i}_${j}`, `(row + ${i})`, `(column + ${j})`, `t${i}_${j}`), "}");
      }
      lines.push("}");
    }
  }
  const tiles = Math.ceil(form.m / tm) * Math.ceil(form.n / tn) * product(form.batch);
  return { text: finish(sheet, `${group}`, lines), params: sheet.params, tiles, group };
}

function quadOf(text: string): Coordinate {
  return { e: text, q: `${text} / 4` };
}

function product(extents: readonly number[]): number {
  return extents.reduce((a, b) => a * b, 1);
}

/** Operands that a variant binds as images. */
export function imagesOf(variant: Variant): number[] {
  return String(variant.images ?? "").split(",").filter(Boolean).map(Number);
}

function sideOf(
  sheet: Sheet,
  name: string,
  term: MatmulForm["a"],
  rank: number,
  own: number,
  k: number,
  quadsOwn: boolean,
): Side {
  const source = sourceOf(term, 0);
  const along = (axis: number) => useOf(sheet, name, term, source, axis, rank);
  if (k >= 0 && isQuad(along(k))) return { use: along(k), along: "k" };
  if (quadsOwn && isQuad(along(own))) return { use: along(own), along: "own" };
  return { use: along(-1), along: "one" };
}

/** Lines that place an invocation: `row`, `column` and the batch coordinates. */
function tilePlace(
  sheet: Sheet,
  form: MatmulForm,
  tm: number,
  tn: number,
  group: number,
): string[] {
  const columns = param(sheet, "columns", Math.ceil(form.n / tn));
  const rows = param(sheet, "rows", Math.ceil(form.m / tm));
  const lines = [
    // Dispatches past the limit of one dimension go on in the second.
    `var id = i32(gid.x + gid.y * ${65535 * group}u);`,
    `let column = id % ${columns} * ${tn};`,
    `id /= ${columns};`,
    `let row = id % ${rows} * ${tm};`,
    `id /= ${rows};`,
  ];
  for (let i = form.batch.length - 1; i > 0; i--) {
    const extent = param(sheet, `batch${i}`, form.batch[i]);
    lines.push(`let b${i} = id % ${extent};`, `id /= ${extent};`);
  }
  const batch = param(sheet, "batch0", form.batch[0] ?? 1);
  lines.push(`let b0 = id;`, `if (b0 >= ${batch}) {`, "return;", "}");
  param(sheet, "m", form.m);
  param(sheet, "n", form.n);
  return lines;
}

/** Fixes the rows of A or the columns of B of a tile. */
function own(
  sheet: Sheet,
  side: Side,
  id: string,
  batch: At,
  axis: number,
  tile: number,
  extent: number,
  lines: string[],
  name: "m" | "n",
): Fixed[] {
  const first = name === "m" ? "row" : "column";
  const width = side.along === "own" ? 4 : 1;
  const fixed: Fixed[] = [];
  for (let i = 0; i < tile; i += width) {
    const at = `${first}${i}`;
    lines.push(`let ${at} = min(${first} + ${i}, p.${name} - ${width});`);
    const made = fix(sheet, side.use, `${id}${i}`, new Map([...batch, [axis, quadOf(at)]]));
    lines.push(...made.lines);
    fixed.push(made.fixed);
  }
  void extent;
  return fixed;
}

/** The values of one step: `ones[q][i]`, and quads along the own axis where they were read so. */
function values(
  sheet: Sheet,
  side: Side,
  name: string,
  fixed: readonly Fixed[],
  at: At,
  k: number,
  tile: number,
  step: number,
  lines: string[],
): { ones: string[][]; quads?: string[][] } {
  const ones: string[][] = Array.from({ length: step }, () => []);
  if (side.along === "k") {
    for (let i = 0; i < tile; i++) {
      const read = quad(sheet, side.use, fixed[i], at);
      lines.push(...read.lines, `let ${name}${i} = ${read.text};`);
      for (let q = 0; q < step; q++) ones[q].push(`${name}${i}[${q}]`);
    }
    return { ones };
  }
  const quads: string[][] = [];
  for (let q = 0; q < step; q++) {
    const e = at.get(k)!.e;
    const here: At = new Map([[k, { e: q ? `(${e} + ${q})` : e }]]);
    quads.push([]);
    for (let i = 0; i < fixed.length; i++) {
      const it = `${name}${q}_${i}`;
      if (side.along === "own") {
        const read = quad(sheet, side.use, fixed[i], here);
        lines.push(...read.lines, `let ${it} = ${read.text};`);
        quads[q].push(it);
        for (let l = 0; l < 4; l++) ones[q].push(`${it}[${l}]`);
      } else {
        lines.push(`let ${it} = ${element(sheet, side.use, fixed[i], here)};`);
        ones[q].push(it);
      }
    }
  }
  return side.along === "own" ? { ones, quads } : { ones };
}
