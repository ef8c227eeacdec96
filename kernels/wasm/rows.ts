/**
 * Rows: reductions one after another over the same row, then every element of it. A row stays in the
 * nearest cache between its passes.
 * @module
 */
import type { RowsForm } from "../../lib/core/form.ts";
import { type Call, call, printScalar, s, type Scalar, walk } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { reduceAlongPoints, reduceAlongRow } from "./accumulate.ts";
import type { Local } from "./code.ts";
import type { Reduction } from "./join.ts";
import { expBelow } from "./prims.ts";
import { countedLoop, kernelFunction, type WasmKernel } from "./kernel.ts";
import { store, storeLocal } from "./load.ts";
import { typesOf, weightOf } from "./map.ts";
import { overPoints, overUnits, reducedSpace, unitsOf } from "./reduce.ts";
import type { Scope } from "./scope.ts";

/** The kernel of rows. */
export function rowsKernel(form: RowsForm, _variant: Variant): WasmKernel {
  const outs = form.outs.flatMap(({ index, body }) => [index, body]);
  const space = reducedSpace(form, outs, form.stages.map(({ body }) => body));
  const { extents, terms, apart, lanes } = space;
  const over = extents.slice(apart).map((extent, i) => ({ axis: apart + i, extent }));
  const plain = form.stages.map(({ combine }, i): Reduction => ({
    combine,
    body: terms[outs.length + i],
    over: over.length ? over : [{ axis: extents.length, extent: 1 }],
  }));
  const bounded = withoutOverflow({ stages: plain, result: terms.slice(0, outs.length) });
  const { stages, result } = lanes === "row" ? keptInResult(form, bounded) : bounded;
  const key = `rows ${form.stages.map((s) => s.combine)} ${lanes} ${extents} ${apart} ` +
    `${terms.map(printScalar).join(";")} ${typesOf(form)}`;
  const inside = lanes === "points" ? apart - 1 : apart;
  const { split, units } = unitsOf(extents.slice(0, Math.max(0, inside)));
  const work = sizeOf(form.over) * terms.reduce((n, term) => n + weightOf([term]), 0);
  return {
    key,
    name: "rows",
    units: sizeOf(form.shape) * sizeOf(form.over) === 0 ? 0 : units,
    cost: sizeOf(form.shape) * work / Math.max(1, units),
    packs: form.ins.map(() => undefined),
    write: (module) =>
      kernelFunction(
        module,
        key,
        "rows",
        form,
        [...result, ...stages.map(({ body }) => body)],
        (root, code) =>
          overUnits(root, code, extents, split, (scope) =>
            overPoints(scope, extents, split, apart, lanes, (at, count) => {
              if (lanes === "row") {
                rowOf(at, form, stages, result, over);
              } else columnsOf(at, form, stages, result, over, count, apart - 1);
            })),
      ),
  };
}

/** Reductions of a row, and addresses and values of what is written from them. */
interface Passes {
  readonly stages: readonly Reduction[];
  readonly result: readonly Scalar[];
}

/**
 * Softmax: exponentials of what lies below the row's largest cannot overflow. A NaN in the row makes
 * the largest NaN, and then all exponentials may be 0, for dividing by their sum gives NaN again.
 */
function withoutOverflow(passes: Passes): Passes {
  const { stages: [most, sum, ...more], result: [index, body, ...others] } = passes;
  if (!sum || more.length || others.length || most.combine !== "max" || sum.combine !== "sum") {
    return passes;
  }
  const power = sum.body;
  if (power.kind !== "call" || power.fn !== "exp") return passes;
  const below = s.sub(most.body, s.acc(0));
  if (printScalar(power.args[0]) !== printScalar(below)) return passes;
  const share = s.div(power, s.acc(1));
  const rest = replacedIn(body, share as Call, s.f(0));
  const isUsed = (term: Scalar) => {
    let found = false;
    walk(term, (part) => void (found ||= part.kind === "acc"));
    return found;
  };
  if (rest === body || isUsed(rest)) return passes;
  const other = expBelow(below);
  return {
    stages: [most, { ...sum, body: other }],
    result: [index, replacedIn(body, share as Call, s.div(other, s.acc(1)))],
  };
}

/**
 * What the last stage computes for each element, and the result needs again, is kept where the
 * result will be, if it costs more than reading it back.
 */
function keptInResult(form: RowsForm, { stages, result }: Passes): Passes {
  const last = stages[stages.length - 1];
  const [index, body] = result;
  const { body: value } = last;
  if (form.outs.length > 1 || form.outs[0].type.dtype !== "f32") return { stages, result };
  if (value.kind !== "call" || weightOf([value]) < dear) return { stages, result };
  // Where no axis tells its elements apart, the result would be read before it is written.
  if (sizeOf(form.over) === 1) return { stages, result };
  const operand = form.ins.length;
  const read: Scalar = { kind: "load", type: "f32", operand, index };
  const replaced = replacedIn(body, value, read);
  if (replaced === body) return { stages, result };
  const keep = (scope: Scope, local: Local) => storeLocal(scope, operand, index, local);
  return { stages: [...stages.slice(0, -1), { ...last, keep }], result: [index, replaced] };
}

/** Multiply-adds from which a value is kept. */
const dear = 6;

/** A term with each part that is written like `from` replaced. */
function replacedIn(term: Scalar, from: Call, to: Scalar): Scalar {
  const text = printScalar(from);
  const memo = new Map<Scalar, Scalar>();
  const visit = (part: Scalar): Scalar => {
    if (part.kind !== "call") return part;
    const known = memo.get(part);
    if (known) return known;
    const isSame = part === from || (part.fn === from.fn && printScalar(part) === text);
    const args = isSame ? part.args : part.args.map(visit);
    const isNew = args.some((arg, i) => arg !== part.args[i]);
    const made = isSame ? to : isNew ? call(part.fn, ...args) : part;
    memo.set(part, made);
    return made;
  };
  return visit(term);
}

function writeOuts(scope: Scope, form: RowsForm, terms: readonly Scalar[]): void {
  form.outs.forEach((_, k) => store(scope, form.ins.length + k, terms[2 * k], terms[2 * k + 1]));
}

type Axes = readonly { readonly axis: number; readonly extent: number }[];

/** One row at a time, four of its elements side by side. */
function rowOf(
  scope: Scope,
  form: RowsForm,
  stages: readonly Reduction[],
  result: readonly Scalar[],
  over: Axes,
): void {
  const accs = new Map<number, Local>();
  let inner = scope;
  const blocks: Scope[] = [];
  stages.forEach((stage, i) => {
    accs.set(i, reduceAlongRow(inner, stage));
    inner = inner.child({ accs: new Map(accs) });
    blocks.push(inner);
  });
  const inverse = inverseOf(result, over);
  if (!inverse) elements(inner, form, result, over);
  else {
    const [fast, exact] = [inner.child({}), inner.child({})];
    elements(fast, form, inverse.result, over);
    elements(exact, form, result, over);
    inner.scalar(inverse.isNormal);
    inner.code.when(() => inner.code.append(fast.code), () => inner.code.append(exact.code));
  }
  // Each stage's block follows the code that made its accumulator.
  for (let i = blocks.length - 1; i >= 0; i--) {
    (i > 0 ? blocks[i - 1] : scope).code.append(blocks[i].code);
  }
}

/**
 * What divides every element of a row, a sum or a deviation, is turned into a factor once a row,
 * where it and its inverse are normal numbers; that rounds once more and is four times as fast.
 */
function inverseOf(
  result: readonly Scalar[],
  over: Axes,
): { readonly result: readonly Scalar[]; readonly isNormal: Scalar } | undefined {
  const inside = new Set(over.map(({ axis }) => axis));
  const varies = (term: Scalar) => {
    let found = false;
    walk(term, (part) => void (found ||= part.kind === "axis" && inside.has(part.axis)));
    return found;
  };
  const found: Call[] = [];
  for (const term of result) {
    walk(term, (part) => {
      if (part.kind !== "call" || part.fn !== "div" || part.type !== "f32") return;
      const [a, b] = part.args;
      if (b.kind !== "lit" && !varies(b) && varies(a)) found.push(part);
    });
  }
  if (!found.length) return undefined;
  const by = found[0].args[1];
  const factor = s.div(1, by);
  const size = s.abs(by);
  const changed = result.map((term) =>
    found.filter(({ args }) => args[1] === by || printScalar(args[1]) === printScalar(by))
      .reduce((t, part) => replacedIn(t, part, s.mul(part.args[0], factor)), term)
  );
  return { result: changed, isNormal: s.and(s.le(2 ** -125, size), s.le(size, s.f(2 ** 125))) };
}

/** Every element of a row, from its accumulators. */
function elements(inner: Scope, form: RowsForm, result: readonly Scalar[], over: Axes): void {
  const loops = (outer: Scope, rest: Axes): void => {
    if (rest.length === 0) return writeOuts(outer, form, result);
    const [{ axis, extent }, ...more] = rest;
    const { code } = outer;
    const at = code.local("i32");
    code.i32(0);
    code.set(at);
    if (more.length) {
      const next = outer.child({ axes: new Map([[axis, at]]) });
      loops(next, more);
      countedLoop(code, at, extent, 1, next.code);
      return;
    }
    const names = { axes: new Map([[axis, at]]), lanes: axis };
    const whole = extent - extent % 4;
    for (const count of [2, 1]) {
      if (whole < 4 * count) continue;
      const four = outer.child(names);
      for (let k = 0; k < count; k++) {
        const own = four.child({ shift: new Map([[axis, 4 * k]]) });
        writeOuts(own, form, result);
        four.code.append(own.code);
      }
      countedLoop(code, at, whole - whole % (4 * count), 4 * count, four.code);
    }
    if (extent % 4) {
      const rest = outer.child({ ...names, alive: extent % 4 });
      writeOuts(rest, form, result);
      code.append(rest.code);
    }
  };
  loops(inner, over);
}

/** Several rows side by side, which lie along an axis of the points. */
function columnsOf(
  scope: Scope,
  form: RowsForm,
  stages: readonly Reduction[],
  result: readonly Scalar[],
  over: Axes,
  count: number,
  axis: number,
): void {
  for (let k = 0; k < count; k++) {
    const group = scope.child({ shift: new Map([[axis, 4 * k]]) });
    const accs = new Map<number, Local>();
    let inner = group;
    const blocks: Scope[] = [];
    stages.forEach((stage, i) => {
      accs.set(i, reduceAlongPoints(inner, stage, axis, 1)[0]);
      inner = inner.child({ accs: new Map(accs) });
      blocks.push(inner);
    });
    const loops = (outer: Scope, rest: Axes): void => {
      if (rest.length === 0) return writeOuts(outer, form, result);
      const [own, ...more] = rest;
      const at = outer.code.local("i32");
      outer.code.i32(0);
      outer.code.set(at);
      const next = outer.child({ axes: new Map([[own.axis, at]]) });
      loops(next, more);
      countedLoop(outer.code, at, own.extent, 1, next.code);
    };
    loops(inner, over);
    for (let i = blocks.length - 1; i >= 0; i--) {
      (i > 0 ? blocks[i - 1] : group).code.append(blocks[i].code);
    }
    scope.code.append(group.code);
  }
}
