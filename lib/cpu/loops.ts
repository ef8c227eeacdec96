/**
 * Strided loops over typed arrays, for elementwise operations with broadcasting.
 * @module
 */
import { arrayOf, type Host, type HostArray } from "../core/host.ts";
import { denseStrides, sizeOf, type Type } from "../core/type.ts";
import { type Compiled, environment } from "./scalar.ts";

/** Runs a body for every element of a broadcast result; operand k is `args[k]`. */
export function elementLoop(ins: readonly Host[], type: Type, body: Compiled): HostArray {
  const n = sizeOf(type.shape);
  const out = arrayOf(type.dtype, n);
  const env = environment();
  const arrays = ins.map((h) => h.data);
  const whole = ins.map((h) => h.data.length === n);
  const single = ins.map((h) => h.data.length === 1);
  if (ins.every((_, k) => whole[k] || single[k])) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < arrays.length; k++) env.args[k] = Number(arrays[k][whole[k] ? i : 0]);
      out[i] = body(env);
    }
    return out;
  }
  const rank = type.shape.length;
  const strides = ins.map((h) => broadcastStrides(h.shape, rank));
  const at = new Array<number>(ins.length).fill(0);
  const coords = new Array<number>(rank).fill(0);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < arrays.length; k++) env.args[k] = Number(arrays[k][at[k]]);
    out[i] = body(env);
    for (let d = rank - 1; d >= 0; d--) {
      for (let k = 0; k < at.length; k++) at[k] += strides[k][d];
      if (++coords[d] < type.shape[d]) break;
      for (let k = 0; k < at.length; k++) at[k] -= strides[k][d] * type.shape[d];
      coords[d] = 0;
    }
  }
  return out;
}

/** Strides of an operand along a result's axes; 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const dense = denseStrides(shape);
  return Array.from({ length: rank }, (_, d) => {
    const own = d - (rank - shape.length);
    return own < 0 || shape[own] === 1 ? 0 : dense[own];
  });
}
