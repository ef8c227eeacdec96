/**
 * What forms are tested with: values that look random and are the same in every run, loads of
 * operands at coordinates, and a form together with its operands and how exact it must be.
 * @module
 */
import type { Form } from "../../lib/core/form.ts";
import { arrayOf, type Host } from "../../lib/core/host.ts";
import { addressOf } from "../../lib/core/index.ts";
import { kindOf, type Scalar } from "../../lib/core/scalar.ts";
import { isFloat, sizeOf, type Type } from "../../lib/core/type.ts";

/** How far from the interpreter a kernel may be. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** A form with operands; what is not stated is drawn, and near within a few roundings. */
export interface FormCase {
  readonly form: Form;
  readonly ins?: readonly Host[];
  readonly tolerance?: Tolerance;
  /** Zeros have the right sign. */
  readonly signed?: boolean;
}

/** A form with operands. */
export function one(form: Form, ins: readonly Host[], tolerance?: Tolerance): FormCase {
  return { form, ins, ...(tolerance ? { tolerance } : {}) };
}

/** Runs all kernels of a form and fails unless they agree with the interpreter. */
export type Judge = (one: FormCase) => Promise<void> | void;

/** Values of a type, from -2 to 2, of about -100 to 100, or truth. */
export function values(type: Type, seed: number = 1): Host {
  const data = arrayOf(type.dtype, sizeOf(type.shape));
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const unit = (state >>> 8) / 2 ** 24;
    data[i] = isFloat(type.dtype)
      ? unit * 4 - 2
      : type.dtype === "bool"
      ? Number(unit > 0.5)
      : Math.floor(unit * 200) - (type.dtype.startsWith("u") ? 0 : 100);
  }
  return { ...type, data };
}

/** The operands of a case. */
export function operandsOf({ form, ins }: FormCase): readonly Host[] {
  return ins ?? form.ins.map((type, i) => values(type, i + 1));
}

/** The element of an operand at coordinates. */
export function load(operand: number, type: Type, coords: readonly Scalar[]): Scalar {
  const index = addressOf(coords, type.shape);
  return { kind: "load", type: kindOf(type.dtype), operand, index };
}

/** The first value that is too far from the one wanted, in words. */
export function difference(
  got: readonly Host[],
  want: readonly Host[],
  { rtol, atol }: Tolerance,
  signed: boolean = false,
): string | undefined {
  for (const [k, { data }] of want.entries()) {
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [Number(got[k].data[i]), Number(data[i])];
      if (signed ? Object.is(a, b) : a === b || (a !== a && b !== b)) continue;
      if (a !== b && Math.abs(a - b) <= atol + rtol * Math.abs(b)) continue;
      return `result ${k}[${i}] is ${a}, not ${b}`;
    }
  }
}
