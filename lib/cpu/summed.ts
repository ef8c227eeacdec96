/**
 * Results that are collected by adding here and there.
 * @module
 */
import { arrayOf, type Host } from "../core/host.ts";
import { sizeOf, type Type } from "../core/type.ts";

/** The result that `run` adds together, kept in double precision until it is stored. */
export function summed(out: Type, run: (sums: Float64Array) => void): Host[] {
  const sums = new Float64Array(sizeOf(out.shape));
  run(sums);
  const data = arrayOf(out.dtype, sums.length);
  data.set(sums);
  return [{ dtype: out.dtype, shape: [...out.shape], data }];
}
