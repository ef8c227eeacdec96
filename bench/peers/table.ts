/**
 * How results are printed: one line a row and runner with milliseconds, rate and ratios, the geometric
 * means, and a table for the documentation. Ratios are to the fastest peer; for a run that ends with
 * the result in a new array, to the fastest of those that do the same.
 *
 * @module
 */
import type { Runner } from "./runners.ts";

/** One runner on one row; `difference` is relative to the first runner's largest value. */
export interface Result {
  readonly name: string;
  readonly role: Runner["role"];
  /** True if every run read the result. */
  readonly reads: boolean;
  /** The median, and the best. */
  readonly ms: number;
  readonly low: number;
  readonly reps: number;
  readonly difference: number;
  /** Processor time over wall time. */
  readonly cores?: number;
  /** The share of turns in which no thread waited for a core. */
  readonly quiet?: number;
  /** The most memory that a process of its own held. */
  readonly peakBytes?: number;
}

/** One row of the table. */
export interface Line {
  readonly name: string;
  readonly flops: number;
  readonly bytes: number;
  readonly unit: "GFLOP/s" | "GB/s";
  readonly results: readonly Result[];
}

/** The middle value. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** A row as text: a header line and a line a runner. */
export function line(row: Line, names: readonly string[]): string {
  const body = names.flatMap((name) => {
    const found = row.results.find((result) => result.name === name);
    if (!found) return name.endsWith("-copied") ? [] : [`  ${name.padEnd(16)} -`];
    const work = row.unit === "GB/s" ? row.bytes : row.flops;
    const { ms, low, cores, quiet = 1, peakBytes } = found;
    const native = row.results.find((result) => result.name === "ort-node");
    const cells = [
      `  ${name.padEnd(16)} ${ms.toFixed(2).padStart(9)} ms`,
      `best ${low.toFixed(2)}`.padEnd(12),
      `${(work / ms / 1e6).toFixed(2)} ${row.unit}`.padStart(15),
      cores === undefined ? "" : `${cores.toFixed(2)} cores`,
      peakBytes === undefined ? "" : `${(peakBytes / 2 ** 20).toFixed(0)} MiB`.padStart(8),
      times(ratio(row, found), "best peer").padStart(17),
      times(ratio(row, found, "low"), "by bests").padStart(15),
      native ? times(native.ms / ms, "ort-node").padStart(14) : "",
      peakBytes === undefined ? `diff ${found.difference.toExponential(1)}` : "",
      found.difference > 1e-3 ? "DIFFERENT RESULT" : "",
      quiet < 0.5 ? `disturbed in ${Math.round(100 - 100 * quiet)} % of turns` : "",
    ];
    return [cells.filter(Boolean).join("  ")];
  });
  return [row.name, ...body].join("\n");
}

/** The geometric mean over all rows of (fastest peer's time / the runner's time). */
export function geomeans(lines: readonly Line[], names: readonly string[]): string {
  const body = names.map((name) => {
    const ratios = lines.flatMap((row) => {
      const found = row.results.find((result) => result.name === name);
      return found && ratio(row, found) || [];
    });
    if (ratios.length === 0) return `  ${name.padEnd(16)} -`;
    const mean = Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
    const worst = Math.min(...ratios).toFixed(2);
    return `  ${name.padEnd(16)} ${mean.toFixed(2)}x over ${ratios.length} rows, worst ${worst}x`;
  });
  return ["geometric mean of speed against the fastest peer", ...body].join("\n");
}

/** A table for the documentation: milliseconds of all, then the ratios of our runners. */
export function markdown(lines: readonly Line[], runners: readonly Runner[]): string {
  const ours = runners.filter(({ role }) => role === "weft");
  const hasNative = runners.some(({ name }) => name === "ort-node");
  const head = [
    "row",
    ...runners.map(({ name }) => `${name} ms`),
    ...ours.map(({ name }) => `${name} against the best peer`),
    ...(hasNative ? [`${ours[0]?.name} against ort-node`] : []),
  ];
  const body = lines.map((row) => {
    const of = (name: string) => row.results.find((result) => result.name === name);
    const native = of("ort-node"), first = ours.length ? of(ours[0].name) : undefined;
    return [
      row.name,
      ...runners.map(({ name }) => of(name)?.ms.toFixed(2) ?? ""),
      ...ours.map(({ name }) => {
        const found = of(name);
        return found ? times(ratio(row, found)) : "";
      }),
      ...(hasNative ? [native && first ? times(native.ms / first.ms) : ""] : []),
    ];
  });
  return [head, head.map((_, i) => i ? "--:" : "---"), ...body]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function times(ratio: number | undefined, of: string = ""): string {
  return ratio === undefined ? "" : `${ratio.toFixed(2)}× ${of}`.trim();
}

/** The fastest peer's time over this one's, by medians or by the best runs. */
function ratio(row: Line, result: Result, by: "ms" | "low" = "ms"): number | undefined {
  const peers = row.results.filter(({ role, reads }) =>
    role === "peer" && (reads || !result.reads)
  );
  return peers.length ? Math.min(...peers.map((peer) => peer[by])) / result[by] : undefined;
}
