/**
 * First values of parameters: functions from a key and a type to a term.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { sizeOf, type Type } from "../core/type.ts";
import { full } from "../ops/create.ts";
import { normal, uniform } from "../ops/random.ts";

/** Makes the first value of a parameter. */
export type Initializer = (key: Tensor, type: Type) => Tensor;

/** Zeros everywhere. */
export function zerosInit(_: Tensor, type: Type): Tensor {
  return full(type.shape, 0, type.dtype);
}

/** Ones everywhere. */
export function onesInit(_: Tensor, type: Type): Tensor {
  return full(type.shape, 1, type.dtype);
}

/** Inputs and outputs that each weight connects: [o,c,…] counts the window as well. */
export function fans(
  shape: readonly number[],
): { readonly fanIn: number; readonly fanOut: number } {
  const window = sizeOf(shape.slice(2));
  return { fanIn: (shape[1] ?? 1) * window, fanOut: (shape[0] ?? 1) * window };
}

/** Uniform in ±sqrt(3 · gain² / fanIn); gain² = 2 suits relu (He et al., 2015). */
export function heUniform(gain: number = Math.SQRT2): Initializer {
  return (key, type) => {
    const bound = gain * Math.sqrt(3 / fans(type.shape).fanIn);
    return uniform(key, type.shape, { from: -bound, to: bound });
  };
}

/** Normal with deviation gain / sqrt(fanIn) (He et al., 2015). */
export function heNormal(gain: number = Math.SQRT2): Initializer {
  return (key, type) => normal(key, type.shape, { std: gain / Math.sqrt(fans(type.shape).fanIn) });
}

/** Uniform in ±sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010). */
export function xavierUniform(): Initializer {
  return (key, type) => {
    const { fanIn, fanOut } = fans(type.shape);
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    return uniform(key, type.shape, { from: -bound, to: bound });
  };
}

/** Uniform in ±1/sqrt(fanIn), for biases beside a weight with that many inputs. */
export function uniformFor(fanIn: number): Initializer {
  const bound = 1 / Math.sqrt(fanIn);
  return (key, type) => uniform(key, type.shape, { from: -bound, to: bound });
}
