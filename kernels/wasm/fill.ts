/**
 * Which of the two operands of a contraction gives the columns that are computed side by side.
 * @module
 */
import { linearOf } from "../../lib/core/index.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { coef } from "../sums.ts";
import type { Contraction } from "./contraction.ts";

/** How well registers are filled from which the operands need not change sides. */
export const wellFilled = 23;

/**
 * How well columns fill registers, less what is lost beside the sums (measured): results that are
 * written one by one cost about as much as 24 products each, elements of a panel that is copied 4,
 * or 14 if they are turned, shared by the rows that read it.
 */
export function fillOf({ extents, column, outs, right, sums }: Contraction): number {
  const depth = sizeOf(sums.map(({ extent }) => extent));
  const isSideBySide = Math.abs(coef(linearOf(outs[0]), column)) === 1;
  const at = linearOf(right.index);
  const reads = sizeOf(extents.filter((_, i) => i !== column && coef(at, i) === 0));
  const copying = !right.staged ? 0 : right.columnStep === 1 ? 4 : 14;
  return Math.min(24, extents[column]) * (isSideBySide ? 1 : depth / (depth + 24)) *
    (reads / (reads + copying));
}
