/**
 * Reductions of what a body gives over some axes: along points four results grow side by side;
 * along the axis that is reduced four parts of one result do, and are put together in a fixed order,
 * so that a result has the same bits however the work is shared.
 * @module
 */
import { type Combine, startOf } from "../../lib/core/form.ts";
import { lit, s, type Scalar } from "../../lib/core/scalar.ts";
import type { Code, Local } from "./code.ts";
import { countedLoop } from "./kernel.ts";
import { shifted } from "./map.ts";
import type { OpName } from "./opcodes.ts";
import type { Scope } from "./scope.ts";
import { pushLiteral, pushWord } from "./vector.ts";

/** What is reduced: a body over axes with these numbers and extents, outermost first. */
export interface Reduction {
  readonly combine: Combine;
  readonly body: Scalar;
  readonly over: readonly { readonly axis: number; readonly extent: number }[];
}

/** The value that is reduced: numbers, for truth is counted. */
export function bodyOf(body: Scalar): Scalar {
  return body.type === "bool" ? s.toI32(body) : body;
}

function isPosition(combine: Combine): boolean {
  return combine === "argmax" || combine === "argmin";
}

/** Takes an accumulator and a value from the stack and pushes them combined. */
function pushCombined(code: Code, combine: Combine, kind: Scalar["type"]): void {
  const f = kind === "f32";
  const names: Readonly<Record<string, OpName>> = {
    sum: f ? "f32x4.add" : "i32x4.add",
    prod: f ? "f32x4.mul" : "i32x4.mul",
    max: f ? "f32x4.max" : "i32x4.max_s",
    min: f ? "f32x4.min" : "i32x4.min_s",
  };
  code.op(names[combine]);
}

/** What accumulates: the value, and where it was found for positions. */
interface Sums {
  readonly value: Local;
  readonly at: Local;
}

function started(scope: Scope, { combine, body }: Reduction): Sums {
  const { code } = scope;
  const kind = bodyOf(body).type === "f32" ? "f32" : "i32";
  const sums = { value: code.local("v128"), at: code.local("v128") };
  pushLiteral(scope, lit(kind, startOf(combine, kind)) as Scalar & { kind: "lit" });
  code.set(sums.value);
  if (isPosition(combine)) {
    pushWord(scope, 0);
    code.set(sums.at);
  }
  return sums;
}

/** Combines one more value; positions are counted by `count`, a scalar local or a vector. */
function step(
  scope: Scope,
  { combine, body }: Reduction,
  sums: Sums,
  position: () => void,
  mask?: Local,
): void {
  const { code } = scope;
  const value = bodyOf(body);
  const kind = value.type === "f32" ? "f32" : "i32";
  if (!isPosition(combine)) {
    code.get(sums.value);
    scope.vector(value);
    if (mask !== undefined) {
      pushLiteral(scope, lit(kind, startOf(combine, kind)) as Scalar & { kind: "lit" });
      code.get(mask);
      code.op("v128.bitselect");
    }
    pushCombined(code, combine, kind);
    code.set(sums.value);
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
 * Reduces for `count` groups of four neighbours along the lane axis of the scope, which are 4, 8 …
 * further along it; gives the local of each group's result.
 */
export function reduceAlongPoints(
  scope: Scope,
  reduction: Reduction,
  lanes: { readonly axis: number; readonly extent: number },
  count: number,
): Local[] {
  const { code } = scope;
  const groups = Array.from({ length: count }, (_, k) => ({
    ...reduction,
    body: shifted([reduction.body], lanes.axis, lanes.extent, 4 * k)[0],
  }));
  const all = groups.map((group) => started(scope, group));
  const counter = code.local("i32");
  if (isPosition(reduction.combine)) {
    code.i32(0);
    code.set(counter);
  }
  const loops = (outer: Scope, rest: Reduction["over"]): void => {
    if (rest.length === 0) {
      const inner = outer.within(groups.map(({ body }) => body));
      groups.forEach((group, k) =>
        step(inner, group, all[k], () => {
          outer.code.get(counter);
          outer.code.op("i32x4.splat");
        })
      );
      if (isPosition(reduction.combine)) {
        outer.code.get(counter);
        outer.code.i32(1);
        outer.code.op("i32.add");
        outer.code.set(counter);
      }
      return;
    }
    const [{ axis, extent }, ...more] = rest;
    const at = outer.code.local("i32");
    outer.code.i32(0);
    outer.code.set(at);
    const inner = outer.child({
      axes: new Map([[axis, at]]),
      lanes: outer.lanes,
      alive: outer.alive,
    });
    loops(inner, more);
    countedLoop(outer.code, at, extent, 1, inner.code);
  };
  loops(scope, reduction.over);
  return all.map(({ value, at }) => isPosition(reduction.combine) ? at : value);
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
      const [body] = shifted([reduction.body], axis, extent, 4 * k);
      step(many.within([body]), { ...reduction, body }, sums, () => {});
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

/** Parts and then lanes put together, always in the same order. */
function joined(scope: Scope, { combine, body }: Reduction, all: readonly Sums[]): Local {
  const { code } = scope;
  const kind = bodyOf(body).type;
  let left = all.map(({ value }) => value);
  while (left.length > 1) {
    const next: Local[] = [];
    for (let i = 0; i < left.length; i += 2) {
      code.get(left[i]);
      code.get(left[i + 1]);
      pushCombined(code, combine, kind);
      code.set(left[i]);
      next.push(left[i]);
    }
    left = next;
  }
  const [value] = left;
  for (
    const lanes of [[8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7], [
      ...[4, 5, 6, 7, 0, 1, 2, 3],
      ...[12, 13, 14, 15, 8, 9, 10, 11],
    ]]
  ) {
    code.get(value);
    code.get(value);
    code.get(value);
    code.shuffle(lanes);
    pushCombined(code, combine, kind);
    code.set(value);
  }
  return value;
}

/** The position of the best of four lanes: the first of equals, the first NaN of all. */
function bestLane(scope: Scope, { combine, body }: Reduction, { value, at }: Sums): Local {
  const { code } = scope;
  const float = bodyOf(body).type === "f32";
  const kind = float ? "f32" : "i32";
  const [x, best] = [code.local(kind), code.local(kind)];
  const [i, found] = [code.local("i32"), code.local("i32")];
  const take = (lane: number, to: Local, toAt: Local) => {
    code.get(value);
    code.op(`${kind}x4.extract_lane`, lane);
    code.set(to);
    code.get(at);
    code.op("i32x4.extract_lane", lane);
    code.set(toAt);
  };
  take(0, best, found);
  for (let lane = 1; lane < 4; lane++) {
    take(lane, x, i);
    const [a, b] = combine === "argmax" ? [x, best] : [best, x];
    const compare = (p: Local, q: Local, name: OpName) => {
      code.get(p);
      code.get(q);
      code.op(name);
    };
    compare(a, b, float ? "f32.gt" : "i32.gt_s");
    if (float) {
      compare(x, x, "f32.ne");
      compare(best, best, "f32.eq");
      code.op("i32.and");
      code.op("i32.or");
    }
    // Equal, or both NaN: the earlier one.
    compare(x, best, float ? "f32.eq" : "i32.eq");
    if (float) {
      compare(x, x, "f32.ne");
      compare(best, best, "f32.ne");
      code.op("i32.and");
      code.op("i32.or");
    }
    compare(i, found, "i32.lt_s");
    code.op("i32.and");
    code.op("i32.or");
    code.when(() => {
      code.get(x);
      code.set(best);
      code.get(i);
      code.set(found);
    });
  }
  const made = code.local("v128");
  code.get(found);
  code.op("i32x4.splat");
  code.set(made);
  return made;
}
