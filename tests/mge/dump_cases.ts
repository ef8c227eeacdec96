/**
 * Graphs that are dumped: every small case of every operation as a function of its operands, and
 * functions of several operations.
 * @module
 */
import type { Graph } from "../../lib/core/graph.ts";
import type { Host } from "../../lib/core/host.ts";
import { arg, constant } from "../../lib/core/leaf.ts";
import type { Type } from "../../lib/core/type.ts";
import { apply } from "../../lib/core/tensor.ts";
import { checked } from "../../lib/op/field.ts";
import { ops } from "../../lib/ops/mod.ts";
import { graphOf } from "../../lib/stage/stage.ts";
import { isSmall, valuesOf } from "../ops/case_values.ts";

/** A graph with values for its arguments. */
export interface DumpCase {
  readonly name: string;
  readonly graph: Graph;
  readonly values: readonly Host[];
  /** The function and its types, where it may be staged for others. */
  readonly source?: {
    readonly model: (...ins: never[]) => unknown;
    readonly types: readonly Type[];
  };
  readonly tolerance: { readonly rtol: number; readonly atol: number };
}

/** Operations whose numbers differ in a file, as files hold no keys. */
export const random: ReadonlySet<string> = new Set(["uniform", "randomBits", "splitKeys"]);

/** Every small case of every operation. */
export function* dumpCases(): Generator<DumpCase> {
  for (const op of ops) {
    for (const [i, c] of op.cases.entries()) {
      if (!isSmall(c)) continue;
      const values = valuesOf(c);
      const held = random.has(op.name);
      const args = held ? [] : values.map((h) => arg({ dtype: h.dtype, shape: h.shape }));
      const ins = held ? values.map((h) => constant(h)) : args;
      const outs = apply(op, ins, checked(op.name, op.fields, c.attrs ?? {}, ins));
      yield {
        name: `${op.name}.${i}`,
        graph: graphOf(args, outs),
        values: held ? [] : values,
        tolerance: { rtol: 1e-4, atol: 1e-5, ...c.tolerance },
      };
    }
  }
}
