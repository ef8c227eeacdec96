/**
 * Rows: reductions one after another over the same row, then every element of it. A row stays in the
 * nearest cache between its passes.
 * @module
 */
import type { RowsForm } from "../../lib/core/form.ts";
import { type Call, call, printScalar, type Scalar } from "../../lib/core/scalar.ts";
import type { Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { reduceAlongPoints, reduceAlongRow } from "./accumulate.ts";
import type { Local } from "./code.ts";
import type { Reduction } from "./join.ts";
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
  const { stages, result } = lanes === "row"
    ? keptInResult(form, plain, terms.slice(0, outs.length))
    : { stages: plain, result: terms.slice(0, outs.length) };
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

/**
 * What the last stage computes for each element, and the result needs again, is kept where the
 * result will be, if it costs more than reading it back.
 */
function keptInResult(
  form: RowsForm,
  stages: readonly Reduction[],
  result: readonly Scalar[],
): { readonly stages: readonly Reduction[]; readonly result: readonly Scalar[] } {
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
        const own = four.child({ lanes: axis, shift: new Map([[axis, 4 * k]]) });
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
  // Each stage's block follows the code that made its accumulator.
  for (let i = blocks.length - 1; i >= 0; i--) {
    (i > 0 ? blocks[i - 1] : scope).code.append(blocks[i].code);
  }
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
  const { lanes, alive } = scope;
  for (let k = 0; k < count; k++) {
    const group = scope.child({ lanes, alive, shift: new Map([[axis, 4 * k]]) });
    const accs = new Map<number, Local>();
    let inner = group;
    const blocks: Scope[] = [];
    stages.forEach((stage, i) => {
      accs.set(i, reduceAlongPoints(inner, stage, axis, 1)[0]);
      inner = inner.child({ accs: new Map(accs), lanes, alive });
      blocks.push(inner);
    });
    const loops = (outer: Scope, rest: Axes): void => {
      if (rest.length === 0) return writeOuts(outer, form, result);
      const [own, ...more] = rest;
      const at = outer.code.local("i32");
      outer.code.i32(0);
      outer.code.set(at);
      const next = outer.child({ axes: new Map([[own.axis, at]]), lanes, alive });
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
