/**
 * Zeros that stand for an absent gradient: optimisers leave such parameters as they are.
 * @module
 */
import { arrayOf } from "../core/host.ts";
import { kindOf, lit } from "../core/scalar.ts";
import { type DType, sizeOf } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { dtype, shape as shapeField } from "../op/field.ts";

/** Zeros of a type, where no gradient flows. */
export const zero: Fn<readonly [], { shape: readonly number[]; dtype: DType }> = op({
  name: "zero",
  doc: "Zeros of a type, where no gradient flows",
  ins: [],
  attrs: { shape: shapeField(), dtype: dtype() },
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  eval: (_, __, [out]) => [{ ...out, data: arrayOf(out.dtype, sizeOf(out.shape)) }],
  lower: (_, __, { shape, dtype }) => ({ kind: "map", shape, body: lit(kindOf(dtype), 0) }),
  vjp: () => [],
  cases: [{ ins: [], attrs: { shape: [3], dtype: "f32" } }],
});
