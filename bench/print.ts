/**
 * The bench as text: one line a row, the figures of each target side by side, then what the targets
 * ran on and what was left out.
 * @module
 */
import type { Facts, Result } from "./facts.ts";

/** What was measured on a target. */
export interface Column {
  readonly target: string;
  /** What it ran on, in words. */
  readonly place: string;
  readonly results: readonly Result[];
  /** Milliseconds of the last stored run by row. */
  readonly before: ReadonlyMap<string, number>;
}

/** The table. Columns in which nothing stands are left out. */
export function printed(facts: Facts, columns: readonly Column[]): string {
  const names = Object.keys(facts.rows);
  const used = columns.filter(({ target }) =>
    names.some((name) => target in facts.rows[name].targets)
  );
  const table = [
    { target: "", head: "row", cells: names },
    { target: "", head: "unit", cells: names.map((name) => facts.rows[name].unit) },
    ...used.flatMap((column) => figuresOf(facts, column, names)),
  ].filter(({ cells }) => cells.some(Boolean));
  const titles = table.map(({ target }, i) => target === table[i - 1]?.target ? "" : target);
  const widths = table.map(({ head, cells }, i) =>
    Math.max(titles[i].length, head.length, ...cells.map((cell) => cell.length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))
      .join("  ").trimEnd();
  const reasons = names.flatMap((name) =>
    Object.entries(facts.rows[name].targets).flatMap(([target, { skipped }]) =>
      skipped ? [`${target}: not run where a row has ${skipped}`] : []
    )
  );
  return [
    line(titles),
    line(table.map(({ head }) => head)),
    ...names.map((_, i) => line(table.map(({ cells }) => cells[i]))),
    ...used.map(({ target, place }) => `${target}: ${place}`),
    ...Object.entries(facts.absent).map(([target, why]) => `${target}: left out: ${why}`),
    ...new Set(reasons),
  ].join("\n");
}

interface Figure {
  readonly target: string;
  readonly head: string;
  readonly cells: readonly string[];
}

function figuresOf(
  facts: Facts,
  { target, results, before }: Column,
  names: readonly string[],
): readonly Figure[] {
  const known = new Map(results.map((result) => [result.name, result]));
  const figure = (head: string, cell: (result: Result) => string | undefined): Figure => ({
    ...{ target, head },
    cells: names.map((name) => {
      const found = known.get(name);
      return found ? cell(found) ?? "" : "";
    }),
  });
  const times = figure("ms", ({ ms }) => ms.toFixed(2));
  return [
    {
      ...times,
      cells: times.cells.map((cell, i) =>
        facts.rows[names[i]].targets[target]?.skipped ? "not run" : cell
      ),
    },
    figure("rate", (result) => result.unit && rateOf(result).toFixed(2)),
    figure("steps", ({ steps }) => steps?.toString()),
    figure("kernels", ({ kernels }) => kernels?.toString()),
    figure("peak MiB", ({ peakBytes: bytes }) => bytes ? mebibytes(bytes) : undefined),
    figure("of stored", ({ name, ms }) => {
      const old = before.get(name);
      return old ? `${(ms / old).toFixed(2)}x` : "new";
    }),
  ];
}

function rateOf({ unit, flops, bytes, ms }: Result): number {
  return (unit === "GFLOP/s" ? flops : bytes) / ms / 1e6;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
