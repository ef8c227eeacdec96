/**
 * What follows a sum, done late: where it is long, or the sum is deep, tiles store their sums as they
 * are, and a second pass over the rows just stored does the rest. In a tile all its sums would wait in
 * registers that the long term needs; tiles of bare sums may be shared.
 * @module
 */
import type { MatmulForm } from "../../lib/core/form.ts";
import type { ConvForm } from "../../lib/core/form.ts";
import type { Local } from "./code.ts";
import type { Contraction } from "./contraction.ts";
import { countedLoop } from "./kernel.ts";
import { store } from "./load.ts";
import { weightOf } from "./map.ts";
import type { Writing } from "./row_tiles.ts";
import type { Scope } from "./scope.ts";
import { isDeep } from "./sum_rows.ts";

/** Multiply-adds from which a term is long. */
const long = 12;

/** The contraction whose tiles store bare sums, where what follows is better done late. */
export function withoutEnd(
  form: MatmulForm | ConvForm,
  contraction: Contraction,
): Contraction | undefined {
  const [index, body] = contraction.outs;
  if (form.outs.length > 1 || form.outs[0].type.dtype !== contraction.kind) return undefined;
  if (body.kind !== "call") return undefined;
  const outs = [index, { kind: "acc", type: contraction.kind, index: 0 } as const];
  const bare = { ...contraction, outs };
  return weightOf([body]) >= long || isDeep(bare) ? bare : undefined;
}

/** The end of all sums of some rows and columns; the scope names the first of these. */
export function lateRows(
  scope: Scope,
  { contraction: { extents, row, column, outs } }: Writing,
  columns: number,
  operand: number,
  start: Local,
  end: Local,
): void {
  const { code } = scope;
  const [at, across, stop] = [code.local("i32"), code.local("i32"), code.local("i32")];
  code.get(start);
  code.set(at);
  const rows = scope.child({ axes: new Map([[row, at]]) });
  const some = (count: number) => {
    const cells = rows.child({ axes: new Map([[column, across]]), lanes: column, alive: count });
    const sum = cells.code.local("v128");
    cells.vector({ kind: "load", type: kindOf(outs), operand, index: outs[0] });
    cells.code.set(sum);
    const named = cells.child({ accs: new Map([[0, sum]]) });
    store(named, operand, outs[0], outs[1]);
    cells.code.append(named.code);
    return cells.code;
  };
  const whole = columns - columns % 4;
  rows.code.get(scope.axis(column)!);
  rows.code.tee(across);
  rows.code.i32(whole);
  rows.code.op("i32.add");
  rows.code.set(stop);
  if (whole) countedLoop(rows.code, across, { local: stop }, 4, some(4));
  if (columns % 4) rows.code.append(some(columns % 4));
  if (row < extents.length) countedLoop(code, at, { local: end }, 1, rows.code);
  else code.append(rows.code);
}

function kindOf(outs: Contraction["outs"]): "f32" | "i32" {
  return outs[1].type === "f32" ? "f32" : "i32";
}
