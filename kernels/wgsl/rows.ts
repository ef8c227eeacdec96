/**
 * Rows: reductions over a row, one after another, then results for every element of it. Alone, an
 * invocation has a row to itself; in a team a work-group shares one and, if it is short enough,
 * keeps it in registers from the first stage to the results.
 * @module
 */
import type { RowsForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { accumulatorOf, joinAll, lanesOf } from "./accumulate.ts";
import { indent, moduleOf, spreadGroups, type WgslKernel } from "./kernel.ts";
import { imagesFor } from "./matmul.ts";
import { imagesOf } from "./matmul_tile.ts";
import { nestOf } from "./nest.ts";
import { scopeOf, type Value } from "./scalar.ts";
import { type Flat, flatten } from "./space.ts";
import { joinTeam, teamFor } from "./team.ts";

/** How many invocations share a row. */
interface RowsVariant extends Variant {
  readonly team: number;
}

/** Steps that are written out, so that their values stay in registers. */
const kept = 8;

/** The ways to compute rows, best guess first. */
export function rowsVariants(
  form: RowsForm,
  adapter: "software" | "gpu",
  limits: Limits,
  constants: readonly number[] = [],
): readonly Variant[] {
  const flat = flatOf(form);
  // Scales and shifts that never change are read from images, as contractions read weights.
  const images = adapter === "software"
    ? imagesFor(form, form.outs.map((out) => out.body), constants)
    : "";
  const last = flat.over.at(-1) ?? 1;
  const team = teamFor(Math.ceil(last / 4), adapter, limits);
  const alone: RowsVariant = { name: "alone", team: 1, images };
  const shared: RowsVariant = { name: `team${team}`, team, images };
  const isShort = last <= 4 * kept;
  return last >= 4 * team || (!isShort && adapter === "gpu") ? [shared, alone] : [alone];
}

/** The kernel of rows. */
export function emitRows(form: RowsForm, variant: Variant, limits: Limits): WgslKernel {
  const { team } = variant as RowsVariant;
  const flat = flatOf(form);
  const types = form.outs.map((o) => o.type);
  const module = moduleOf(form.ins, types, limits, imagesOf(variant));
  const group = team > 1 ? team : Math.min(32, limits.invocations);
  const workgroups = spreadGroups(
    team > 1 ? flat.points : Math.ceil(flat.points / group),
    limits,
  );
  const width = flat.over.length > 0 && flat.over.at(-1)! % 4 === 0 ? 4 : 1;
  const accs = new Map<number, Value>();
  const root = scopeOf(module, { axes: new Map([[0, { text: "i" }]]), accs });
  const nest = nestOf(root, { over: flat.over, width, team, unroll: kept });
  form.stages.forEach(({ combine, body }, k) => {
    const acc = accumulatorOf(module, combine, body.type, width);
    root.lines.push(...acc.start);
    nest.each((scope) => acc.step(scope, flat.terms[k], nest.at), acc.part);
    const joined = joinAll(module, combine, body.type, lanesOf(acc));
    root.lines.push(...joined.lines);
    let { names } = joined;
    if (team > 1) {
      const all = joinTeam(module, combine, body.type, names, team);
      root.lines.push(...all.lines);
      names = all.names;
    }
    accs.set(k, { text: names.at(-1)!, width: 1 });
  });
  const from = form.stages.length;
  nest.each((scope) => {
    form.outs.forEach((_, k) =>
      scope.store(k, flat.terms[from + 2 * k], flat.terms[from + 2 * k + 1])
    );
  });
  const row = module.param(workgroups[0]);
  const number = `i32(wid.y) * ${row} + i32(wid.x)`;
  const body = team > 1
    ? [
      `let lane = i32(lid.x);`,
      // Surplus work-groups of a ragged last row repeat the last row, so that all meet barriers.
      `let i = min(${number}, ${module.param(flat.points - 1)});`,
      ...root.lines,
    ]
    : [
      `let i = (${number}) * ${group} + i32(lid.x);`,
      `if (i < ${module.param(flat.points)}) {`,
      ...indent(root.lines),
      `}`,
    ];
  return module.finish({
    body,
    group: [group, 1, 1],
    workgroups: flat.points === 0 ? [0, 1, 1] : workgroups,
    iterations: nest.iterations * (form.stages.length + 1),
  });
}

/** The terms in order: the stages, then address and value of each result. */
function flatOf(form: RowsForm): Flat {
  const roots = [
    ...form.stages.map((stage) => stage.body),
    ...form.outs.flatMap((out) => [out.index, out.body]),
  ];
  return flatten(form.shape, form.over, roots);
}
