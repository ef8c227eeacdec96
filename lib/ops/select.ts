/**
 * Choosing between two tensors by a third, and conversion between dtypes.
 * @module
 */
import { DTypeError } from "../core/fault.ts";
import { literal } from "../core/leaf.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { bool, type DType, f16, f32, i32, isFloat, printType, u8 } from "../core/type.ts";
import { type Fn, op, type Operand } from "../op/declare.ts";
import { dtype } from "../op/field.ts";
import { between, elementwise } from "../op/kinds.ts";

/** `a` where the condition holds, else `b`; the three broadcast. */
const choose: Fn<readonly ["condition", "a", "b"]> = op({
  name: "where",
  doc: "`a` where the condition holds, else `b`; the three broadcast",
  ins: ["condition", "a", "b"],
  infer: ([c, a, b]) => {
    if (c.dtype !== "bool") {
      throw new DTypeError(
        `Cannot choose by condition: ${printType(c)}: it must be bool\n  try ne(condition, 0)`,
      );
    }
    const both = elementwise("where", ["a", "b"], [a, b], "any");
    const all = elementwise(
      "where",
      ["condition", "a and b"],
      [c, { ...both, dtype: "bool" }],
      "any",
    );
    return { dtype: a.dtype, shape: all.shape };
  },
  scalar: ([c, a, b]) => s.select(c, a, b),
  vjp: ({ ct, ins: [c] }) => [undefined, where(c, ct, 0), where(c, 0, ct)],
  cases: [
    { ins: [between(0, 2, bool([3, 5])), between(-2, 2, [5]), between(-2, 2, [3, 1])] },
    { ins: [between(0, 2, bool([4])), between(-9, 9, i32([4])), between(-9, 9, i32([4]))] },
  ],
});

/**
 * `a` where the condition holds, else `b`; the three broadcast. The condition is bool; a bare
 * number takes the other's dtype. Throws ShapeError if the shapes do not broadcast.
 */
export function where(condition: Operand, a: Operand, b: Operand): Tensor {
  const like: DType = isTensor(a) ? a.dtype : isTensor(b) ? b.dtype : "f32";
  const lift = (x: Operand) => isTensor(x) ? x : literal(x, like);
  return choose(condition, lift(a), lift(b));
}

/** The record of `where`. */
export const whereFn: Fn<readonly ["condition", "a", "b"]> = choose;

/**
 * The same values in another dtype: floats truncate toward zero and saturate to i32, integers
 * wrap, anything but 0 is true.
 */
export const cast: Fn<readonly ["x"], { dtype: DType }> = op({
  name: "cast",
  doc: "The same values in another dtype: floats truncate toward zero and saturate to i32, " +
    "integers wrap, anything but 0 is true",
  ins: ["x"],
  attrs: { dtype: dtype() },
  infer: ([x], { dtype }) => ({ dtype, shape: x.shape }),
  scalar: ([x], { dtype }) => converted(x, dtype),
  vjp: ({ ct, ins: [x], attrs }) =>
    isFloat(x.dtype) && isFloat(attrs.dtype) ? [cast(ct, { dtype: x.dtype })] : [undefined],
  cases: [
    { ins: [between(-300, 300, [33])], attrs: { dtype: "i32" }, gradient: false },
    { ins: [between(-300, 300, [33])], attrs: { dtype: "i8" }, gradient: false },
    { ins: [between(-300, 300, [33])], attrs: { dtype: "u16" }, gradient: false },
    { ins: [between(-1, 1, [33])], attrs: { dtype: "f16" }, gradient: false },
    { ins: [between(-1, 1, f16([7]))], attrs: { dtype: "f32" }, gradient: false },
    { ins: [between(0, 255, u8([9]))], attrs: { dtype: "f32" } },
    { ins: [between(0, 3, i32([9]))], attrs: { dtype: "bool" } },
    { ins: [between(0, 2, bool([9]))], attrs: { dtype: "u8" } },
  ],
});

function converted(x: Scalar, to: DType): Scalar {
  if (isFloat(to)) return s.toF32(x);
  return to === "bool" ? s.toBool(x) : s.toI32(x);
}

/** A tensor in a dtype, cast only where it has another. */
export function as(x: Tensor, to: DType): Tensor {
  return x.dtype === to ? x : cast(x, { dtype: to });
}

/** The dtype in which sums and statistics of a dtype are computed: f16 widens to f32. */
export function wide(x: Tensor): Tensor {
  return x.dtype === "f16" ? cast(x, { dtype: f32().dtype }) : x;
}
