/**
 * How long runs take: the first one, then the timed ones.
 * @module
 */

/** What the runs took, in milliseconds. */
export interface Times {
  /** The very first run, with compiling. */
  readonly first: number;
  /** Of the timed runs. */
  readonly median: number;
  /** Of the timed runs. */
  readonly min: number;
}

/** How often something runs. */
export interface Timing {
  readonly iter: number;
  readonly warmup: number;
  readonly signal: AbortSignal;
  /** Hears how many runs are done. */
  at(done: number): void;
}

/** Each timed run's milliseconds, and those of the very first run. */
export interface Measured {
  readonly first: number;
  readonly timed: readonly number[];
}

/** Runs as often as asked and gives what the last run gave. */
export async function timed<T>(
  run: () => Promise<T>,
  { iter, warmup, signal, at }: Timing,
): Promise<{ readonly last: T; readonly times: Measured }> {
  const all: number[] = [];
  let last: T;
  do {
    // A target in this process never waits: without a pause no interrupt would be heard.
    await new Promise((done) => setTimeout(done, 0));
    signal.throwIfAborted();
    const begun = performance.now();
    last = await run();
    all.push(performance.now() - begun);
    at(all.length);
  } while (all.length < warmup + iter);
  signal.throwIfAborted();
  return { last, times: { first: all[0], timed: all.slice(warmup) } };
}

/** The three numbers of all runs. */
export function timesOf(measured: readonly Measured[]): Times {
  const sorted = measured.flatMap(({ timed }) => timed).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { first: measured[0].first, median, min: sorted[0] };
}
