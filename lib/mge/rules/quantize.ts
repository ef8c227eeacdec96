/**
 * Quantized element types: only conversion from and to them is read; their elements are held as
 * the integers that they are.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import type { DType } from "../../core/type.ts";
import { clip } from "../../ops/activation.ts";
import { add, div, mul, sub } from "../../ops/arithmetic.ts";
import { round } from "../../ops/round.ts";
import { as } from "../../ops/select.ts";
import type { FileDType } from "../model.ts";
import { storedDType } from "../weights.ts";

const bounds: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
};

/** The real numbers that quantized elements stand for. */
export function dequantized(x: Tensor, dtype: FileDType): Tensor {
  return mul(sub(as(x, "f32"), dtype.zeroPoint ?? 0), dtype.scale ?? 1);
}

/** The nearest quantized elements; none where nothing here holds them. */
export function quantized(x: Tensor, dtype: FileDType): Tensor | undefined {
  const own = storedDType(dtype.name);
  if (!own) return undefined;
  const steps = add(round(div(as(x, "f32"), dtype.scale ?? 1)), dtype.zeroPoint ?? 0);
  const range = bounds[own];
  return as(range ? clip(steps, { lower: range[0], upper: range[1] }) : steps, own);
}
