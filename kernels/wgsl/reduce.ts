/**
 * Reductions. Alone, an invocation reduces one point with four neighbours of its row at a time, or
 * four neighbouring points at once, whichever the operands' layout favours; in a team a work-group
 * shares one point.
 * @module
 */
import type { ReduceForm } from "../../lib/core/form.ts";
import { type Scalar, walk } from "../../lib/core/scalar.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { accumulatorOf, joinAll, lanesOf, resultKind } from "./accumulate.ts";
import { indent, type Module, moduleOf, spreadGroups, type WgslKernel } from "./kernel.ts";
import { nestOf } from "./nest.ts";
import { type AxisName, type Scope, scopeOf, type Value } from "./scalar.ts";
import { type Flat, flatten } from "./space.ts";
import { spreadOf } from "./spread.ts";
import { joinTeam, teamFor } from "./team.ts";

/** What goes four at a time, and how many invocations share a point. */
interface ReduceVariant extends Variant {
  readonly along: "over" | "points";
  readonly team: number;
}

/** The ways to compute a reduction, best guess first. */
export function reduceVariants(
  form: ReduceForm,
  adapter: "software" | "gpu",
  limits: Limits,
): readonly Variant[] {
  const flat = flatOf(form);
  const size = sizeOf(form.over);
  const along = alongOf(flat);
  const alone: ReduceVariant = { name: `alone-${along}`, along, team: 1 };
  const other = along === "over" ? "points" : "over";
  const variants: ReduceVariant[] = [alone];
  if (other === "points" || isWhole(flat)) {
    variants.push({ name: `alone-${other}`, along: other, team: 1 });
  }
  const team = teamFor(Math.ceil((flat.over.at(-1) ?? 1) / 4), adapter, limits);
  if (size >= 128) {
    const shared: ReduceVariant = { name: `team${team}`, along: "over", team };
    // A device has far more invocations than a processor, so there points alone must be many.
    const few = flat.points < (adapter === "gpu" ? 2 ** 16 : 64);
    if (few || (adapter === "gpu" && along === "over")) variants.unshift(shared);
    else variants.push(shared);
  }
  return variants;
}

/** The kernel of a reduction. */
export function emitReduce(form: ReduceForm, variant: Variant, limits: Limits): WgslKernel {
  const { along, team } = variant as ReduceVariant;
  const flat = flatOf(form);
  const module = moduleOf(form.ins, form.outs.map((o) => o.type), limits);
  const { combine } = form;
  const kind = form.body.type;
  const isOver = along === "over";
  const lanes = isOver ? 1 : 4;
  const group = team > 1 ? team : Math.min(isOver ? 32 : 64, limits.invocations);
  const chunks = Math.ceil(flat.points / lanes);
  const workgroups = spreadGroups(team > 1 ? chunks : Math.ceil(chunks / group), limits);
  const accs = new Map<number, Value>();
  const axis: AxisName = isOver ? { text: "i" } : { text: "i", step: 1 };
  const root = scopeOf(module, { axes: new Map([[0, axis]]), accs });
  const width = isOver && isWhole(flat) ? 4 : 1;
  const nest = nestOf(root, { over: flat.over, width, team, unroll: width === 4 ? 8 : 16 });
  const acc = accumulatorOf(module, combine, kind, isOver ? width : 4);
  root.lines.push(...acc.start);
  nest.each((scope) => acc.step(scope, flat.terms[0], nest.at), acc.part);
  let result: Value = { text: acc.names.at(-1)!, width: 4 };
  if (isOver) {
    const joined = joinAll(module, combine, kind, lanesOf(acc));
    root.lines.push(...joined.lines);
    let { names } = joined;
    if (team > 1) {
      const all = joinTeam(module, combine, kind, names, team);
      root.lines.push(...all.lines);
      names = all.names;
    }
    result = { text: names.at(-1)!, width: 1 };
  }
  accs.set(0, result);
  const end = root.child();
  writeOuts(form, flat, end, module);
  const body = place(module, root, end, { team, lanes, group, chunks, row: workgroups[0] });
  return module.finish({
    body,
    group: [group, 1, 1],
    workgroups: flat.points === 0 ? [0, 1, 1] : workgroups,
    iterations: nest.iterations,
  });
}

/** The terms in order: the body, then address and value of each result. */
function flatOf(form: ReduceForm): Flat {
  const roots = [form.body, ...form.outs.flatMap((out) => [out.index, out.body])];
  return flatten(form.shape, form.over, roots);
}

function writeOuts(form: ReduceForm, flat: Flat, end: Scope, module: Module): void {
  const last = flat.points % 4 ? module.param(flat.points) : undefined;
  const kind = resultKind(form.combine, form.body.type);
  form.outs.forEach((_, k) => {
    const [index, body] = flat.terms.slice(1 + 2 * k);
    walk(body, (t) => {
      if (t.kind !== "acc" || t.type === kind) return;
      throw new TypeError(`internal: a result takes acc${t.index} as ${t.type}, it is ${kind}`);
    });
    end.store(k, index, body, last ? (lane) => `i + ${lane} < ${last}` : undefined);
  });
}

function place(
  module: Module,
  root: Scope,
  end: Scope,
  at: { team: number; lanes: number; group: number; chunks: number; row: number },
): string[] {
  const row = module.param(at.row);
  const group = `i32(wid.y) * ${row} + i32(wid.x)`;
  if (at.team > 1) {
    // Surplus work-groups of a ragged last row repeat the last point, so that all meet barriers.
    return [
      `let lane = i32(lid.x);`,
      `let i = min(${group}, ${module.param(at.chunks - 1)});`,
      ...root.lines,
      `if (lane == 0) {`,
      ...indent(end.lines),
      `}`,
    ];
  }
  return [
    `let chunk = (${group}) * ${at.group} + i32(lid.x);`,
    `if (chunk < ${module.param(at.chunks)}) {`,
    ...indent([
      `let i = chunk${at.lanes === 4 ? " * 4" : ""};`,
      ...root.lines,
      ...end.lines,
    ]),
    `}`,
  ];
}

/** True if the last reduced axis can be taken in steps of four. */
function isWhole(flat: Flat): boolean {
  return flat.over.length > 0 && flat.over.at(-1)! % 4 === 0;
}

/** Whether four neighbours of the row or of the points are cheaper to read. */
function alongOf(flat: Flat): "over" | "points" {
  if (!isWhole(flat)) return "points";
  const over = costOf(flat.terms[0], flat.over.length);
  const points = costOf(flat.terms[0], 0);
  return over < points || (flat.points < 64 && over === points) ? "over" : "points";
}

/** The cost of reading four neighbours along an axis, in loads as a software adapter pays them. */
function costOf(body: Scalar, axis: number): number {
  const memo = new Map();
  let cost = 0;
  walk(body, (term) => {
    if (term.kind !== "load") return;
    const at = spreadOf(term.index, (n) => ({ step: n === axis ? 1 : 0 }), () => undefined, memo);
    cost += at.step === 0 ? 0.6 : at.step === 1 && at.align % 4 === 0 ? 1.3 : 2.4;
  });
  return cost;
}
