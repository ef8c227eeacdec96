/**
 * How results are printed: one line a row, milliseconds and rate of each runner, ratios to the
 * fastest peer, and the geometric means.
 *
 * @module
 */

/** One runner on one row; `difference` is relative to the first runner's largest value. */
export interface Result {
  readonly name: string;
  readonly ms: number;
  readonly low: number;
  readonly reps: number;
  readonly difference: number;
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
  const peer = fastest(row);
  const body = names.map((name) => {
    const found = row.results.find((result) => result.name === name);
    if (!found) return `  ${name.padEnd(14)} -`;
    const work = row.unit === "GB/s" ? row.bytes : row.flops;
    const rate = `${(work / found.ms / 1e6).toFixed(2)} ${row.unit}`;
    const ratio = peer ? `${(peer / found.ms).toFixed(2)}x best peer` : "";
    const bad = found.difference > 1e-3 ? "  DIFFERENT RESULT" : "";
    const best = `best ${found.low.toFixed(2)}`.padEnd(12);
    return `  ${name.padEnd(14)} ${found.ms.toFixed(2).padStart(9)} ms  ${best} ` +
      `${rate.padStart(15)}  ${ratio.padStart(17)}  diff ${
        found.difference.toExponential(1)
      }${bad}`;
  });
  return [row.name, ...body].join("\n");
}

/** The geometric mean over all rows of (fastest peer's time / the runner's time). */
export function geomeans(lines: readonly Line[], names: readonly string[]): string {
  const body = names.map((name) => {
    const ratios = lines.flatMap((row) => {
      const peer = fastest(row);
      const found = row.results.find((result) => result.name === name);
      return peer && found ? [peer / found.ms] : [];
    });
    if (ratios.length === 0) return `  ${name.padEnd(14)} -`;
    const mean = Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
    const worst = Math.min(...ratios).toFixed(2);
    return `  ${name.padEnd(14)} ${mean.toFixed(2)}x over ${ratios.length} rows, worst ${worst}x`;
  });
  return ["geometric mean of speed against the fastest peer", ...body].join("\n");
}

/** Peers are the shipped libraries: neither ourselves nor the hand-written kernels. */
function fastest(row: Line): number | undefined {
  const peers = row.results.filter(({ name }) => name !== "ours" && name !== "raw");
  return peers.length ? Math.min(...peers.map(({ ms }) => ms)) : undefined;
}
