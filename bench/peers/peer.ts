/**
 * What a runner must offer to be compared.
 *
 * @module
 */
import type { Row } from "./cases.ts";
import { count } from "./spec.ts";

/** A row made ready on one runner: weights where it keeps them, kernels perhaps not yet compiled. */
export interface Prepared {
  /**
   * One inference from an input that the runner already holds to a finished output, awaited as the
   * runner's users would: outputs up to READ_LIMIT values are read, others stay where they are,
   * unless the runner always copies, or is measured with the copy.
   */
  run(): Promise<void>;
  /** One inference, read back, in the row's own order (NCHW). */
  result(): Promise<Float32Array>;
  dispose(): void;
}

/** A runner under comparison; `prepare` gives undefined for rows that it is not measured on. */
export interface Peer {
  prepare(row: Row): Promise<Prepared | undefined>;
}

/** Outputs of at most this many values are read by every `run`. */
export const READ_LIMIT = 4096;

/** True for a row whose output every `run` reads. */
export function isSmall(row: Row): boolean {
  return count(row.output) <= READ_LIMIT;
}
