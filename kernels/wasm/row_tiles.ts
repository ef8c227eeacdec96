/**
 * The rows of one panel in tiles, and the panels themselves: widths that follow each other, and the
 * copy of one that is not read as it lies.
 * @module
 */
import { linearOf, plusIndex, timesIndex } from "../../lib/core/index.ts";
import type { Scalar } from "../../lib/core/scalar.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { axis, coef } from "../sums.ts";
import type { Code, Local } from "./code.ts";
import type { Contraction } from "./contraction.ts";
import { countedLoop } from "./kernel.ts";
import type { ModuleWriter } from "./module.ts";
import type { Scope } from "./scope.ts";
import { stageFunction } from "./staging.ts";
import { isDeep, pushSums, sumRows, type SumShape } from "./sum_rows.ts";
import { tileFunction, unroll } from "./tile.ts";

/** A contraction while its kernel is written. */
export interface Writing {
  readonly contraction: Contraction;
  /** What the tiles compute: the contraction, or its bare sums. */
  readonly tiles: Contraction;
  /** The result's number among the operands, where what follows the sums is done after the tiles. */
  readonly late: number | undefined;
  readonly module: ModuleWriter;
  /** Where a thread copies panels to. */
  readonly scratch: Local;
  readonly rows: number;
  /** Rows of a unit; the last unit has what is left. */
  readonly block: number;
}

/** Panels of one width that follow each other. */
export interface Run {
  readonly width: number;
  readonly count: number;
  readonly first: number;
  /** Columns of its panels that are there. */
  readonly columns: number;
}

/** The panels of so many columns, equal neighbours together. */
export function runsOf(widths: readonly number[], columns: number): Run[] {
  const runs: Run[] = [];
  let first = 0;
  for (const width of widths) {
    const there = Math.min(width, columns - first);
    const before = runs.at(-1);
    // A panel that is not full is a run of its own: its tile writes fewer columns.
    if (before?.width === width && before.columns === width && there === width) {
      runs[runs.length - 1] = { ...before, count: before.count + 1 };
    } else runs.push({ width, count: 1, first, columns: there });
    first += width;
  }
  return runs;
}

/** The number under which the panel of a run is an axis of addresses. */
export const panelAxis = 1000;

/** Rows of a tile for each width: as many sums as registers hold, about as many in every tile. */
function tileRows(width: number, madd: boolean, rows: number): number {
  const most = madd
    ? width >= 24 + 4 ? 1 : width >= 16 ? 2 : width >= 12 ? 3 : width >= 8 ? 6 : 8
    : width >= 16
    ? 1
    : width >= 12
    ? 2
    : 4;
  return Math.ceil(rows / Math.ceil(rows / most));
}

/** Names the first column of a panel. */
export function withColumn(
  scope: Scope,
  { contraction: { column } }: Writing,
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

/** Copies the panel into the thread's own memory. */
export function stage(scope: Scope, { module, contraction, scratch }: Writing, run: Run): void {
  const { sums, right } = contraction;
  const { width, columns } = run;
  pushAddress(scope, right.operand, right.index);
  scope.code.get(scratch);
  scope.code.call(stageFunction(module, sums, right.columnStep, width, columns));
}

function pushAddress(scope: Scope, operand: number, term: Scalar): void {
  const { code } = scope;
  const place = scope.address(operand, term)!;
  code.get(place.pointer);
  if (place.offset === 0) return;
  code.address(place.offset);
  code.addAddress();
}

/** The rows of one panel from row `start` to `end`. */
export function rowTiles(scope: Scope, how: Writing, run: Run, start: Local, end: Local): void {
  const { module, contraction, tiles, rows, block } = how;
  const { width, columns } = run;
  const fuses = module.features.madd && contraction.kind === "f32";
  const most = tileRows(width, fuses, Math.max(1, Math.min(block, rows)));
  const given = { most, lefts: leftRows(rows, block, most), start, end };
  if (columns === width && isDeep(tiles)) sharedRows(scope, how, run, given);
  else ownTiles(scope, how, run, given);
}

/** Where the right operand of a panel starts: packed, panels stand one behind the other. */
function pushPanel(scope: Scope, how: Writing, { width, first }: Run): void {
  const { contraction: { right, sums }, scratch } = how;
  if (right.staged) return scope.code.get(scratch);
  const depth = sizeOf(sums.map(({ extent }) => extent));
  const panel = axis(panelAxis, 2 ** 20);
  const from: Scalar = right.packing
    ? plusIndex(plusIndex(right.index, timesIndex(panel, depth * width)), first * depth)
    : right.index;
  pushAddress(scope, right.operand, from);
}

/** Rows from `start` to `end`, in tiles of `most`, and what those may leave. */
interface Rows {
  readonly most: number;
  readonly lefts: readonly number[];
  readonly start: Local;
  readonly end: Local;
}

/** How many rows full tiles leave, of whole units and of the last one. */
function leftRows(rows: number, block: number, most: number): readonly number[] {
  return [...new Set([block % most, rows % block % most])].filter((n) => n > 0);
}

/** By a function that other contractions use too. */
function sharedRows(
  scope: Scope,
  how: Writing,
  run: Run,
  { most, lefts, start, end }: Rows,
): void {
  const { module, contraction: { kind, row, left, right, sums, extents }, tiles } = how;
  const isPacked = right.packing !== undefined || right.staged;
  const inner = sums.at(-1)!;
  const shape: SumShape = {
    ...{ kind, most, width: run.width, a: inner.a, b: isPacked ? run.width : inner.b },
    rest: inner.extent % unroll,
  };
  const at = scope.child({ axes: new Map([[row, start]]) });
  const { code } = at;
  const result = tiles.outs[0];
  pushAddress(at, left.operand, left.index);
  code.address(left.rowStep * 4);
  pushPanel(at, how, run);
  pushAddress(at, at.operands.length - 1, result);
  code.address(coef(linearOf(result), row) * 4);
  pushSums(code, sums, shape, isPacked);
  if (row < extents.length) {
    code.get(end);
    code.get(start);
    code.op("i32.sub");
  } else code.i32(1);
  code.call(sumRows(module, shape, lefts));
  scope.code.append(code);
}

/** By tiles that know all of the contraction, and do what follows the sums, too. */
function ownTiles(
  scope: Scope,
  how: Writing,
  run: Run,
  { most, lefts, start, end }: Rows,
): void {
  const { module, contraction, tiles } = how;
  const { extents, row, left } = contraction;
  const { code, operands } = scope;
  const { width, columns } = run;
  const at = code.local("i32");
  code.get(start);
  code.set(at);
  const tile = (count: number): Code => {
    const inner = scope.child({ axes: new Map([[row, at]]) });
    pushAddress(inner, left.operand, left.index);
    pushPanel(inner, how, run);
    for (let i = 0; i < extents.length; i++) inner.code.get(i === row ? at : inner.axis(i)!);
    if (row >= extents.length) inner.code.i32(0);
    for (const { pointer } of operands) inner.code.get(pointer);
    inner.code.call(
      tileFunction(module, { contraction: tiles, rows: count, width, columns, operands }),
    );
    return inner.code;
  };
  // Full tiles while there are rows enough, then one tile of what is left.
  const full = code.local("i32");
  code.get(end);
  code.i32(most - 1);
  code.op("i32.sub");
  code.set(full);
  countedLoop(code, at, { local: full }, most, tile(most));
  for (const count of lefts) {
    const rest = tile(count);
    code.get(end);
    code.get(at);
    code.op("i32.sub");
    code.i32(count);
    code.op("i32.eq");
    code.when(() => code.append(rest));
  }
}
