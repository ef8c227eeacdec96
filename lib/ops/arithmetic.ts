/**
 * The four operations and their close kin: what every gradient rule is made of.
 * @module
 */
import { s } from "../core/scalar.ts";
import { isFloat } from "../core/type.ts";
import { op } from "../op/declare.ts";
import {
  between,
  type Binary,
  binary,
  elementwise,
  elemwise,
  type Unary,
  unary,
} from "../op/kinds.ts";
import { i32 } from "../core/type.ts";
import { where } from "./select.ts";
import { le, lt } from "./compare.ts";

/** Sum, elementwise. */
export const add: Binary = binary({
  name: "add",
  doc: "Sum, elementwise",
  scalar: (a, b) => s.add(a, b),
  vjp: ({ ct }) => [ct, ct],
  wire: elemwise("ADD"),
  cases: [
    { ins: [between(-2, 2, [3, 5]), between(-2, 2, [5])] },
    { ins: [between(-9, 9, i32([7])), between(-9, 9, i32([7]))] },
  ],
});

/** Difference, elementwise. */
export const sub: Binary = binary({
  name: "sub",
  doc: "Difference, elementwise",
  scalar: (a, b) => s.sub(a, b),
  vjp: ({ ct }) => [ct, neg(ct)],
  wire: elemwise("SUB"),
  cases: [{ ins: [between(-2, 2, [3, 1]), between(-2, 2, [3, 4])] }],
});

/** Product, elementwise. */
export const mul: Binary = binary({
  name: "mul",
  doc: "Product, elementwise",
  scalar: (a, b) => s.mul(a, b),
  vjp: ({ ct, ins: [a, b] }) => [mul(ct, b), mul(ct, a)],
  wire: elemwise("MUL"),
  cases: [{ ins: [between(-2, 2, [2, 3, 4]), between(-2, 2, [3, 1])] }],
});

/** Quotient, elementwise; integers are divided as f32. */
export const div: Binary = op({
  name: "div",
  doc: "Quotient, elementwise; integers are divided as f32",
  ins: ["a", "b"],
  infer: (ins) => {
    const type = elementwise("div", ["a", "b"], ins, "number");
    return isFloat(type.dtype) ? type : { dtype: "f32", shape: type.shape };
  },
  scalar: ([a, b]) => s.div(s.toF32(a), s.toF32(b)),
  vjp: ({ ct, out, ins: [, b] }) => [div(ct, b), neg(div(mul(ct, out), b))],
  wire: elemwise("TRUE_DIV"),
  cases: [
    { ins: [between(-2, 2, [3, 5]), between(0.5, 2, [5])] },
    { ins: [between(-9, 9, i32([7])), between(1, 9, i32([7]))] },
  ],
});

/** Negation, elementwise. */
export const neg: Unary = unary({
  name: "neg",
  doc: "Negation, elementwise",
  takes: "number",
  scalar: (x) => s.neg(x),
  vjp: ({ ct }) => [neg(ct)],
  wire: elemwise("NEGATE"),
  cases: [{ ins: [between(-2, 2, [9])] }],
});

/** The larger of two, elementwise; NaN if either is; equal operands give the first the gradient. */
export const maximum: Binary = binary({
  name: "maximum",
  doc:
    "The larger of two, elementwise; NaN if either is; equal operands give the first the gradient",
  scalar: (a, b) => s.max(a, b),
  vjp: ({ ct, ins: [a, b] }) => [where(lt(a, b), 0, ct), where(lt(a, b), ct, 0)],
  wire: elemwise("MAX"),
  cases: [{ ins: [between(-2, 2, [3, 5]), between(-2, 2, [5])] }],
});

/** The smaller of two, elementwise; NaN if either is; equal operands give the first the gradient. */
export const minimum: Binary = binary({
  name: "minimum",
  doc:
    "The smaller of two, elementwise; NaN if either is; equal operands give the first the gradient",
  scalar: (a, b) => s.min(a, b),
  vjp: ({ ct, ins: [a, b] }) => [where(le(a, b), ct, 0), where(le(a, b), 0, ct)],
  wire: elemwise("MIN"),
  cases: [{ ins: [between(-2, 2, [3, 5]), between(-2, 2, [5])] }],
});
