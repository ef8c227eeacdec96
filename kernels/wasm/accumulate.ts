/**
 * Reductions of what a body gives over some axes: along points four results grow side by side;
 * along the axis that is reduced four parts of one result do, and are put together in a fixed order,
 * so that a result has the same bits however the work is shared.
 * @module
 */
import { startOf } from "../../lib/core/form.ts";
import { lit, type Scalar } from "../../lib/core/scalar.ts";
import type { Local } from "./code.ts";
import {
  bestLane,
  bodyOf,
  isPosition,
  joined,
  pushCombined,
  type Reduction,
  type Sums,
  watchesNan,
} from "./join.ts";
import { countedLoop } from "./kernel.ts";
import type { Scope } from "./scope.ts";
import { pushLiteral, pushWord } from "./vector.ts";

function started(scope: Scope, reduction: Reduction): Sums {
  const { code } = scope;
  const { combine, body } = reduction;
  const kind = bodyOf(body).type === "f32" ? "f32" : "i32";
  const nan = watchesNan(reduction) ? code.local("v128") : undefined;
  const sums = { value: code.local("v128"), at: code.local("v128"), nan };
  pushLiteral(scope, lit(kind, startOf(combine, kind)) as Scalar & { kind: "lit" });
  code.set(sums.value);
  for (const local of isPosition(combine) ? [sums.at] : nan === undefined ? [] : [nan]) {
    pushWord(scope, 0);
    code.set(local);
  }
  return sums;
}

/** Combines one more value; positions are counted by `count`, a scalar local or a vector. */
function step(
  scope: Scope,
  reduction: Reduction,
  sums: Sums,
  position: () => void,
  mask?: Local,
): void {
  const { code } = scope;
  const { combine, body, keep } = reduction;
  const value = bodyOf(body);
  const kind = value.type === "f32" ? "f32" : "i32";
  if (!isPosition(combine)) {
    const x = code.local("v128");
    scope.vector(value);
    code.set(x);
    keep?.(scope, x);
    if (mask !== undefined) {
      code.get(x);
      pushLiteral(scope, lit(kind, startOf(combine, kind)) as Scalar & { kind: "lit" });
      code.get(mask);
      code.op("v128.bitselect");
      code.set(x);
    }
    code.get(sums.value);
    code.get(x);
    pushCombined(code, combine, kind);
    code.set(sums.value);
    if (sums.nan === undefined) return;
    code.get(sums.nan);
    code.get(x);
    code.get(x);
    code.op("f32x4.ne");
    code.op("v128.or");
    code.set(sums.nan);
    return;
  }
  const [x, better] = [code.local("v128"), code.local("v128")];
  scope.vector(value);
  code.set(x);
  const [a, b] = combine === "argmax" ? [x, sums.value] : [sums.value, x];
  code.get(a);
  code.get(b);
  code.op(kind === "f32" ? "f32x4.gt" : "i32x4.gt_s");
  if (kind === "f32") {
    // The first NaN stays.
    for (const [local, name] of [[x, "f32x4.ne"], [sums.value, "f32x4.eq"]] as const) {
      code.get(local);
      code.get(local);
      code.op(name);
    }
    code.op("v128.and");
    code.op("v128.or");
  }
  if (mask !== undefined) {
    code.get(mask);
    code.op("v128.and");
  }
  code.set(better);
  for (const [to, from] of [[sums.value, () => code.get(x)], [sums.at, position]] as const) {
    from();
    code.get(to);
    code.get(better);
    code.op("v128.bitselect");
    code.set(to);
  }
}

/**
 * Reduces for `count` groups of four neighbours along an axis, the scope's lanes, which are 4, 8 …
 * further along it; gives the local of each group's result.
 */
export function reduceAlongPoints(
  scope: Scope,
  reduction: Reduction,
  axis: number,
  count: number,
): Local[] {
  const { code } = scope;
  const all = Array.from({ length: count }, () => started(scope, reduction));
  const counter = code.local("i32");
  if (isPosition(reduction.combine)) {
    code.i32(0);
    code.set(counter);
  }
  const loops = (outer: Scope, rest: Reduction["over"]): void => {
    if (rest.length === 0) {
      all.forEach((sums, k) => {
        const shift = new Map([[axis, 4 * k]]);
        const group = outer.child({ lanes: outer.lanes, alive: outer.alive, shift });
        step(group, reduction, sums, () => {
          group.code.get(counter);
          group.code.op("i32x4.splat");
        });
        outer.code.append(group.code);
      });
      if (isPosition(reduction.combine)) {
        outer.code.get(counter);
        outer.code.i32(1);
        outer.code.op("i32.add");
        outer.code.set(counter);
      }
      return;
    }
    const [own, ...more] = rest;
    const at = outer.code.local("i32");
    outer.code.i32(0);
    outer.code.set(at);
    const inner = outer.child({
      axes: new Map([[own.axis, at]]),
      lanes: outer.lanes,
      alive: outer.alive,
    });
    loops(inner, more);
    countedLoop(outer.code, at, own.extent, 1, inner.code);
  };
  loops(scope, reduction.over);
  if (isPosition(reduction.combine)) return all.map(({ at }) => at);
  return all.map(({ value, nan }) => {
    if (nan === undefined) return value;
    code.get(value);
    code.get(nan);
    code.op("v128.or");
    code.set(value);
    return value;
  });
}

/** Parts of a sum that grow at once. */
const parts = 4;

/** Reduces with four neighbours along the last reduced axis; all lanes of the result are equal. */
export function reduceAlongRow(scope: Scope, reduction: Reduction): Local {
  const { code } = scope;
  const { combine, over } = reduction;
  const last = over.at(-1)!;
  const positions = isPosition(combine);
  const width = positions || last.extent < 8 * parts ? 1 : parts;
  const all = Array.from({ length: width }, () => started(scope, reduction));
  // The number of the first element of a row of the last axis, where positions are asked for.
  const base = code.local("i32");
  if (positions) {
    code.i32(0);
    code.set(base);
  }
  const loops = (outer: Scope, rest: Reduction["over"]): void => {
    const [{ axis, extent }, ...more] = rest;
    const at = outer.code.local("i32");
    outer.code.i32(0);
    outer.code.set(at);
    if (more.length) {
      const inner = outer.child({ axes: new Map([[axis, at]]) });
      loops(inner, more);
      countedLoop(outer.code, at, extent, 1, inner.code);
      return;
    }
    fours(outer, reduction, last, at, all, base);
    if (!positions) return;
    outer.code.get(base);
    outer.code.i32(extent);
    outer.code.op("i32.add");
    outer.code.set(base);
  };
  loops(scope, over);
  return positions ? bestLane(scope, reduction, all[0]) : joined(scope, reduction, all);
}

/** A row of the last axis: by several fours, by fours, and what is left. */
function fours(
  outer: Scope,
  reduction: Reduction,
  { axis, extent }: { readonly axis: number; readonly extent: number },
  at: Local,
  all: readonly Sums[],
  base: Local,
): void {
  const { code } = outer;
  const names = { axes: new Map([[axis, at]]), lanes: axis };
  const whole = extent - extent % 4;
  const position = (scope: Scope) => () => {
    scope.vector({ kind: "axis", type: "i32", axis, extent });
    scope.code.get(base);
    scope.code.op("i32x4.splat");
    scope.code.op("i32x4.add");
  };
  if (all.length > 1) {
    const many = outer.child(names);
    all.forEach((sums, k) => {
      const part = many.child({ lanes: axis, shift: new Map([[axis, 4 * k]]) });
      step(part, reduction, sums, () => {});
      many.code.append(part.code);
    });
    const by = 4 * all.length;
    countedLoop(code, at, whole - whole % by, by, many.code);
  }
  if (whole) {
    const four = outer.child(names);
    step(four, reduction, all[0], position(four));
    countedLoop(code, at, whole, 4, four.code);
  }
  if (extent % 4) {
    const rest = outer.child({ ...names, alive: extent % 4 });
    const mask = rest.code.local("v128");
    const lane = (k: number) => k < extent % 4 ? [255, 255, 255, 255] : [0, 0, 0, 0];
    rest.code.v128([0, 1, 2, 3].flatMap(lane));
    rest.code.set(mask);
    step(rest, reduction, all[0], position(rest), mask);
    code.append(rest.code);
  }
}
