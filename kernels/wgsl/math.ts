/**
 * Functions that WGSL lacks or leaves inexact, written in its own terms, for one value or four. A
 * text has only those that it uses. Not-a-number is tested by its bits, for drivers fold `x != x`.
 * @module
 */
import { expText, logText } from "./math_exp.ts";
import { arcText, atan2Text, atanText, trigText } from "./math_trig.ts";

/** The names of the helper functions. */
export type Helper =
  | "is_nan"
  | "min_f32"
  | "max_f32"
  | "rem_f32"
  | "pow_f32"
  | "atan2_f32"
  | "exp_f32"
  | "log_f32"
  | "sin_f32"
  | "cos_f32"
  | "tan_f32"
  | "sin_cos"
  | "asin_f32"
  | "acos_f32"
  | "atan_f32"
  | "tanh_f32"
  | "round_f32"
  | "round_f16"
  | "to_i32"
  | "to_u32"
  | "bits_f32"
  | "divide";

/** The types of a helper for one value or four, and names of other helpers. */
export interface Words {
  readonly f: string;
  readonly i: string;
  readonly u: string;
  readonly b: string;
  /** A helper of the same width, which is placed before. */
  use(name: Helper): string;
  /** A helper for one value. */
  one(name: Helper): string;
}

/** The text of a helper function; `use` is told of the helpers that it calls. */
export function helperText(
  name: Helper,
  width: 1 | 4,
  use: (name: Helper, width: 1 | 4) => string,
): string {
  const type = (t: string) => width === 4 ? `vec4<${t}>` : t;
  const words: Words = {
    f: type("f32"),
    i: type("i32"),
    u: type("u32"),
    b: type("bool"),
    use: (other) => use(other, width),
    one: (other) => use(other, 1),
  };
  const lines = texts[name](words);
  return [`fn ${name}${width}${lines[0]} {`, ...lines.slice(1).map((l) => `  ${l}`), "}"].join(
    "\n",
  );
}

/** A constant f32 that need not be finite, as an expression. */
export function bitsText(bits: number, w: Words): string {
  return `${w.f}(${w.one("bits_f32")}(0x${(bits >>> 0).toString(16)}u))`;
}

const nan = 0x7fc00000;
const inf = 0x7f800000;

/** Head and statements of each helper. */
const texts: Readonly<Record<Helper, (w: Words) => readonly string[]>> = {
  is_nan: ({ f, u, b }) => [
    `(x: ${f}) -> ${b}`,
    `return (bitcast<${u}>(x) & ${u}(0x7fffffffu)) > ${u}(0x7f800000u);`,
  ],
  // A variable keeps compilers from evaluating what they refuse as a constant.
  bits_f32: ({ f, u }) => [`(x: ${u}) -> ${f}`, `var bits = x;`, `return bitcast<${f}>(bits);`],
  min_f32: ({ f, use }) => [
    `(a: ${f}, b: ${f}) -> ${f}`,
    `return select(select(b, a, a < b), a + b, ${use("is_nan")}(a) | ${use("is_nan")}(b));`,
  ],
  max_f32: ({ f, use }) => [
    `(a: ${f}, b: ${f}) -> ${f}`,
    `return select(select(b, a, b < a), a + b, ${use("is_nan")}(a) | ${use("is_nan")}(b));`,
  ],
  // The divisor is cut in two so that its products with a small quotient are exact.
  rem_f32: (w) => [
    `(a: ${w.f}, b: ${w.f}) -> ${w.f}`,
    `let q = trunc(a / b);`,
    `let high = bitcast<${w.f}>(bitcast<${w.u}>(b) & ${w.u}(0xfffff000u));`,
    `var r = (a - q * high) - q * (b - high);`,
    `let size = abs(b);`,
    `let way = select(size, -size, a < ${w.f}(0.0));`,
    `r = select(r, r + way, (r * a < ${w.f}(0.0)) & (r != ${w.f}(0.0)));`,
    `r = select(r, r - way, abs(r) >= size);`,
    `let whole = (bitcast<${w.u}>(b) & ${w.u}(0x7fffffffu)) == ${w.u}(0x7f800000u);`,
    `return select(r, a, whole & (abs(a) < ${bitsText(inf, w)}));`,
  ],
  pow_f32: (w) => [
    `(a: ${w.f}, b: ${w.f}) -> ${w.f}`,
    `let zero = ${w.f}(0.0);`,
    `let one = ${w.f}(1.0);`,
    `let size = abs(a);`,
    `let bound = ${bitsText(inf, w)};`,
    `var r = exp2(b * log2(size));`,
    `r = select(r, select(zero, bound, b < zero), size == zero);`,
    `r = select(r, select(bound, zero, b < zero), size == bound);`,
    `let grows = (size > one) == (b > zero);`,
    `r = select(r, select(zero, bound, grows), abs(b) == bound);`,
    `let negative = (bitcast<${w.u}>(a) >> ${w.u}(31u)) == ${w.u}(1u);`,
    `let whole = trunc(b) == b;`,
    `let odd = whole & (abs(b) < ${w.f}(16777216.0)) & (fract(abs(b) * 0.5) != zero);`,
    `r = select(r, -r, negative & odd);`,
    `let root = (a < zero) & !whole & (size != bound) & (abs(b) != bound);`,
    `r = select(r, ${bitsText(nan, w)}, root);`,
    `r = select(r, a + b, ${w.use("is_nan")}(a) | ${w.use("is_nan")}(b));`,
    `let unit = (size == one) & (whole | (abs(b) == bound));`,
    `r = select(r, select(one, -one, negative & odd), unit & !${w.use("is_nan")}(b));`,
    `return select(r, one, (b == zero) | (a == one));`,
  ],
  exp_f32: expText,
  log_f32: logText,
  sin_f32: (w) => [`(x: ${w.f}) -> ${w.f}`, `return ${w.use("sin_cos")}(x, ${w.i}(0));`],
  cos_f32: (w) => [`(x: ${w.f}) -> ${w.f}`, `return ${w.use("sin_cos")}(x, ${w.i}(1));`],
  tan_f32: (w) => [
    `(x: ${w.f}) -> ${w.f}`,
    `return ${w.use("sin_cos")}(x, ${w.i}(0)) / ${w.use("sin_cos")}(x, ${w.i}(1));`,
  ],
  sin_cos: trigText,
  atan_f32: atanText,
  atan2_f32: atan2Text,
  asin_f32: (w) => arcText(w, "asin"),
  acos_f32: (w) => arcText(w, "acos"),
  // Beyond 9.02 the result rounds to 1; without the bound some drivers give NaN.
  tanh_f32: (w) => [
    `(x: ${w.f}) -> ${w.f}`,
    `let size = min(abs(x), ${w.f}(10.0));`,
    `let z = size * size;`,
    `var q = ${w.f}(-5.70498872745e-3);`,
    `q = q * z + 2.06390887954e-2;`,
    `q = q * z - 5.37397155531e-2;`,
    `q = q * z + 1.33314422036e-1;`,
    `q = q * z - 3.33332819422e-1;`,
    `let small = size + size * z * q;`,
    `let large = 1.0 - 2.0 / (${w.use("exp_f32")}(2.0 * size) + 1.0);`,
    `let r = select(large, small, size < ${w.f}(0.625));`,
    `let sign = bitcast<${w.u}>(x) & ${w.u}(0x80000000u);`,
    `let signed = bitcast<${w.f}>(bitcast<${w.u}>(r) | sign);`,
    `return select(signed, x, ${w.use("is_nan")}(x));`,
  ],
  round_f32: ({ f }) => [
    `(x: ${f}) -> ${f}`,
    `let t = trunc(x);`,
    `return select(t, t + select(${f}(-1.0), ${f}(1.0), x > ${f}(0.0)), abs(x - t) >= ${f}(0.5));`,
  ],
  round_f16: (w) =>
    w.f === "f32"
      ? [`(x: f32) -> f32`, `return unpack2x16float(pack2x16float(vec2<f32>(x, 0.0))).x;`]
      : [
        `(x: ${w.f}) -> ${w.f}`,
        `let low = unpack2x16float(pack2x16float(x.xy));`,
        `let high = unpack2x16float(pack2x16float(x.zw));`,
        `return ${w.f}(low, high);`,
      ],
  to_i32: (w) => [
    `(x: ${w.f}) -> ${w.i}`,
    `let inside = ${w.i}(clamp(x, ${w.f}(-2147483648.0), ${w.f}(2147483520.0)));`,
    `let high = select(inside, ${w.i}(2147483647), x >= ${w.f}(2147483648.0));`,
    `return select(high, ${w.i}(0), ${w.use("is_nan")}(x));`,
  ],
  to_u32: (w) => [
    `(x: ${w.f}) -> ${w.u}`,
    `let inside = ${w.u}(clamp(x, ${w.f}(0.0), ${w.f}(4294967040.0)));`,
    `let high = select(inside, ${w.u}(4294967295u), x >= ${w.f}(4294967296.0));`,
    `return select(high, ${w.u}(0u), ${w.use("is_nan")}(x));`,
  ],
  // Exact for quotients below 2^21: the product with the reciprocal is then off by one at most.
  divide: (w) => [
    `(x: ${w.i}, by: i32, inverse: f32) -> ${w.i}`,
    `let q = ${w.i}(${w.f}(x) * inverse);`,
    `let rest = x - q * by;`,
    `let low = select(q, q - 1, rest < ${w.i}(0));`,
    `return select(low, q + 1, rest >= ${w.i}(by));`,
  ],
};
