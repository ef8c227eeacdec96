/**
 * The modes of ElemwiseMultiType: truth from comparisons, and fixed-point arithmetic of mixed
 * dtypes. The quantized modes are refused.
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import type { DType } from "../../core/type.ts";
import { clip } from "../../ops/activation.ts";
import { add, maximum, minimum, mul, sub } from "../../ops/arithmetic.ts";
import { bitAnd, mulHigh, shl, shr } from "../../ops/bits.ts";
import { eq, gt, le, lt, ne } from "../../ops/compare.ts";
import { isInf, isNan } from "../../ops/logic.ts";
import { round } from "../../ops/round.ts";
import { as } from "../../ops/select.ts";
import { member, promoted, refused, type Rule, type Rules } from "../rule.ts";

type Mode = (...ins: readonly Tensor[]) => Tensor;

const int = (t: Tensor) => as(t, "i32");
const float = (t: Tensor) => as(t, "f32");

const limits: Readonly<Record<"i8" | "i16", readonly [number, number]>> = {
  i8: [-128, 127],
  i16: [-32768, 32767],
};

function saturated(x: Tensor, dtype: "i8" | "i16"): Tensor {
  const [lower, upper] = limits[dtype];
  return as(clip(x, { lower, upper }), dtype);
}

/** A right shift of i32 that rounds to nearest, halves away from zero. */
function roundedShift(x: Tensor, by: Tensor): Tensor {
  const mask = sub(shl(as(eq(by, by), "i32"), by), 1);
  const threshold = add(shr(mask, 1), int(lt(x, 0)));
  return add(shr(x, by), int(gt(bitAnd(x, mask), threshold)));
}

function shifted(dtype: "i8" | "i16"): Mode {
  return (x, by) => saturated(roundedShift(int(x), int(by)), dtype);
}

/** x + y, times a fixed-point multiplier, shifted and clipped: operands of `dtype`. */
function fixedPoint(dtype: DType): Mode {
  return (x, y, multiplier, shift, low, high) => {
    const sum = add(as(x, dtype), as(y, dtype));
    const scaled = int(mulHigh(sum, as(multiplier, dtype)));
    const small = roundedShift(scaled, int(shift));
    return as(maximum(minimum(small, int(high)), int(low)), "i8");
  };
}

const fused: Mode = (x, y, z) => add(mul(float(x), float(y)), float(z));

function compared(op: (a: Tensor, b: Tensor) => Tensor): Mode {
  return (...ins) => {
    const [a, b] = promoted(ins);
    return op(number(a), number(b));
  };
}

/** Truth as a number: only numbers have an order. */
function number(t: Tensor): Tensor {
  return t.dtype === "bool" ? as(t, "u8") : t;
}

const modes: Readonly<Record<string, Mode>> = {
  FUSE_MUL_ADD3_INT16x32x32x32: (x, y, z) => add(mul(int(x), int(y)), int(z)),
  FUSE_MUL_ADD3_IXxF32xF32xI8: (x, y, z) => saturated(round(fused(x, y, z)), "i8"),
  ROUND_SHR_SATURATE_IXxI8xI8: shifted("i8"),
  ROUND_SHR_SATURATE_IXxI8xI16: shifted("i16"),
  FUSE_ADD_RMULH_ROUND_SHR_SATURATE_INT16x16x16x8: fixedPoint("i16"),
  FUSE_ADD_RMULH_ROUND_SHR_SATURATE_INT32x32x32x8: fixedPoint("i32"),
  FUSE_MUL_ADD3_INT16xF32xF32xF32: fused,
  MUL_INT16xF32xF32: (x, y) => mul(float(x), float(y)),
  FUSE_MUL_ADD3_UINT8xF32xF32xF32: fused,
  EQ: compared(eq),
  NEQ: compared(ne),
  LT: compared(lt),
  LEQ: compared(le),
  ISNAN: (x) => isNan(x),
  ISINF: (x) => isInf(x),
};

const multiType: Rule = (site) => {
  const mode = member(site, "mode");
  const run = modes[mode];
  if (!run) {
    throw refused(site, `mode ${mode} is of quantized numbers, which are not computed here`);
  }
  return [run(...site.ins)];
};

/** The rule of ElemwiseMultiType. */
export const multiRules: Rules = { ElemwiseMultiType: multiType };
