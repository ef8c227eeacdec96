/**
 * Truth: connectives of bool tensors, and questions about floats.
 * @module
 */
import { s, type Scalar } from "../core/scalar.ts";
import type { Case } from "../core/op.ts";
import { bool } from "../core/type.ts";
import { between, type Binary, binary, elemwise, type Unary, unary } from "../op/kinds.ts";

const pair: Case = { ins: [between(0, 2, bool([4, 5])), between(0, 2, bool([5]))] };

/** True where both hold. */
export const logicalAnd: Binary = binary({
  name: "logicalAnd",
  doc: "True where both hold",
  takes: "bool",
  scalar: (a, b) => s.and(a, b),
  wire: elemwise("AND"),
  cases: [pair],
});

/** True where one holds, or both. */
export const logicalOr: Binary = binary({
  name: "logicalOr",
  doc: "True where one holds, or both",
  takes: "bool",
  scalar: (a, b) => s.or(a, b),
  wire: elemwise("OR"),
  cases: [pair],
});

/** True where just one holds. */
export const logicalXor: Binary = binary({
  name: "logicalXor",
  doc: "True where just one holds",
  takes: "bool",
  scalar: (a, b) => s.ne(a, b),
  wire: elemwise("XOR"),
  cases: [pair],
});

/** True where x does not hold. */
export const logicalNot: Unary = unary({
  name: "logicalNot",
  doc: "True where x does not hold",
  takes: "bool",
  scalar: (x) => s.not(x),
  wire: elemwise("NOT"),
  cases: [{ ins: [between(0, 2, bool([9]))] }],
});

const odd: Case = {
  ins: [{
    dtype: "f32",
    shape: [7],
    data: new Float32Array([NaN, Infinity, -Infinity, 0, -0, 1e-45, 3.4028234663852886e38]),
  }],
};

/** The bits without the sign: devices may assume that no number is odd, but bits are bits. */
function magnitude(x: Scalar): Scalar {
  return s.bitAnd(s.bitsI32(x), 0x7fffffff);
}

const infinite = 0x7f800000;

/** True where x is not a number. */
export const isNan: Unary = unary({
  name: "isNan",
  doc: "True where x is not a number",
  gives: "bool",
  scalar: (x) => s.gt(magnitude(x), infinite),
  wire: { opr: "ElemwiseMultiType", mode: "ISNAN" },
  cases: [odd],
});

/** True where x is an infinity. */
export const isInf: Unary = unary({
  name: "isInf",
  doc: "True where x is an infinity",
  gives: "bool",
  scalar: (x) => s.eq(magnitude(x), infinite),
  wire: { opr: "ElemwiseMultiType", mode: "ISINF" },
  cases: [odd],
});

/** True where x is neither an infinity nor NaN. */
export const isFinite: Unary = unary({
  name: "isFinite",
  doc: "True where x is neither an infinity nor NaN",
  gives: "bool",
  scalar: (x) => s.lt(magnitude(x), infinite),
  cases: [odd],
});
