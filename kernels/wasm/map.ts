/**
 * Maps: loops over the elements of the result in the order in which they lie, four neighbours at a
 * time along the innermost axis, with what the outer axes decide computed outside.
 * @module
 */
import type { Common, MapForm } from "../../lib/core/form.ts";
import { linearOf } from "../../lib/core/index.ts";
import { printScalar, type Scalar, walk } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { arranged, coef, cut, type Space } from "../sums.ts";
import type { Code, Local } from "./code.ts";
import { countedLoop, endUnit, firstUnit, kernelFunction, type WasmKernel } from "./kernel.ts";
import { store } from "./load.ts";
import type { Scope } from "./scope.ts";
import { turnedKernel, turnedSpace } from "./turned.ts";

/** Elements of a unit where the space is one axis. */
const chunk = 2048;
/** Units that are enough to share; axes further in are loops. */
const plenty = 64;
/** Terms of a body up to which the loop is unrolled. */
const shortBody = 24;

/** A map's space in loop order, the innermost axis last. */
export function loopOrder(form: MapForm): Space {
  const terms = form.outs.flatMap(({ index, body }) => [index, body]);
  const space = cut({ extents: form.shape, terms });
  const sums = space.terms.filter((_, i) => i % 2 === 0).map((t) => linearOf(t));
  const out = sums[0];
  const order = space.extents.map((_, i) => i)
    .sort((a, b) => Math.abs(coef(out, b)) - Math.abs(coef(out, a)) || a - b);
  const found = arranged(space, order);
  // Few neighbours along the last axis: a longer axis gives more, though they lie apart.
  const last = found.extents.length - 1;
  if (last < 1 || found.extents[last] >= 4) return found;
  const longest = found.extents.indexOf(Math.max(...found.extents));
  const turned = found.extents.map((_, i) => i).filter((i) => i !== longest);
  return arranged(found, [...turned, longest]);
}

/** The kernel of a map. */
export function mapKernel(form: MapForm, _variant: Variant): WasmKernel {
  const space = loopOrder(form);
  const turned = turnedSpace(space);
  if (turned) return turnedKernel(form, turned);
  const { extents, terms } = space;
  const inner = extents.at(-1) ?? 1;
  const outer = extents.slice(0, -1);
  // Outer axes that make units, and those that are loops inside one.
  let split = 0, units = 1;
  while (split < outer.length && units < plenty) units *= outer[split++];
  const alone = outer.length === 0;
  const work = weightOf(terms);
  const points = extents.reduce((a, b) => a * b, 1);
  const count = alone ? Math.ceil(inner / chunk) : units;
  const key = `map ${extents} ${split} ${terms.map(printScalar).join(";")} ${typesOf(form)}`;
  return {
    key,
    name: "map",
    units: points === 0 ? 0 : count,
    cost: points * work / Math.max(1, count),
    packs: form.ins.map(() => undefined),
    write: (module) =>
      kernelFunction(module, key, "map", form, terms, (root, code) => {
        if (alone) flatLoop(root, code, form, inner, terms);
        else unitLoop(root, code, form, extents, split, terms);
      }),
  };
}

/** One axis: units are chunks of it. */
function flatLoop(
  root: Scope,
  code: Code,
  form: MapForm,
  extent: number,
  terms: readonly Scalar[],
): void {
  const [at, end] = [code.local("i32"), code.local("i32")];
  code.get(firstUnit);
  code.i32(chunk);
  code.op("i32.mul");
  code.set(at);
  code.get(endUnit);
  code.i32(chunk);
  code.op("i32.mul");
  code.set(end);
  row(root, form, 0, extent, terms, at, end);
}

/** Units are combinations of outer axes; other axes are loops, the last one by fours. */
function unitLoop(
  root: Scope,
  code: Code,
  form: MapForm,
  extents: readonly number[],
  split: number,
  terms: readonly Scalar[],
): void {
  const unit = code.local("i32");
  code.get(firstUnit);
  code.set(unit);
  const axes = new Map(extents.slice(0, split).map((_, i) => [i, code.local("i32")]));
  const body = root.child({ axes });
  decode(body.code, unit, extents.slice(0, split), axes);
  nested(body, form, extents, split, terms);
  countedLoop(code, unit, { local: endUnit }, 1, body.code);
}

/** Sets axes from their combined number. */
export function decode(
  code: Code,
  unit: Local,
  extents: readonly number[],
  axes: ReadonlyMap<number, Local>,
): void {
  let below = 1;
  for (let i = extents.length - 1; i >= 0; i--) {
    code.get(unit);
    if (below > 1) {
      code.i32(below);
      code.op("i32.div_u");
    }
    if (i > 0) {
      code.i32(extents[i]);
      code.op("i32.rem_u");
    }
    code.set(axes.get(i)!);
    below *= extents[i];
  }
}

function nested(
  scope: Scope,
  form: MapForm,
  extents: readonly number[],
  axis: number,
  terms: readonly Scalar[],
): void {
  const { code } = scope;
  const at = code.local("i32");
  code.i32(0);
  code.set(at);
  if (axis === extents.length - 1) {
    row(scope, form, axis, extents[axis], terms, at);
    return;
  }
  const inner = scope.child({ axes: new Map([[axis, at]]) });
  nested(inner, form, extents, axis + 1, terms);
  countedLoop(code, at, extents[axis], 1, inner.code);
}

/**
 * The innermost axis from what `at` holds. `end` may stop it earlier; it is then a multiple of a
 * chunk or past the extent. The last elements, fewer than four, are written one by one.
 */
function row(
  scope: Scope,
  form: MapForm,
  axis: number,
  extent: number,
  terms: readonly Scalar[],
  at: Local,
  end?: Local,
): void {
  const { code } = scope;
  const whole = extent - extent % 4;
  const unroll = terms.reduce((n, t) => n + sizeOf(t), 0) <= shortBody ? 4 : 1;
  const stop = (limit: number) => {
    if (end === undefined) return limit;
    // min(end, limit)
    const bound = code.local("i32");
    code.get(end);
    code.i32(limit);
    code.get(end);
    code.i32(limit);
    code.op("i32.lt_s");
    code.op("select");
    code.set(bound);
    return { local: bound };
  };
  if (unroll > 1 && whole >= 4 * unroll) {
    const many = scope.child({ axes: new Map([[axis, at]]), lanes: axis });
    for (let k = 0; k < unroll; k++) {
      const own = many.child({ lanes: axis, shift: new Map([[axis, 4 * k]]) });
      write(own, form, terms);
      many.code.append(own.code);
    }
    countedLoop(code, at, stop(whole - whole % (4 * unroll)), 4 * unroll, many.code);
  }
  if (whole) {
    const four = scope.child({ axes: new Map([[axis, at]]), lanes: axis });
    write(four, form, terms);
    countedLoop(code, at, stop(whole), 4, four.code);
  }
  if (extent % 4) {
    const last = scope.child({ axes: new Map([[axis, at]]), lanes: axis, alive: extent % 4 });
    write(last, form, terms);
    const tail = code.piece();
    tail.append(last.code);
    code.get(at);
    code.i32(whole);
    code.op("i32.eq");
    if (end !== undefined) {
      code.get(end);
      code.i32(whole);
      code.op("i32.gt_s");
      code.op("i32.and");
    }
    code.when(() => code.append(tail));
  }
}

function write(scope: Scope, form: MapForm, terms: readonly Scalar[]): void {
  form.outs.forEach((_, k) => store(scope, form.ins.length + k, terms[2 * k], terms[2 * k + 1]));
}

function sizeOf(term: Scalar): number {
  let parts = 0;
  walk(term, () => void parts++);
  return parts;
}

/** What the terms of one element cost, in multiply-adds of a vector's lane. */
export function weightOf(terms: readonly Scalar[]): number {
  let parts = 0;
  const seen = new Set<Scalar>();
  for (const term of terms) {
    walk(term, (part) => {
      if (part.kind === "call") parts += dear.has(part.fn) ? 12 : 1;
      if (part.kind === "load") parts += 2;
    }, seen);
  }
  return Math.max(1, parts / 2);
}

const dear: ReadonlySet<string> = new Set([
  ...["exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "tanh", "pow"],
]);

/** The types of a form's operands and results. */
export function typesOf(form: Common): string {
  return [...form.ins, ...form.outs.map((o) => o.type)]
    .map(({ dtype, shape }) => `${dtype}[${shape}]`).join();
}
