/**
 * Reductions. Four results grow side by side where neighbours along an axis of the points lie so;
 * else four parts of one result do, along the innermost axis that is reduced.
 * @module
 */
import type { ReduceForm, RowsForm } from "../../lib/core/form.ts";
import { linearOf } from "../../lib/core/index.ts";
import { printScalar, type Scalar, walk } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { arranged, coef, cut, type Space } from "../sums.ts";
import { reduceAlongPoints, reduceAlongRow } from "./accumulate.ts";
import type { Code, Local } from "./code.ts";
import type { Reduction } from "./join.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { store } from "./load.ts";
import { decode, typesOf, weightOf } from "./map.ts";
import type { Scope } from "./scope.ts";

/** A space of points and reduced axes in loop order, and where four neighbours are taken. */
export interface Reduced extends Space {
  /** The first axis that is reduced. */
  readonly apart: number;
  /** `points`: along the last axis of the points; `row`: along the last reduced axis. */
  readonly lanes: "points" | "row";
}

/** Groups of four results that grow at once. */
const groups = 4;
/** Units that are enough to share. */
const plenty = 64;

/** Loads in a term that lie side by side along an axis, less those that lie apart. */
function scoreOf(terms: readonly Scalar[], axis: number): number {
  let score = 0;
  const seen = new Set<Scalar>();
  for (const term of terms) {
    walk(term, (part) => {
      if (part.kind !== "load") return;
      const step = Math.abs(coef(linearOf(part.index), axis));
      if (step === 1) score += 1;
      else if (step > 1 || dependsOn(part.index, axis)) score -= 1;
    }, seen);
  }
  return score;
}

/** True if an address holds the axis inside a quotient or another load. */
function dependsOn(index: Scalar, axis: number): boolean {
  let found = false;
  for (const { atom } of linearOf(index).terms.values()) {
    if (atom.kind === "axis") continue;
    walk(atom, (part) => void (found ||= part.kind === "axis" && part.axis === axis));
  }
  return found;
}

/** Arranges points and reduced axes; positions keep the order in which they are counted. */
export function reducedSpace(
  form: ReduceForm | RowsForm,
  terms: readonly Scalar[],
  bodies: readonly Scalar[],
): Reduced {
  const open = cut({ extents: [...form.shape, ...form.over], terms: [...terms, ...bodies] });
  const added = open.extents.length - form.shape.length - form.over.length;
  // Cut axes stand where they stood, so the points are those before the reduced ones' first.
  const lead = pointsAfterCut(form, open.extents, added);
  const positions = form.kind === "reduce" && form.combine.startsWith("arg");
  const body = open.terms.slice(terms.length);
  const outs = open.terms.slice(0, terms.length);
  const points = open.extents.map((_, i) => i).slice(0, lead);
  const over = open.extents.map((_, i) => i).slice(lead);
  const best = (axes: readonly number[]) =>
    axes.filter((a) => open.extents[a] >= 4)
      .map((a) => ({ a, score: scoreOf(body, a) }))
      .sort((p, q) => q.score - p.score || open.extents[q.a] - open.extents[p.a])[0];
  const alongPoints = best(points);
  const lastOver = over.filter((a) => open.extents[a] > 1).at(-1);
  const alongRow = positions
    ? lastOver === undefined ? undefined : { a: lastOver, score: scoreOf(body, lastOver) }
    : best(over);
  const byRow = alongRow !== undefined && open.extents[alongRow.a] >= 4 &&
    (!alongPoints || alongRow.score > alongPoints.score);
  const lanes = byRow || points.every((a) => open.extents[a] === 1) ? "row" : "points";
  const outSum = outs.length ? linearOf(outs[0]) : undefined;
  const far = (a: number) => outSum ? Math.abs(coef(outSum, a)) : 0;
  const pointOrder = points.toSorted((a, b) => far(b) - far(a) || a - b);
  const overOrder = positions ? over : byStride(over, body);
  const put = (order: number[], last: number | undefined) =>
    last === undefined ? order : [...order.filter((a) => a !== last), last];
  const order = [
    ...(lanes === "points" ? put(pointOrder, alongPoints?.a) : pointOrder),
    ...(lanes === "row" && !positions ? put(overOrder, alongRow?.a) : overOrder),
  ];
  return { ...arranged(open, order, lead), lanes };
}

/** How many of the axes are points, after some were cut in two. */
function pointsAfterCut(
  form: ReduceForm | RowsForm,
  extents: readonly number[],
  added: number,
): number {
  if (added === 0) return form.shape.length;
  // Extents of cut axes multiply to what they were: walk both lists together.
  let at = 0;
  for (const extent of form.shape) {
    let product = extents[at++];
    while (product < extent || (product === extent && extent === 0)) product *= extents[at++];
  }
  return at;
}

/** Reduced axes by how far apart the first load's elements lie, farthest first. */
function byStride(over: readonly number[], bodies: readonly Scalar[]): number[] {
  const sums: ReturnType<typeof linearOf>[] = [];
  for (const body of bodies) {
    walk(body, (part) => void (part.kind === "load" && sums.push(linearOf(part.index))));
  }
  const far = (a: number) => sums.length ? Math.abs(coef(sums[0], a)) : 0;
  return over.toSorted((a, b) => far(b) - far(a) || a - b);
}

/** The kernel of a reduction. */
export function reduceKernel(form: ReduceForm, _variant: Variant): WasmKernel {
  const outs = form.outs.flatMap(({ index, body }) => [index, body]);
  const space = reducedSpace(form, outs, [form.body]);
  const { extents, terms, apart, lanes } = space;
  const over = extents.slice(apart).map((extent, i) => ({ axis: apart + i, extent }));
  const reduction: Reduction = {
    combine: form.combine,
    body: terms[terms.length - 1],
    over: over.length ? over : [{ axis: extents.length, extent: 1 }],
  };
  const result = terms.slice(0, -1);
  const key = `reduce ${form.combine} ${lanes} ${extents} ${apart} ` +
    `${terms.map(printScalar).join(";")} ${typesOf(form)}`;
  const points = sizeOf(form.shape);
  const work = sizeOf(form.over) * weightOf([reduction.body]) + weightOf(result);
  const inside = lanes === "points" ? apart - 1 : apart;
  const { split, units } = unitsOf(extents.slice(0, Math.max(0, inside)));
  return {
    key,
    name: `reduce_${form.combine}`,
    units: points === 0 ? 0 : units,
    cost: points * work / Math.max(1, units),
    packs: form.ins.map(() => undefined),
    write: (module) =>
      kernelFunction(
        module,
        key,
        `reduce_${form.combine}`,
        form,
        terms,
        (root, code) =>
          overUnits(root, code, extents, split, (scope) =>
            overPoints(scope, extents, split, apart, lanes, (at, count) =>
              finish(at, form, reduction, result, count, lanes, apart))),
      ),
  };
}

/** Outer axes that make units, and how many units they make. */
export function unitsOf(outer: readonly number[]): { split: number; units: number } {
  let split = 0, units = 1;
  while (split < outer.length && units < plenty) units *= outer[split++];
  return { split, units };
}

/** A loop over units, in whose block the axes that make them are named. */
export function overUnits(
  root: Scope,
  code: Code,
  extents: readonly number[],
  split: number,
  body: (scope: Scope) => void,
): void {
  const unit = code.local("i32");
  code.get(firstUnit);
  code.set(unit);
  const axes = new Map(extents.slice(0, split).map((_, i) => [i, code.local("i32")]));
  const inner = root.child({ axes });
  decode(inner.code, unit, extents.slice(0, split), axes);
  body(inner);
  countedLoop(code, unit, { local: endUnit }, 1, inner.code);
}

/**
 * Loops over the points that are inside a unit; the last axis by several fours, by fours and by what
 * is left where neighbours are taken along points. `body` hears how many fours there are.
 */
export function overPoints(
  scope: Scope,
  extents: readonly number[],
  axis: number,
  apart: number,
  lanes: "points" | "row",
  body: (scope: Scope, count: number) => void,
): void {
  if (axis === apart) return body(scope, 1);
  const { code } = scope;
  const at = code.local("i32");
  const extent = extents[axis];
  code.i32(0);
  code.set(at);
  if (lanes === "row" || axis < apart - 1) {
    const inner = scope.child({ axes: new Map([[axis, at]]) });
    overPoints(inner, extents, axis + 1, apart, lanes, body);
    countedLoop(code, at, extent, 1, inner.code);
    return;
  }
  const names = { axes: new Map([[axis, at]]), lanes: axis };
  const whole = extent - extent % 4;
  for (const count of [groups, 1]) {
    if (whole < 4 * count) continue;
    const inner = scope.child(names);
    body(inner, count);
    countedLoop(code, at, whole - whole % (4 * count), 4 * count, inner.code);
  }
  if (extent % 4) {
    const rest = scope.child({ ...names, alive: extent % 4 });
    body(rest, 1);
    code.append(rest.code);
  }
}

/** Reduces and writes what follows. */
function finish(
  scope: Scope,
  form: ReduceForm,
  reduction: Reduction,
  result: readonly Scalar[],
  count: number,
  lanes: "points" | "row",
  apart: number,
): void {
  const write = (value: Local, shift?: ReadonlyMap<number, number>) => {
    const last = scope.child({
      ...{ accs: new Map([[0, value]]), lanes: scope.lanes, alive: scope.alive },
      shift,
    });
    form.outs.forEach((_, k) => store(last, form.ins.length + k, result[2 * k], result[2 * k + 1]));
    scope.code.append(last.code);
  };
  if (lanes === "row") return write(reduceAlongRow(scope, reduction));
  const axis = apart - 1;
  const values = reduceAlongPoints(scope, reduction, axis, count);
  values.forEach((value, k) => write(value, new Map([[axis, 4 * k]])));
}
