/**
 * Maps that turn: results lie along one axis and operands along another. Squares of four times four
 * are computed along the operands' axis, turned in registers, and written along the results'.
 * @module
 */
import type { MapForm } from "../../lib/core/form.ts";
import { linearOf } from "../../lib/core/index.ts";
import { printScalar, type Scalar, walk } from "../../lib/core/scalar.ts";
import { arranged, coef, type Space } from "../sums.ts";
import type { Code, Local } from "./code.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { storeLocal } from "./load.ts";
import { decode, typesOf, weightOf } from "./map.ts";
import type { Scope } from "./scope.ts";

/** Coordinates along the operands' axis that are one unit. */
const stripe = 32;

/** The space with the operands' axis before the results', where squares are worth it. */
export function turnedSpace(space: Space): Space | undefined {
  const { extents, terms } = space;
  const last = extents.length - 1;
  if (last < 1 || extents[last] < 4) return undefined;
  const outs = terms.filter((_, i) => i % 2 === 0).map((t) => linearOf(t));
  if (outs.some((out) => coef(out, last) !== 1)) return undefined;
  const loads = loadsOf(terms);
  const isFar = (step: number) => step !== 0 && step !== 1;
  const far = loads.filter((sum) => isFar(coef(sum, last)));
  if (far.length === 0) return undefined;
  for (let axis = last - 1; axis >= 0; axis--) {
    if (extents[axis] < 4 || !far.some((sum) => coef(sum, axis) === 1)) continue;
    if (loads.some((sum) => isFar(coef(sum, axis)) || isHidden(sum, axis))) continue;
    const order = [...extents.keys()].filter((i) => i !== axis && i !== last);
    return arranged(space, [...order, axis, last], order.length);
  }
  return undefined;
}

function loadsOf(terms: readonly Scalar[]): ReturnType<typeof linearOf>[] {
  const found: ReturnType<typeof linearOf>[] = [];
  const seen = new Set<Scalar>();
  for (const term of terms) {
    walk(term, (part) => void (part.kind === "load" && found.push(linearOf(part.index))), seen);
  }
  return found;
}

/** True if an axis stands inside a quotient or a load. */
function isHidden(sum: ReturnType<typeof linearOf>, axis: number): boolean {
  let found = false;
  for (const { atom } of sum.terms.values()) {
    if (atom.kind === "axis") continue;
    walk(atom, (part) => void (found ||= part.kind === "axis" && part.axis === axis));
  }
  return found;
}

/** The kernel of a map over a space whose last two axes are the operands' and the results'. */
export function turnedKernel(form: MapForm, { extents, terms }: Space): WasmKernel {
  const across = extents.length - 2;
  const outer = extents.slice(0, across);
  const stripes = Math.ceil(extents[across] / stripe);
  const units = outer.reduce((n, e) => n * e, stripes);
  const key = `turned ${extents} ${terms.map(printScalar).join(";")} ${typesOf(form)}`;
  const points = extents.reduce((n, e) => n * e, 1);
  return {
    key,
    name: "map_turned",
    units: points === 0 ? 0 : units,
    cost: points * weightOf(terms) / Math.max(1, units),
    packs: form.ins.map(() => undefined),
    write: (module) =>
      kernelFunction(module, key, "map_turned", form, terms, (root, code) => {
        const unit = code.local("i32");
        code.get(firstUnit);
        code.set(unit);
        const locals = new Map([...outer, stripes].map((_, i) => [i, code.local("i32")]));
        const body = root.child({ axes: new Map([...locals].slice(0, -1)) });
        decode(body.code, unit, [...outer, stripes], locals);
        squares(body, form, extents, terms, locals.get(across)!);
        countedLoop(code, unit, { local: endUnit }, 1, body.code);
      }),
  };
}

/** All squares of a stripe. */
function squares(
  scope: Scope,
  form: MapForm,
  extents: readonly number[],
  terms: readonly Scalar[],
  number: Local,
): void {
  const { code } = scope;
  const extent = extents[extents.length - 2];
  const [at, end] = [code.local("i32"), code.local("i32")];
  const whole = extent - extent % 4;
  code.get(number);
  code.i32(stripe);
  code.op("i32.mul");
  code.tee(at);
  code.i32(stripe);
  code.op("i32.add");
  code.tee(end);
  code.i32(whole);
  code.get(end);
  code.i32(whole);
  code.op("i32.lt_s");
  code.op("select");
  code.set(end);
  const row = (alive: number): Code => {
    const inner = scope.child({ axes: new Map([[extents.length - 2, at]]) });
    columns(inner, form, extents, terms, alive);
    return inner.code;
  };
  if (whole) countedLoop(code, at, { local: end }, 4, row(4));
  if (whole === extent) return;
  const rest = row(extent - whole);
  code.get(at);
  code.i32(whole);
  code.op("i32.eq");
  code.when(() => code.append(rest));
}

/** The squares along the results' axis. */
function columns(
  scope: Scope,
  form: MapForm,
  extents: readonly number[],
  terms: readonly Scalar[],
  alive: number,
): void {
  const { code } = scope;
  const axis = extents.length - 1;
  const extent = extents[axis];
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  const some = (count: number): Code => {
    const inner = scope.child({ axes: new Map([[axis, at]]) });
    square(inner, form, axis, terms, alive, count);
    return inner.code;
  };
  const whole = extent - extent % 4;
  countedLoop(code, at, whole, 4, some(4));
  if (extent % 4) code.append(some(extent % 4));
}

/** One square: `alive` coordinates along the operands' axis times `count` along the results'. */
function square(
  scope: Scope,
  form: MapForm,
  axis: number,
  terms: readonly Scalar[],
  alive: number,
  count: number,
): void {
  const { code } = scope;
  form.outs.forEach((_, k) => {
    const values = Array.from({ length: 4 }, () => code.local("v128"));
    for (let j = 0; j < count; j++) {
      const cell = scope.child({ lanes: axis - 1, alive, shift: new Map([[axis, j]]) });
      cell.vector(terms[2 * k + 1]);
      cell.code.set(values[j]);
      code.append(cell.code);
    }
    turn(code, values).slice(0, alive).forEach((value, i) => {
      const cell = scope.child({ lanes: axis, alive: count, shift: new Map([[axis - 1, i]]) });
      storeLocal(cell, form.ins.length + k, terms[2 * k], value);
      code.append(cell.code);
    });
  });
}

/** Four vectors turned: the i-th of the result holds the i-th words of all. */
export function turn(code: Code, [a, b, c, d]: readonly Local[]): Local[] {
  const mixed = (x: Local, y: Local, lanes: readonly number[]): Local => {
    const made = code.local("v128");
    code.get(x);
    code.get(y);
    code.shuffle(lanes);
    code.set(made);
    return made;
  };
  const [ab0, cd0] = [mixed(a, b, low), mixed(c, d, low)];
  const [ab1, cd1] = [mixed(a, b, high), mixed(c, d, high)];
  return [
    mixed(ab0, cd0, first),
    mixed(ab0, cd0, second),
    mixed(ab1, cd1, first),
    mixed(ab1, cd1, second),
  ];
}

/** Words of two vectors for a shuffle of bytes. */
function words(...list: readonly number[]): number[] {
  return list.flatMap((w) => [0, 1, 2, 3].map((byte) => 4 * w + byte));
}

const low = words(0, 4, 1, 5);
const high = words(2, 6, 3, 7);
const first = words(0, 1, 4, 5);
const second = words(2, 3, 6, 7);
