/**
 * Contractions: loops that walk the result in tiles. Units are rows of the result, or panels of
 * columns where the right operand is larger than what the rows need of the caches.
 * @module
 */
import type { ConvForm, MatmulForm } from "../../lib/core/form.ts";
import { plusIndex, timesIndex } from "../../lib/core/index.ts";
import { printScalar, type Scalar } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { axis } from "../sums.ts";
import type { Local } from "./code.ts";
import type { Contraction } from "./contraction.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { decode, typesOf, weightOf } from "./map.ts";
import type { ModuleWriter } from "./module.ts";
import type { Scope } from "./scope.ts";
import { type Tile, tileFunction } from "./tile.ts";

/** Rows of a tile for each width: as many sums as registers hold. */
function tileRows(width: number, madd: boolean): number {
  if (!madd) return width <= 8 ? 4 : 2;
  return width >= 16 ? 2 : width >= 12 ? 3 : width >= 8 ? 6 : 8;
}

/** Bytes of the right operand from which few rows are split by panels. */
const heavy = 256 * 1024;
/** Units by rows that keep threads busy. */
const enough = 16;

/** Panels of one width that follow each other. */
interface Run {
  readonly width: number;
  readonly count: number;
  readonly first: number;
  /** Columns of the last panel; others are full. */
  readonly last: number;
}

/** The kernel of a contraction. */
export function contractKernel(
  form: MatmulForm | ConvForm,
  contraction: Contraction,
  variant: Variant,
): WasmKernel {
  const { extents, outer, sums, right, outs } = contraction;
  const columns = extents[contraction.column];
  const rows = contraction.row < extents.length ? extents[contraction.row] : 1;
  const depth = sizeOf(sums.map(({ extent }) => extent));
  const loops = sizeOf(extents.slice(0, outer));
  const runs = runsOf(right.widths, columns);
  const byPanels = variant.split === "panels" ||
    (variant.split !== "rows" && depth * columns * 4 > heavy && loops * rows <= 64 &&
      right.widths.length > 1);
  // Rows of a unit: a few tiles, or all of them where other loops make units enough.
  const block = loops >= enough ? rows : Math.max(12, Math.ceil(rows * loops / 64 / 12) * 12);
  const blocks = Math.ceil(rows / block);
  const units = byPanels ? right.widths.length : loops * blocks;
  const key = `contract ${extents} ${outer} ${contraction.row} ${JSON.stringify(sums)} ` +
    `${printScalar(contraction.left.index)} ${contraction.left.rowStep} ` +
    `${printScalar(right.index)} ${right.widths} ${byPanels} ${block} ` +
    `${outs.map(printScalar).join(";")} ${typesOf(form)}`;
  const work = columns * rows * loops * (depth + weightOf(outs));
  return {
    key,
    name: form.kind,
    units,
    cost: work / Math.max(1, units),
    packs: form.ins.map((_, i) => i === right.operand ? right.packing : undefined),
    write: (module) =>
      kernelFunction(module, key, form.kind, form, outs, (root, code) => {
        const how: How = { module, contraction, runs, rows, block };
        const unit = code.local("i32");
        code.get(firstUnit);
        code.set(unit);
        const inner = root.child({});
        if (byPanels) panelUnit(inner, how, unit);
        else rowUnit(inner, how, unit, blocks);
        countedLoop(code, unit, { local: endUnit }, 1, inner.code);
      }),
  };
}

interface How {
  readonly module: ModuleWriter;
  readonly contraction: Contraction;
  readonly runs: readonly Run[];
  readonly rows: number;
  readonly block: number;
}

function runsOf(widths: readonly number[], columns: number): Run[] {
  const runs: Run[] = [];
  let first = 0;
  for (const width of widths) {
    const there = Math.min(width, columns - first);
    const before = runs.at(-1);
    // A panel that is not full is a run of its own: its tile writes fewer columns.
    if (before && before.width === width && before.last === width && there === width) {
      runs[runs.length - 1] = { ...before, count: before.count + 1 };
    } else runs.push({ width, count: 1, first, last: there });
    first += width;
  }
  return runs;
}

/** A unit of some rows: all panels, and in each the tiles of the rows. */
function rowUnit(scope: Scope, how: How, unit: Local, blocks: number): void {
  const { contraction: { extents, outer }, rows, block } = how;
  const { code } = scope;
  const lead = [...extents.slice(0, outer), blocks];
  const axes = new Map(lead.map((_, i) => [i, code.local("i32")]));
  decode(code, unit, lead, axes);
  const start = code.local("i32");
  code.get(axes.get(outer)!);
  code.i32(block);
  code.op("i32.mul");
  code.set(start);
  axes.delete(outer);
  const inner = scope.child({ axes });
  const end = inner.code.local("i32");
  // min(start + block, rows)
  inner.code.get(start);
  inner.code.i32(block);
  inner.code.op("i32.add");
  inner.code.tee(end);
  inner.code.i32(rows);
  inner.code.get(end);
  inner.code.i32(rows);
  inner.code.op("i32.lt_s");
  inner.code.op("select");
  inner.code.set(end);
  for (const run of how.runs) panels(inner, how, run, (at) => rowTiles(at, how, run, start, end));
  code.append(inner.code);
}

/** A unit that is one panel: all rows of all outer loops. */
function panelUnit(scope: Scope, how: How, unit: Local): void {
  const { code } = scope;
  let before = 0;
  for (const run of how.runs) {
    const own = scope.child({});
    const panel = own.code.local("i32");
    own.code.get(unit);
    own.code.i32(before);
    own.code.op("i32.sub");
    own.code.set(panel);
    const named = own.child({ axes: new Map([[panelAxis, panel]]) });
    withColumn(named, how, run, panel, (at) => outerLoops(at, how, 0, run));
    own.code.append(named.code);
    // The unit is in this run.
    code.get(unit);
    code.i32(before);
    code.op("i32.ge_s");
    code.get(unit);
    code.i32(before + run.count);
    code.op("i32.lt_s");
    code.op("i32.and");
    code.when(() => code.append(own.code));
    before += run.count;
  }
}

/** The number under which the panel of a run is an axis of addresses. */
const panelAxis = 1000;

function outerLoops(scope: Scope, how: How, index: number, run: Run): void {
  const { contraction: { extents, outer }, rows } = how;
  const { code } = scope;
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  if (index === outer) {
    const end = code.local("i32");
    code.i32(rows);
    code.set(end);
    return rowTiles(scope, how, run, at, end);
  }
  const inner = scope.child({ axes: new Map([[index, at]]) });
  outerLoops(inner, how, index + 1, run);
  countedLoop(code, at, extents[index], 1, inner.code);
}

/** A loop over the panels of a run. */
function panels(scope: Scope, how: How, run: Run, body: (scope: Scope) => void): void {
  const { code } = scope;
  const panel = code.local("i32");
  code.i32(0);
  code.set(panel);
  const inner = scope.child({ axes: new Map([[panelAxis, panel]]) });
  withColumn(inner, how, run, panel, body);
  countedLoop(code, panel, run.count, 1, inner.code);
}

/** Names the first column of a panel. */
function withColumn(
  scope: Scope,
  { contraction: { column } }: How,
  { width, first }: Run,
  panel: Local,
  body: (scope: Scope) => void,
): void {
  const { code } = scope;
  const at = code.local("i32");
  code.get(panel);
  code.i32(width);
  code.op("i32.mul");
  code.i32(first);
  code.op("i32.add");
  code.set(at);
  const inner = scope.child({ axes: new Map([[column, at]]) });
  body(inner);
  code.append(inner.code);
}

/** The tiles of one panel from row `start` to `end`. */
function rowTiles(scope: Scope, how: How, run: Run, start: Local, end: Local): void {
  const { module, contraction, rows } = how;
  const { extents, row, left, right, sums } = contraction;
  const { code } = scope;
  const { width, first, last } = run;
  const depth = sizeOf(sums.map(({ extent }) => extent));
  // Where the panel starts: in place at its first column, packed behind those before it.
  const panel = axis(panelAxis, 2 ** 20);
  const at: Scalar = right.packing
    ? plusIndex(plusIndex(right.index, timesIndex(panel, depth * width)), first * depth)
    : right.index;
  const { operands } = scope;
  const most = Math.min(tileRows(width, module.features.madd), Math.max(1, rows));
  const pushTile = (inner: Scope, count: number, local: Local) => {
    const tile: Tile = {
      ...{ contraction, rows: count, width, columns: last, operands },
    };
    const index = tileFunction(module, tile);
    const pushAddress = (operand: number, term: Scalar) => {
      const place = inner.address(operand, term)!;
      inner.code.get(place.pointer);
      if (place.offset === 0) return;
      inner.code.address(place.offset);
      inner.code.addAddress();
    };
    pushAddress(left.operand, left.index);
    pushAddress(right.operand, at);
    for (let i = 0; i < extents.length; i++) {
      inner.code.get(i === row ? local : inner.axis(i)!);
    }
    if (row >= extents.length) inner.code.i32(0);
    for (const { pointer } of operands) inner.code.get(pointer);
    inner.code.call(index);
  };
  const local = code.local("i32");
  code.get(start);
  code.set(local);
  const tiles = scope.child({ axes: new Map([[row, local]]) });
  pushTile(tiles, most, local);
  // Full tiles while there are rows enough, then one tile of what is left.
  const full = code.local("i32");
  code.get(end);
  code.i32(most - 1);
  code.op("i32.sub");
  code.set(full);
  countedLoop(code, local, { local: full }, most, tiles.code);
  const whole = how.block % most === 0 && rows % most === 0;
  if (whole || most === 1) return;
  for (let count = most - 1; count >= 1; count--) {
    // Blocks are multiples of every tile's rows, so what is left of a row is known.
    if (rows % how.block % most !== count && how.block % most !== count) continue;
    const rest = scope.child({ axes: new Map([[row, local]]) });
    pushTile(rest, count, local);
    code.get(end);
    code.get(local);
    code.op("i32.sub");
    code.i32(count);
    code.op("i32.eq");
    code.when(() => code.append(rest.code));
  }
}
