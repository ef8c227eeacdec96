/**
 * What `inspect` says of passes: which there are, what each did to a graph, and the texts before
 * and after it.
 * @module
 */
import { wasmLimits } from "../../kernels/wasm/target.ts";
import type { Graph } from "../core/graph.ts";
import { printGraph } from "../core/print.ts";
import { bindingOf } from "../stage/bind.ts";
import { type Level, passesOf } from "../stage/level.ts";
import { explain, type Explanation, type PassReport } from "../plan/explain.ts";
import { suggestion, usageError } from "./parse.ts";
import type { Colors } from "./std.ts";

/** The names of the passes of a level, in order. */
export function passNames(level: Level = 2): string[] {
  return passesOf(level).map(({ name }) => name);
}

/** The level that a number names. */
export function levelOf(value: number | undefined): Level | undefined {
  if (value === undefined || [0, 1, 2, 3].includes(value)) return value as Level | undefined;
  throw usageError(`Cannot take ${value} for --opt-level: it takes 0, 1, 2 or 3`);
}

/** Refuses a name that is no pass of the level. */
export function checkPass(name: string, level: Level): void {
  const known = passNames(level);
  if (known.includes(name)) return;
  throw usageError(
    `Cannot take ${name} for --after: level ${level} has the passes ${known.join(", ")}; ` +
      suggestion(name, known),
  );
}

/** The passes asked for, in order: none for the graph as it is written. */
export function passesAsked(level: Level | undefined, after: string | undefined): string[] {
  if (level === undefined && after === undefined) return [];
  const names = passNames(level ?? 2);
  return after === undefined ? names : names.slice(0, names.indexOf(after) + 1);
}

/** A graph after the first passes of a level. */
export function passed(graph: Graph, level: Level | undefined, count: number): Graph {
  return passesOf(level ?? 2).slice(0, count).reduce((g, { pass }) => pass(g), graph);
}

/** The canonical text; with binding times, each line also says when its value is known. */
export function graphText(graph: Graph, binding: boolean): string {
  return binding ? printGraph(graph, bindingOf(graph)) : String(graph);
}

/** What the passes did, up to the named one; the plan too where none is named. */
export function explained(graph: Graph, level: Level, after: string | undefined): Explanation {
  if (after === undefined) return explain(graph, level, wasmLimits(2 ** 32));
  const { passes, ...rest } = explain(graph, level);
  return { ...rest, passes: passes.slice(0, passes.findIndex(({ name }) => name === after) + 1) };
}

/** The same as JSON holds it; with the texts where `text` gives them. */
export function passDocument(
  { level, passes, plan }: Explanation,
  text?: (graph: Graph) => string,
): Record<string, unknown> {
  return {
    level,
    ...(text && passes.length ? { written: text(passes[0].graphs.before) } : {}),
    passes: passes.map((pass) => ({
      name: pass.name,
      doc: pass.doc,
      changed: isChanged(pass),
      operations: { before: pass.before.operations, after: pass.after.operations },
      constants: { before: pass.before.constants, after: pass.after.constants },
      laws: pass.laws,
      shared: pass.shared,
      folded: pass.folded,
      ...(text ? { graph: text(pass.graphs.after) } : {}),
    })),
    ...(plan ? { plan } : {}),
  };
}

/** The same in lines: a table, the kernels, and the texts where `text` gives them. */
export function passLines(
  { level, passes, plan }: Explanation,
  paint: Colors,
  text?: (graph: Graph) => string,
): readonly string[] {
  const arrow = (before: number, after: number) =>
    before === after ? String(after) : `${before} → ${after}`;
  const rows = [
    ["pass", "operations", "constants", ""],
    ...passes.map((pass) => [
      pass.name,
      arrow(pass.before.operations, pass.after.operations),
      arrow(pass.before.constants, pass.after.constants),
      did(pass),
    ]),
    ...(plan
      ? [["kernels", arrow(plan.operations, plan.kernels.length), "", `${plan.fused} fused`]]
      : []),
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) =>
    `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd()}`
  );
  return [
    paint.bold(`passes of level ${level}`),
    paint.dim(lines[0]),
    ...lines.slice(1),
    ...(plan
      ? [paint.bold("kernels on WebAssembly"), ...plan.kernels.map((name) => `  ${name}`)]
      : []),
    ...(text ? texts(passes, text) : []),
  ];
}

function texts(passes: readonly PassReport[], text: (graph: Graph) => string): readonly string[] {
  if (passes.length === 0) return [];
  return [
    ...["", "// as it is written", text(passes[0].graphs.before)],
    ...passes.flatMap((pass) => [
      "",
      `// after ${pass.name}: ${did(pass)}`,
      ...(isChanged(pass) ? [text(pass.graphs.after)] : []),
    ]),
  ];
}

function isChanged({ graphs }: PassReport): boolean {
  return graphs.before !== graphs.after;
}

/** What a pass did, in a few words. */
function did(pass: PassReport): string {
  const { laws, shared, folded, name, before, after } = pass;
  if (!isChanged(pass)) return "nothing";
  const merged = name === "share" ? before.constants - after.constants : 0;
  return [
    ...Object.entries(laws).map(([law, n]) => n === 1 ? law : `${law} ${n} times`),
    ...(shared ? [`${shared} shared`] : []),
    ...(merged ? [`${merged} ${merged === 1 ? "constant" : "constants"} shared`] : []),
    ...(folded ? [`${folded} folded`] : []),
  ].join(", ");
}
