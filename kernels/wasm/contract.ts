/**
 * Contractions: loops that walk the result in tiles. Units are rows of the result with all panels of
 * columns, or panels with some rows, where the right operand is larger than what rows need of the
 * caches, or has to be copied first.
 * @module
 */
import type { ConvForm, MatmulForm } from "../../lib/core/form.ts";
import { linearOf } from "../../lib/core/index.ts";
import { printScalar } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { coef } from "../sums.ts";
import type { Code, Local } from "./code.ts";
import type { Contraction } from "./contraction.ts";
import { scratchHead } from "./control.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { lateRows, withoutEnd } from "./late.ts";
import { decode, typesOf, weightOf } from "./map.ts";
import {
  panelAxis,
  rowTiles,
  type Run,
  runsOf,
  stage,
  withColumn,
  type Writing,
} from "./row_tiles.ts";
import type { Scope } from "./scope.ts";

/** Bytes of the right operand from which few rows are split by panels. */
const heavy = 256 * 1024;
/** Bytes of sums that are still in a cache when the last of them is there. */
const cached = 256 * 1024;
/** Units that keep threads busy. */
const enough = 16;
/** Rows of a block are a multiple of every tile's. */
const multiple = 24;

/** How the work is cut into units. */
interface Units {
  readonly byPanels: boolean;
  /** Outer axes that units are made of: before the panels, and after them. */
  readonly first: readonly number[];
  readonly then: readonly number[];
  /** Outer axes that are loops inside a unit. */
  readonly inside: readonly number[];
  readonly blocks: number;
  readonly runs: readonly Run[];
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
  const index = linearOf(right.index);
  const own = lead.filter((i) => coef(index, i) !== 0);
  const others = lead.filter((i) => coef(index, i) === 0);
  const count = (axes: readonly number[]) => sizeOf(axes.map((i) => extents[i]));
  const panels = right.widths.length;
  const byPanels = right.staged || (variant.split === "panels" && panels > 1) ||
    (variant.split !== "rows" && depth * columns * 4 > heavy && count(lead) * rows <= 64 &&
      panels > 1);
  const first = byPanels ? own : lead;
  let groups = count(first) * (byPanels ? panels : 1);
  const then: number[] = [];
  for (const i of byPanels ? others : []) {
    if (groups >= enough) break;
    then.push(i);
    groups *= extents[i];
  }
  const block = blockOf(rows, groups);
  const blocks = Math.ceil(rows / block);
  const split: Units = {
    ...{ byPanels, first, then, blocks },
    inside: byPanels ? others.slice(then.length) : [],
    runs: runsOf(right.widths, columns),
  };
  const bare = withoutEnd(form, contraction);
  const [tiles, late] = bare ? [bare, form.ins.length] : [contraction, undefined];
  const key =
    `contract ${contraction.kind} ${extents} ${outer} ${contraction.row} ${JSON.stringify(sums)} ` +
    `${printScalar(contraction.left.index)} ${contraction.left.rowStep} ` +
    `${printScalar(right.index)} ${right.widths} ${right.columnStep} ${right.staged} ` +
    `${byPanels} ${block} ${outs.map(printScalar).join(";")} ${typesOf(form)}`;
  const work = columns * rows * count(lead) * (depth + weightOf(outs));
  const units = groups * blocks;
  // Panels are of words, whatever they were packed from.
  const dtype = contraction.kind;
  const ins = form.ins.map((t, i) => i === right.operand && right.packing ? { ...t, dtype } : t);
  return {
    key,
    name: form.kind,
    units,
    cost: work / Math.max(1, units),
    packs: form.ins.map((_, i) => i === right.operand ? right.packing : undefined),
    ...(right.staged ? { scratch: scratchHead + depth * Math.max(...right.widths) * 4 } : {}),
    write: (module) =>
      kernelFunction(
        module,
        key,
        form.kind,
        { ...form, ins },
        outs,
        (root, code, scratch) => {
          const unit = code.local("i32");
          const [held, panels] = [code.local("i32"), code.pointer()];
          code.get(firstUnit);
          code.set(unit);
          if (scratch !== undefined) {
            // What this thread copied for units before these may serve them too.
            code.get(scratch);
            code.memory("i32.load", 0);
            code.set(held);
            code.get(scratch);
            code.address(scratchHead);
            code.addAddress();
            code.set(panels);
          }
          const inner = root.child({});
          const how = { contraction, module, scratch: panels, rows, block };
          unitOf(inner, { ...how, tiles, late }, split, unit, held);
          countedLoop(code, unit, { local: endUnit }, 1, inner.code);
          if (scratch === undefined) return;
          code.get(scratch);
          code.get(held);
          code.memory("i32.store", 0);
        },
        right.staged,
      ),
  };
}

/** Rows of a unit: all of them where other loops make units enough, else some tiles. */
function blockOf(rows: number, groups: number): number {
  if (groups >= enough) return Math.max(1, rows);
  const parts = Math.ceil(64 / groups);
  const block = Math.ceil(rows / parts / multiple) * multiple;
  return Math.max(1, Math.min(rows, Math.max(multiple, block)));
}

/** Names the axes of a unit and writes what it does. */
function unitOf(scope: Scope, how: Writing, split: Units, unit: Local, held: Local): void {
  const { contraction: { extents, right, column }, block, rows } = how;
  const { byPanels, first, then, blocks, runs } = split;
  const { code } = scope;
  const extent = (i: number) => extents[i];
  const panels = byPanels ? [right.widths.length] : [];
  const parts = [...first.map(extent), ...panels, ...then.map(extent), blocks];
  const locals = new Map(parts.map((_, i) => [i, code.local("i32")]));
  decode(code, unit, parts, locals);
  const axes = new Map([
    ...first.map((axis, i) => [axis, locals.get(i)!] as const),
    ...then.map((axis, i) => [axis, locals.get(first.length + panels.length + i)!] as const),
  ]);
  const start = code.local("i32");
  code.get(locals.get(parts.length - 1)!);
  code.i32(block);
  code.op("i32.mul");
  code.set(start);
  const end = code.local("i32");
  pushLeast(code, start, block, rows, end);
  code.set(end);
  const inner = scope.child({ axes });
  if (byPanels) {
    // Units of one panel follow each other: it is copied at the first of them.
    const panel = code.local("i32");
    code.get(unit);
    code.i32(then.map(extent).reduce((n, e) => n * e, blocks));
    code.op("i32.div_u");
    code.set(panel);
    onePanel(inner, how, split, locals.get(first.length)!, { panel, held }, start, end);
  } else if (how.late !== undefined && block * extent(column) * 4 <= cached) {
    for (const run of runs) {
      allPanels(inner, how, run, (at) => rowTiles(at, how, run, start, end));
    }
    // One pass for all panels, over what the caches still hold.
    const zero = inner.code.local("i32");
    const whole = inner.child({ axes: new Map([[column, zero]]) });
    lateRows(whole, how, extent(column), how.late, start, end);
    inner.code.append(whole.code);
  } else {
    for (const run of runs) {
      allPanels(inner, how, run, (at) => rowsOf(at, how, run, start, end));
    }
  }
  code.append(inner.code);
}

/** Rows of a panel, and what follows their sums if it comes late. */
function rowsOf(scope: Scope, how: Writing, run: Run, start: Local, end: Local): void {
  rowTiles(scope, how, run, start, end);
  if (how.late !== undefined) lateRows(scope, how, run.columns, how.late, start, end);
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

/** The panel of a unit, and the one that the thread has copied last. */
interface Copied {
  readonly panel: Local;
  readonly held: Local;
}

/** The panel of a unit: all other loops read it. */
function onePanel(
  scope: Scope,
  how: Writing,
  split: Units,
  number: Local,
  copied: Copied,
  start: Local,
  end: Local,
): void {
  const { code } = scope;
  let before = 0;
  for (const run of split.runs) {
    const own = scope.child({});
    const panel = own.code.local("i32");
    own.code.get(number);
    own.code.i32(before);
    own.code.op("i32.sub");
    own.code.set(panel);
    const named = own.child({ axes: new Map([[panelAxis, panel]]) });
    withColumn(named, how, run, panel, (at) => {
      if (how.contraction.right.staged) stageOnce(at, how, run, copied);
      innerLoops(at, how, split.inside, (place) => rowsOf(place, how, run, start, end));
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

function stageOnce(scope: Scope, how: Writing, run: Run, { panel, held }: Copied): void {
  const { code } = scope;
  const copy = scope.child({});
  stage(copy, how, run);
  code.get(panel);
  code.get(held);
  code.op("i32.ne");
  code.when(() => {
    code.append(copy.code);
    code.get(panel);
    code.set(held);
  });
}

function innerLoops(
  scope: Scope,
  how: Writing,
  axes: readonly number[],
  body: (scope: Scope) => void,
): void {
  if (axes.length === 0) return body(scope);
  const { code } = scope;
  const [axis, ...rest] = axes;
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  const inner = scope.child({ axes: new Map([[axis, at]]) });
  innerLoops(inner, how, rest, body);
  countedLoop(code, at, how.contraction.extents[axis], 1, inner.code);
}

/** A loop over the panels of a run. */
function allPanels(scope: Scope, how: Writing, run: Run, body: (scope: Scope) => void): void {
  const { code } = scope;
  const panel = code.local("i32");
  code.i32(0);
  code.set(panel);
  const inner = scope.child({ axes: new Map([[panelAxis, panel]]) });
  withColumn(inner, how, run, panel, body);
  countedLoop(code, panel, run.count, 1, inner.code);
}
