/**
 * Declarations of the common kinds of operation: unary, binary, comparisons, reductions. An
 * elementwise operation costs about ten lines with these.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import type { Case, CaseInput, VjpArgs, Wire } from "../core/op.ts";
import type { Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  broadcastShapes,
  type DType,
  f32,
  isFloat,
  isInteger,
  printType,
  type Type,
} from "../core/type.ts";
import { type Fn, op } from "./declare.ts";

/** Which dtypes an elementwise operation takes. */
export type Takes = "float" | "number" | "integer" | "bool" | "any";

/** An operation of one tensor. */
export type Unary = Fn<readonly ["x"]>;
/** An operation of two tensors that broadcast. */
export type Binary = Fn<readonly ["a", "b"]>;

/** What every elementwise declaration states. */
export interface Elementwise {
  /** The name in texts, errors and tables. */
  readonly name: string;
  /** One sentence; the docstring's first. */
  readonly doc: string;
  /** Dtypes taken; `float` by default. */
  readonly takes?: Takes;
  /** Dtype of the result, where it is not the operands'. */
  readonly gives?: DType;
  /** Cotangents of the operands, linear in `ct`. */
  readonly vjp?: (args: VjpArgs) => readonly (Tensor | undefined)[];
  /** A simpler equal tensor, or `undefined`. */
  readonly simplify?: (out: Tensor) => Tensor | undefined;
  /** The one file operator that it is, if it is one. */
  readonly wire?: Wire;
  /** Examples: its conformance suite. */
  readonly cases: readonly Case[];
}

/** True if an operation of this kind takes the dtype. */
export function isTaken(takes: Takes, dtype: DType): boolean {
  switch (takes) {
    case "float":
      return isFloat(dtype);
    case "number":
      return dtype !== "bool";
    case "integer":
      return isInteger(dtype);
    case "bool":
      return dtype === "bool";
    case "any":
      return true;
    default:
      throw new TypeError(`internal: unknown kind ${takes satisfies never}`);
  }
}

/** Refuses operands that no number can be made of; sums and windows need numbers. */
export function needNumbers(name: string, ins: readonly Type[]): void {
  const found = ins.find((t) => t.dtype === "bool");
  if (!found) return;
  throw new DTypeError(
    `Cannot apply ${name} to ${printType(found)}: it takes numbers\n  try cast to "i32" or "u8"`,
  );
}

/** The type of an elementwise result: one dtype, shapes broadcast. */
export function elementwise(
  name: string,
  names: readonly string[],
  ins: readonly Type[],
  takes: Takes,
  gives?: DType,
): Type {
  for (const [i, t] of ins.entries()) {
    if (!isTaken(takes, t.dtype)) {
      throw new DTypeError(
        `Cannot apply ${name} to ${names[i]}: ${printType(t)}: it takes ${takes} dtypes\n` +
          `  try cast(${names[i]}, { dtype: ${
            takes === "bool" ? `"bool"` : takes === "integer" ? `"i32"` : `"f32"`
          } })`,
      );
    }
    if (t.dtype !== ins[0].dtype) {
      throw new DTypeError(
        `Cannot apply ${name} to ${names[0]}: ${printType(ins[0])} and ${names[i]}: ` +
          `${printType(t)}: the dtypes differ\n  try cast on one of them`,
      );
    }
  }
  const shape = broadcastShapes(...ins.map((t) => t.shape));
  if (!shape) {
    const all = ins.map((t, i) => `${names[i]}: ${printType(t)}`).join(" and ");
    throw new ShapeError(
      `Cannot broadcast ${all} in ${name}: extents must agree or be 1, counted from the last axis\n` +
        "  try reshape or transpose on one of them",
    );
  }
  return { dtype: gives ?? ins[0].dtype, shape };
}

/** An elementwise operation of one tensor. */
export function unary(d: Elementwise & { readonly scalar: (x: Scalar) => Scalar }): Unary {
  const { scalar, takes = "float", gives, ...rest } = d;
  return op({
    ...rest,
    ins: ["x"],
    infer: (ins) => elementwise(d.name, ["x"], ins, takes, gives),
    scalar: ([x]) => scalar(x),
  });
}

/** An elementwise operation of two tensors that broadcast. */
export function binary(
  d: Elementwise & { readonly scalar: (a: Scalar, b: Scalar) => Scalar },
): Binary {
  const { scalar, takes = "number", gives, ...rest } = d;
  return op({
    ...rest,
    ins: ["a", "b"],
    infer: (ins) => elementwise(d.name, ["a", "b"], ins, takes, gives),
    scalar: ([a, b]) => scalar(a, b),
  });
}

/** An elementwise comparison; the result is bool. */
export function compare(
  d: Omit<Elementwise, "gives"> & { readonly scalar: (a: Scalar, b: Scalar) => Scalar },
): Binary {
  return binary({ ...d, gives: "bool" });
}

/** The wire of a mode of MegEngine's Elemwise. */
export function elemwise(mode: string): Wire {
  return { opr: "Elemwise", mode };
}

/** Seeded numbers between two bounds, for a case. */
export function between(from: number, to: number, type: Type | readonly number[]): CaseInput {
  return { type: "dtype" in type ? type : f32(type), from, to };
}
