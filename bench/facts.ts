/**
 * What the bench knows of a row besides its time, as it passes from the process that measures to the
 * one that prints.
 * @module
 */

/** Facts of all rows. */
export interface Facts {
  /** Targets that are not on this machine, with the reason. */
  readonly absent: Record<string, string>;
  /** By the row's name. */
  readonly rows: Record<string, RowFacts>;
}

/** Facts of a row: what it computes, and what it is on each target. */
export interface RowFacts {
  readonly flops: number;
  readonly bytes: number;
  /** Which of both figures says most; empty where there is no rate. */
  readonly unit: "GFLOP/s" | "GB/s" | "";
  readonly targets: Record<string, TargetFacts>;
}

/** Facts of a row on a target. */
export interface TargetFacts {
  /** Dispatches on a GPU, steps of the plan in WebAssembly, operations of the interpreter. */
  readonly steps?: number;
  /** Distinct kernels: pipelines on a GPU, functions in WebAssembly. */
  readonly kernels?: number;
  /** Planned bytes: arenas, constants and results. Of a first result: all that the process held. */
  readonly peakBytes?: number;
  /** Why it was not run. */
  readonly skipped?: string;
}

/** A measured row on a target, as it is stored. */
export interface Result extends Omit<RowFacts, "targets">, TargetFacts {
  readonly name: string;
  /** The best run. */
  readonly ms: number;
}
