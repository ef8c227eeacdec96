/**
 * Comparisons; the result is bool. Comparisons with NaN are false, but `ne`, which is true.
 * @module
 */
import { s } from "../core/scalar.ts";
import { i32 } from "../core/type.ts";
import { between, type Binary, compare } from "../op/kinds.ts";

/** True where a < b. */
export const lt: Binary = compare({
  name: "lt",
  doc: "True where a < b",
  scalar: (a, b) => s.lt(a, b),
  cases: [{ ins: [between(-2, 2, [3, 5]), between(-2, 2, [5])] }],
});

/** True where a <= b. */
export const le: Binary = compare({
  name: "le",
  doc: "True where a <= b",
  scalar: (a, b) => s.le(a, b),
  cases: [{ ins: [between(-2, 2, i32([3, 5])), between(-2, 2, i32([5]))] }],
});

/** True where a > b. */
export const gt: Binary = compare({
  name: "gt",
  doc: "True where a > b",
  scalar: (a, b) => s.gt(a, b),
  cases: [{ ins: [between(-2, 2, [3, 5]), between(-2, 2, [5])] }],
});

/** True where a >= b. */
export const ge: Binary = compare({
  name: "ge",
  doc: "True where a >= b",
  scalar: (a, b) => s.ge(a, b),
  cases: [{ ins: [between(-2, 2, i32([3, 5])), between(-2, 2, i32([5]))] }],
});

/** True where a equals b; NaN equals nothing. */
export const eq: Binary = compare({
  name: "eq",
  doc: "True where a equals b; NaN equals nothing",
  takes: "any",
  scalar: (a, b) => s.eq(a, b),
  cases: [{ ins: [between(-2, 2, i32([3, 5])), between(-2, 2, i32([5]))] }],
});

/** True where a differs from b. */
export const ne: Binary = compare({
  name: "ne",
  doc: "True where a differs from b",
  takes: "any",
  scalar: (a, b) => s.ne(a, b),
  cases: [{ ins: [between(-2, 2, i32([3, 5])), between(-2, 2, i32([5]))] }],
});
