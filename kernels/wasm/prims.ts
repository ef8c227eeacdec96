/**
 * x
 * @module
 */
import type { Call, Scalar } from "../../lib/core/scalar.ts";
export interface FusedCall extends Call {
  readonly fused: true;
}
export function isFused(term: Scalar): term is FusedCall {
  return "fused" in term;
}
export function expand(_call: Call): Scalar | undefined {
  return undefined;
}
