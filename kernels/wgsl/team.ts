/**
 * Work-groups that reduce together: each invocation has a partial result, and all of them end with
 * the joined one.
 * @module
 */
import type { Combine } from "../../lib/core/form.ts";
import type { Kind } from "../../lib/core/scalar.ts";
import type { Limits } from "../../lib/core/target.ts";
import { join, joinAll } from "./accumulate.ts";
import { indent, type Module } from "./kernel.ts";

/** Up to here every invocation reads all partial results; a tree of barriers costs more. */
const flatTeam = 32;

/** Invocations that share a row of so many steps. */
export function teamFor(steps: number, adapter: "software" | "gpu", limits: Limits): number {
  const most = Math.min(adapter === "software" ? flatTeam : 256, limits.invocations);
  let team = Math.min(32, most);
  while (team * 2 <= most && team * 4 < steps) team *= 2;
  return team;
}

/** Statements after which `names` are what all partial results give together. */
export function joinTeam(
  module: Module,
  combine: Combine,
  kind: Kind,
  partial: readonly string[],
  team: number,
): { lines: string[]; names: readonly string[] } {
  const types = [kind, "i32"];
  // Each reduction has its own memory, so that one barrier is enough.
  const arrays = partial.map((_, i) => {
    const name = module.name().replace("t", "s");
    module.declare(`var<workgroup> ${name}: array<${types[i]}, ${team}>;`);
    return name;
  });
  const at = (place: string) => arrays.map((array) => `${array}[${place}]`);
  const lines = [
    ...partial.map((value, i) => `${arrays[i]}[lane] = ${value};`),
    `workgroupBarrier();`,
  ];
  if (team <= flatTeam) {
    const parts = Array.from({ length: team }, (_, i) => at(`${i}`));
    const all = joinAll(module, combine, kind, parts);
    return { lines: [...lines, ...all.lines], names: all.names };
  }
  for (let half = team / 2; half >= 1; half /= 2) {
    const joined = join(module, combine, kind, at("lane"), at(`lane + ${half}`));
    lines.push(
      `if (lane < ${half}) {`,
      ...indent([
        ...joined.lines,
        ...joined.names.map((name, i) => `${arrays[i]}[lane] = ${name};`),
      ]),
      `}`,
      `workgroupBarrier();`,
    );
  }
  return { lines, names: at("0") };
}
