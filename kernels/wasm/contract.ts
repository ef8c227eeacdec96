/**
 * Contractions: loops that walk the result in tiles. Units are rows of the result with all panels of
 * columns, or panels with all rows, where the right operand is larger than what rows need of the
 * caches, or has to be copied first.
 * @module
 */
import type { ConvForm, MatmulForm } from "../../lib/core/form.ts";
import { linearOf, plusIndex, timesIndex } from "../../lib/core/index.ts";
import { printScalar, type Scalar } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { axis, coef } from "../sums.ts";
import type { Code, Local } from "./code.ts";
import type { Contraction } from "./contraction.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { decode, typesOf, weightOf } from "./map.ts";
import type { ModuleWriter } from "./module.ts";
import type { Scope } from "./scope.ts";
import { stageFunction } from "./staging.ts";
import { tileFunction } from "./tile.ts";

/** Rows of a tile for each width: as many sums as registers hold. */
function tileRows(width: number, madd: boolean): number {
  if (!madd) return width <= 8 ? 4 : 2;
  return width >= 16 ? 2 : width >= 12 ? 3 : width >= 8 ? 6 : 8;
}

/** Bytes of the right operand from which few rows are split by panels. */
const heavy = 256 * 1024;
/** Units that keep threads busy. */
const enough = 16;
/** Rows of a block are a multiple of every tile's. */
const multiple = 24;

/** Panels of one width that follow each other. */
interface Run {
  readonly width: number;
  readonly count: number;
  readonly first: number;
  /** Columns of its panels that are there. */
  readonly columns: number;
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
  const lead = [...extents.keys()].slice(0, outer);
  // Loops that the right operand takes part in, and those that read the same of it.
  const index = linearOf(right.index);
  const own = lead.filter((i) => coef(index, i) !== 0);
  const others = lead.filter((i) => coef(index, i) === 0);
  const count = (axes: readonly number[]) => sizeOf(axes.map((i) => extents[i]));
  const runs = runsOf(right.widths, columns);
  const byPanels = right.staged || (variant.split === "panels" && right.widths.length > 1) ||
    (variant.split !== "rows" && depth * columns * 4 > heavy && count(lead) * rows <= 64 &&
      right.widths.length > 1);
  const first = byPanels ? own : lead;
  const groups = count(first) * (byPanels ? right.widths.length : 1);
  const block = blockOf(rows, groups, byPanels);
  const blocks = Math.ceil(rows / block);
  const how: How = { contraction, runs, rows, block, blocks, first, others, byPanels };
  const key = `contract ${extents} ${outer} ${contraction.row} ${JSON.stringify(sums)} ` +
    `${printScalar(contraction.left.index)} ${contraction.left.rowStep} ` +
    `${printScalar(right.index)} ${right.widths} ${right.columnStep} ${right.staged} ` +
    `${byPanels} ${block} ${outs.map(printScalar).join(";")} ${typesOf(form)}`;
  const work = columns * rows * count(lead) * (depth + weightOf(outs));
  const units = groups * blocks;
  return {
    key,
    name: form.kind,
    units,
    cost: work / Math.max(1, units),
    packs: form.ins.map((_, i) => i === right.operand ? right.packing : undefined),
    ...(right.staged ? { scratch: depth * Math.max(...right.widths) * 4 } : {}),
    write: (module) =>
      kernelFunction(
        module,
        key,
        form.kind,
        form,
        outs,
        (root, code, scratch) => {
          const unit = code.local("i32");
          code.get(firstUnit);
          code.set(unit);
          const inner = root.child({});
          unitOf(inner, { ...how, module, scratch }, unit);
          countedLoop(code, unit, { local: endUnit }, 1, inner.code);
        },
        right.staged,
      ),
  };
}

/** Rows of a unit: all of them where other loops make units enough, else some tiles. */
function blockOf(rows: number, groups: number, byPanels: boolean): number {
  if (groups >= enough) return Math.max(1, rows);
  const parts = Math.ceil((byPanels ? enough : 64) / groups);
  const least = byPanels ? 2 * multiple : multiple;
  const block = Math.ceil(rows / parts / multiple) * multiple;
  return Math.max(1, Math.min(rows, Math.max(least, block)));
}

interface How {
  readonly contraction: Contraction;
  readonly runs: readonly Run[];
  readonly rows: number;
  readonly block: number;
  readonly blocks: number;
  /** Outer axes that units are made of, and those that are loops inside a panel. */
  readonly first: readonly number[];
  readonly others: readonly number[];
  readonly byPanels: boolean;
}

interface Writing extends How {
  readonly module: ModuleWriter;
  readonly scratch: Local | undefined;
}

function runsOf(widths: readonly number[], columns: number): Run[] {
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

/** Names the axes of a unit and writes what it does. */
function unitOf(scope: Scope, how: Writing, unit: Local): void {
  const { contraction: { extents, right }, first, blocks, block, rows, byPanels } = how;
  const { code } = scope;
  const parts = [
    ...first.map((i) => extents[i]),
    ...(byPanels ? [right.widths.length] : []),
    blocks,
  ];
  const locals = new Map(parts.map((_, i) => [i, code.local("i32")]));
  decode(code, unit, parts, locals);
  const axes = new Map(first.map((axis, i) => [axis, locals.get(i)!]));
  const start = code.local("i32");
  code.get(locals.get(parts.length - 1)!);
  code.i32(block);
  code.op("i32.mul");
  code.set(start);
  const end = code.local("i32");
  pushLeast(code, start, block, rows, end);
  code.set(end);
  const inner = scope.child({ axes });
  if (byPanels) onePanel(inner, how, locals.get(first.length)!, start, end);
  else {
    for (const run of how.runs) {
      allPanels(inner, how, run, (at) => rowTiles(at, how, run, start, end));
    }
  }
  code.append(inner.code);
}

/** Pushes min(local + by, most), through `spare`. */
function pushLeast(code: Code, local: Local, by: number, most: number, spare: Local): void {
  code.get(local);
  code.i32(by);
  code.op("i32.add");
  code.tee(spare);
  code.i32(most);
  code.get(spare);
  code.i32(most);
  code.op("i32.lt_s");
  code.op("select");
}

/** The number under which the panel of a run is an axis of addresses. */
const panelAxis = 1000;

/** The panel of a unit: all other loops read it. */
function onePanel(scope: Scope, how: Writing, number: Local, start: Local, end: Local): void {
  const { code } = scope;
  let before = 0;
  for (const run of how.runs) {
    const own = scope.child({});
    const panel = own.code.local("i32");
    own.code.get(number);
    own.code.i32(before);
    own.code.op("i32.sub");
    own.code.set(panel);
    const named = own.child({ axes: new Map([[panelAxis, panel]]) });
    withColumn(named, how, run, panel, (at) => {
      if (how.contraction.right.staged) stage(at, how, run);
      otherLoops(at, how, 0, run, start, end);
    });
    own.code.append(named.code);
    // The panel is of this run.
    code.get(number);
    code.i32(before);
    code.op("i32.ge_s");
    code.get(number);
    code.i32(before + run.count);
    code.op("i32.lt_s");
    code.op("i32.and");
    code.when(() => code.append(own.code));
    before += run.count;
  }
}

/** Copies the panel into the thread's own memory. */
function stage(scope: Scope, { module, contraction, scratch }: Writing, run: Run): void {
  const { sums, right } = contraction;
  const { width, columns } = run;
  pushAddress(scope, right.operand, right.index);
  scope.code.get(scratch!);
  scope.code.call(stageFunction(module, sums, right.columnStep, width, columns));
}

function otherLoops(
  scope: Scope,
  how: Writing,
  index: number,
  run: Run,
  start: Local,
  end: Local,
): void {
  const { contraction: { extents }, others } = how;
  if (index === others.length) return rowTiles(scope, how, run, start, end);
  const { code } = scope;
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  const inner = scope.child({ axes: new Map([[others[index], at]]) });
  otherLoops(inner, how, index + 1, run, start, end);
  countedLoop(code, at, extents[others[index]], 1, inner.code);
}

/** A loop over the panels of a run. */
function allPanels(scope: Scope, how: How, run: Run, body: (scope: Scope) => void): void {
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

function pushAddress(scope: Scope, operand: number, term: Scalar): void {
  const { code } = scope;
  const place = scope.address(operand, term)!;
  code.get(place.pointer);
  if (place.offset === 0) return;
  code.address(place.offset);
  code.addAddress();
}

/** The tiles of one panel from row `start` to `end`. */
function rowTiles(scope: Scope, how: Writing, run: Run, start: Local, end: Local): void {
  const { module, contraction, rows, block, scratch } = how;
  const { extents, row, left, right, sums } = contraction;
  const { code, operands } = scope;
  const { width, first, columns } = run;
  const depth = sizeOf(sums.map(({ extent }) => extent));
  // Packed, a panel stands behind those before it; in place it starts at its first column.
  const panel = axis(panelAxis, 2 ** 20);
  const from: Scalar = right.packing
    ? plusIndex(plusIndex(right.index, timesIndex(panel, depth * width)), first * depth)
    : right.index;
  const most = Math.min(tileRows(width, module.features.madd), Math.max(1, rows));
  const at = code.local("i32");
  code.get(start);
  code.set(at);
  const tile = (count: number): Code => {
    const inner = scope.child({ axes: new Map([[row, at]]) });
    pushAddress(inner, left.operand, left.index);
    if (right.staged) inner.code.get(scratch!);
    else pushAddress(inner, right.operand, from);
    for (let i = 0; i < extents.length; i++) inner.code.get(i === row ? at : inner.axis(i)!);
    if (row >= extents.length) inner.code.i32(0);
    for (const { pointer } of operands) inner.code.get(pointer);
    inner.code.call(
      tileFunction(module, { contraction, rows: count, width, columns, operands }),
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
  const lefts = new Set([block % most, rows % block % most]);
  for (const count of lefts) {
    if (count === 0) continue;
    const rest = tile(count);
    code.get(end);
    code.get(at);
    code.op("i32.sub");
    code.i32(count);
    code.op("i32.eq");
    code.when(() => code.append(rest));
  }
}
