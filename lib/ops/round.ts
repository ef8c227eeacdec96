/**
 * Rounding to whole numbers. No gradient flows: the derivative is 0 wherever there is one.
 * @module
 */
import type { Case } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { between, elemwise, type Unary, unary } from "../op/kinds.ts";

function rounding(
  name: string,
  doc: string,
  scalar: (x: Scalar) => Scalar,
  mode?: string,
): Unary {
  const ties = new Float32Array([-2.5, -1.5, -0.5, -0, 0, 0.5, 1.5, 2.5, 0.49999997]);
  const cases: Case[] = [
    { ins: [between(-4, 4, [40])], gradient: false },
    { ins: [{ dtype: "f32", shape: [9], data: ties }], gradient: false },
  ];
  const wire = mode === undefined ? {} : { wire: elemwise(mode) };
  return unary({ name, doc, scalar, vjp: () => [undefined], cases, ...wire });
}

/** The largest whole number not above x. */
export const floor: Unary = rounding(
  "floor",
  "The largest whole number not above x",
  (x) => s.floor(x),
  "FLOOR",
);

/** The smallest whole number not below x. */
export const ceil: Unary = rounding(
  "ceil",
  "The smallest whole number not below x",
  (x) => s.ceil(x),
  "CEIL",
);

/** The nearest whole number; halves go away from zero. */
export const round: Unary = rounding(
  "round",
  "The nearest whole number; halves go away from zero",
  (x) => s.round(x),
  "ROUND",
);

/** x without its fraction. */
export const trunc: Unary = rounding("trunc", "x without its fraction", (x) => s.trunc(x));
