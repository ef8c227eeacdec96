/**
 * Direct convolution: each invocation sums a tile of output channels, columns and rows over all
 * channels and taps, output channels four at a time. Kernel, stride and left padding are in the
 * text; channels, sizes and strides are parameters.
 * @module
 */
import type { ConvForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { epilogueOf, inTurn, stores } from "./epilogue.ts";
import { indent, spreadGroups, type WgslKernel } from "./kernel.ts";
import { fused, imagesOf } from "./matmul_tile.ts";
import {
  atOf,
  type Coordinate,
  fix,
  param,
  quad,
  type Sheet,
  sheetOf,
  useOf,
  vectorOf,
} from "./operand.ts";
import { columnChecks, fixRow, readRow, type Row, type Window, windowOf } from "./window.ts";

/** Output channels, columns and rows of a tile; `across`: neighbours are channels, not columns. */
export interface DirectVariant extends Variant {
  readonly to: number;
  readonly tx: number;
  readonly ty: number;
  readonly across: boolean;
  readonly group: number;
  readonly images: string;
}

/** The kernel of a direct convolution. */
export function emitDirect(form: ConvForm, variant: DirectVariant, limits: Limits): WgslKernel {
  const { to, tx, ty } = variant;
  const [kh, kw] = form.kernel;
  const sheet = sheetOf(form.ins, form.outs, limits, imagesOf(variant));
  const epilogue = epilogueOf(sheet, form.outs, tx % 4 ? [2] : [4], true);
  const lines: string[] = [];
  const tiles = placeTile(sheet, form, variant, limits, lines);
  const window = windowOf(sheet, form, variant, true);
  columnChecks(window, lines);
  const vector = vectorOf(form.w.type);
  const quads = Array.from({ length: to / 4 }, (_, j) => j);
  const cells = Array.from({ length: ty * tx }, (_, i) => [Math.floor(i / tx), i % tx]);

  const weights = useOf(sheet, "w", form.w, 1);
  const fixed = quads.map((j) => {
    // A quad past the end repeats the last one; a ragged end reads its neighbours' numbers.
    const o = form.o % 4 ? `o + ${4 * j}` : `min(o + ${4 * j}, outputs - 4)`;
    lines.push(`let o${j} = ${o};`);
    return fix(sheet, weights, `${j}`, new Map([[0, "g"], [1, `o${j}`]]), lines);
  });
  for (const [y, x] of cells) {
    for (const j of quads) lines.push(`var c${y}_${x}_${j} = ${vector}();`);
  }
  const place = new Map([[0, "n"], [1, "g"]]);
  /** The products of one kernel row with one row of inputs, for row y of the tile. */
  const taps = (row: Map<number, string>, y: number, ky: string, id: string, core: string[]) => {
    for (let kx = 0; kx < kw; kx++) {
      for (let x = 0; x < tx; x++) {
        const column = x * form.stride[1] + kx * form.dilate[1] - form.pad[1];
        core.push(`let u${id}_${kx}_${x} = ${vector}(${row.get(column)});`);
        for (const j of quads) {
          core.push(
            fused(form.w.type, `c${y}_${x}_${j}`, `u${id}_${kx}_${x}`, `w${ky}_${kx}_${j}`),
          );
        }
      }
    }
  };
  const weightRow = (ky: Coordinate, name: string, core: string[]) => {
    for (let kx = 0; kx < kw; kx++) {
      for (const j of quads) {
        const at = atOf([2, "c"], [3, ky], [4, ["", kx]]);
        core.push(`let w${name}_${kx}_${j} = ${quad(sheet, fixed[j], at)};`);
      }
    }
  };
  const core: string[] = [];
  const channels = param(sheet, "channels", form.c);
  const isUnrolled = kh * kw <= 9;
  if (isUnrolled) {
    const rows = new Map<number, Row>();
    for (let y = 0; y < ty; y++) {
      for (let ky = 0; ky < kh; ky++) {
        const r = y * form.stride[0] + ky * form.dilate[0];
        if (!rows.has(r)) rows.set(r, rowAt(window, r, place, lines));
      }
    }
    for (let ky = 0; ky < kh; ky++) weightRow(["", ky], `${ky}`, core);
    for (const [r, row] of [...rows].sort(([a], [b]) => a - b)) {
      const values = readRow(window, row, "c", core);
      for (let y = 0; y < ty; y++) {
        const ky = (r - y * form.stride[0]) / form.dilate[0];
        if (Number.isInteger(ky) && ky >= 0 && ky < kh) {
          taps(values, y, `${ky}`, `${y}_${ky}`, core);
        }
      }
    }
  } else {
    const row: string[] = [];
    const at = fixRow(window, "r", place, "row", "", row);
    const values = readRow(window, at, "c", row);
    weightRow("ky", "", row);
    taps(values, 0, "", "", row);
    const dilate = param(sheet, "dilate", form.dilate[0]);
    core.push(
      `for (var ky = 0; ky < ${param(sheet, "taps", kh)}; ky++) {`,
      `  let row = top + ky * ${dilate};`,
      `  if (row >= 0 && row < height) {`,
      ...indent(indent(row)),
      `  }`,
      `}`,
    );
  }
  lines.push(`for (var c = 0; c < ${channels}; c++) {`, ...indent(core), `}`);
  // The tile's quads in the order in which they are written: along columns, or output channels.
  const isAcross = epilogue.axis === 4;
  const names: string[] = [];
  for (let y = 0; y < ty; y++) {
    for (let o = 0; o < to; o += isAcross ? 1 : 4) {
      for (let x = 0; x < tx; x += isAcross ? 4 : 1) {
        const parts = [0, 1, 2, 3].map((l) => `c${y}_${x + l}_${o >> 2}[${o & 3}]`).join(", ");
        const name = isAcross ? `d${y}_${x}_${o}` : `c${y}_${x}_${o >> 2}`;
        if (isAcross) lines.push(`var ${name} = ${vector}(${parts});`);
        names.push(name);
      }
    }
  }
  const [deep, wide] = isAcross ? [to, tx / 4] : [to / 4, tx];
  const place5 = new Map([[0, "n"], [1, "g"], [2, "z"], [3, "y"], [4, "x"]]);
  const body = [
    `let x = ox + e % ${wide}${isAcross ? " * 4" : ""};`,
    `let z = o + e / ${wide} % ${deep}${isAcross ? "" : " * 4"};`,
    `let y = oy + e / ${wide * deep};`,
    `if (x < columns && z < outputs && y < rows) {`,
    ...indent(stores(
      sheet,
      epilogue,
      "e",
      place5,
      names[0],
      (l) => isAcross ? `x + ${l} < columns` : `z + ${l} < outputs`,
    )),
    `}`,
  ];
  lines.push(...inTurn(sheet, names, body));
  return sheet.module.finish({
    body: [...[...sheet.named.values()].map((p) => p.line), ...lines],
    group: [variant.group, 1, 1],
    workgroups: spreadGroups(Math.ceil(tiles / variant.group), limits),
    iterations: names.length + (isUnrolled ? form.c : form.c * (1 + kh)),
  });
}

/** Fixes the input row `r` below the tile's first. */
export function rowAt(
  window: Window,
  r: number,
  place: ReadonlyMap<number, string>,
  lines: string[],
): Row {
  lines.push(`let row${r} = top + ${r};`, `let in_row${r} = row${r} >= 0 && row${r} < height;`);
  return fixRow(window, `r${r}`, place, `row${r}`, `in_row${r}`, lines);
}

const orderDown = ["ox", "oy", "o", "g", "n"] as const;

/** Lines that place an invocation's tile; gives the number of tiles. */
export function placeTile(
  sheet: Sheet,
  form: ConvForm,
  tile: { to: number; tx: number; ty: number; across: boolean; group: number },
  limits: Limits,
  lines: string[],
): number {
  const [height, width] = form.output;
  const counts = {
    ox: [Math.ceil(width / tile.tx), tile.tx],
    oy: [Math.ceil(height / tile.ty), tile.ty],
    o: [Math.ceil(form.o / tile.to), tile.to],
    g: [form.g, 1],
    n: [form.n, 1],
  };
  const order = tile.across ? ["o", "ox", "oy", "g", "n"] as const : orderDown;
  const tiles = order.reduce((all, name) => all * counts[name][0], 1);
  const [groups] = spreadGroups(Math.ceil(tiles / tile.group), limits);
  const span = param(sheet, "span", groups * tile.group);
  lines.push(
    `let id = i32(gid.x) + i32(gid.y) * ${span};`,
    `if (id >= ${param(sheet, "tiles", tiles)}) { return; }`,
  );
  // Which coordinate runs fastest is a matter of parameters, so one text serves both orders.
  for (const name of orderDown) {
    const before = order.slice(0, order.indexOf(name));
    const every = before.reduce((all, other) => all * counts[other][0], 1);
    const [count, step] = counts[name];
    const at = `id / ${param(sheet, `every_${name}`, every)} % ${
      param(sheet, `tiles_${name}`, count)
    }`;
    // Rows of a tile may be a matter of a loop, and so of a parameter.
    const by = name === "oy" ? param(sheet, "tall", step) : `${step}`;
    lines.push(`let ${name} = ${at}${step === 1 && name !== "oy" ? "" : ` * ${by}`};`);
  }
  param(sheet, "outputs", form.o);
  param(sheet, "rows", height);
  param(sheet, "columns", width);
  param(sheet, "height", form.input[0]);
  param(sheet, "width", form.input[1]);
  const top = param(sheet, "pad", form.pad[0]);
  lines.push(`let left = ox * ${form.stride[1]};`);
  lines.push(`let top = oy * ${param(sheet, "stride", form.stride[0])} - ${top};`);
  return tiles;
}
