/**
 * A primitive applied to texts, for one value or four: the single place where the scalar language
 * becomes WGSL.
 * @module
 */
import type { Call, Kind, Lit, Scalar } from "../../lib/core/scalar.ts";
import type { Width } from "./kernel.ts";
import type { Helper } from "./math.ts";

/** The name under which a helper function can be called. */
export type UseHelper = (name: Helper, width?: Width) => string;

/** The WGSL type of one or four values of a kind. */
export function typeText(kind: Kind, width: Width = 1): string {
  return width === 4 ? `vec4<${kind}>` : kind;
}

/** A literal as an expression of its kind. */
export function litText(term: Lit, use: UseHelper): string {
  const { type, value } = term;
  switch (type) {
    case "bool":
      return value ? "true" : "false";
    case "u32":
      return `${value >>> 0}u`;
    case "i32":
      // The negation of 2147483648i would overflow before it is negated.
      return value === -(2 ** 31) ? "i32(-2147483648)" : value < 0 ? `(${value}i)` : `${value}i`;
    case "f32": {
      const x = Math.fround(value);
      if (!Number.isFinite(x)) {
        const bits = x !== x ? "0x7fc00000u" : x > 0 ? "0x7f800000u" : "0xff800000u";
        return `${use("bits_f32")}(${bits})`;
      }
      if (Object.is(x, -0)) return "bitcast<f32>(0x80000000u)";
      return x < 0 ? `(${x}f)` : `${x}f`;
    }
    default:
      throw new TypeError(`internal: unknown kind ${type satisfies never}`);
  }
}

/** A call as an expression; `args` are the texts of its arguments, all of this width. */
export function callText(
  term: Call,
  args: readonly string[],
  width: Width,
  use: UseHelper,
): string {
  const [a, b, c] = args;
  const kind = term.args[0].type;
  const help = (name: Helper) => `${use(name, width)}(${args.join(", ")})`;
  const type = typeText(term.type, width);
  const infix = (sign: string) => `${a} ${sign} ${b}`;
  switch (term.fn) {
    case "add":
      return infix("+");
    case "sub":
      return infix("-");
    case "mul":
      return infix("*");
    case "div":
      return infix("/");
    case "rem":
      // The GL back end computes % of signed vectors wrongly; division it gets right.
      return kind === "f32" ? help("rem_f32") : `${a} - ${a} / ${b} * ${b}`;
    case "min":
    case "max":
      return kind === "f32" ? extreme(term, args, width, use) : `${term.fn}(${a}, ${b})`;
    case "neg":
      // WGSL has no negation of u32.
      return kind === "u32" ? `~${a} + ${typeText("u32", width)}(1u)` : `-${a}`;
    case "abs":
      // GLSL has no abs of unsigned numbers.
      return kind === "u32" ? a : `abs(${a})`;
    case "sqrt":
    case "floor":
    case "ceil":
    case "trunc":
      return `${term.fn}(${a})`;
    case "pow":
      return powText(term, args, width, use);
    case "atan2":
    case "exp":
    case "log":
    case "sin":
    case "cos":
    case "tan":
    case "asin":
    case "acos":
    case "atan":
    case "tanh":
    case "round":
      return help(`${term.fn}_f32`);
    case "isNan":
      return help("is_nan");
    case "roundF16":
      return help("round_f16");
    case "lt":
      return infix("<");
    case "le":
      return infix("<=");
    case "eq":
      return infix("==");
    case "not":
      return `!${a}`;
    case "and":
    case "bitAnd":
      return infix("&");
    case "or":
    case "bitOr":
      return infix("|");
    case "bitXor":
      return infix("^");
    case "shl":
    case "shr": {
      const by = term.args[1];
      const safe = by.kind === "lit" && by.value < 32;
      const shift = safe ? b : `(${b} & ${typeText("u32", width)}(31u))`;
      return `${a} ${term.fn === "shl" ? "<<" : ">>"} ${shift}`;
    }
    case "select":
      return `select(${c}, ${b}, ${a})`;
    case "toF32":
      return kind === "f32" ? a : `${type}(${a})`;
    case "toI32":
      return kind === "f32" ? help("to_i32") : `${type}(${a})`;
    case "toU32":
      return kind === "f32" ? help("to_u32") : `${type}(${a})`;
    case "bitsF32":
    case "bitsI32":
    case "bitsU32":
      return `bitcast<${type}>(${kind === "bool" ? `${typeText("u32", width)}(${a})` : a})`;
    default:
      throw new TypeError(`internal: unknown primitive ${term.fn satisfies never}`);
  }
}

/** `min` and `max` of floats: WGSL's own may drop a NaN. A literal needs no test. */
function extreme(term: Call, args: readonly string[], width: Width, use: UseHelper): string {
  const fixed = term.args.findIndex((t) => t.kind === "lit" && t.value === t.value);
  if (fixed < 0) return `${use(`${term.fn as "min" | "max"}_f32`, width)}(${args.join(", ")})`;
  const x = args[1 - fixed];
  return `select(${term.fn}(${args.join(", ")}), ${x}, ${use("is_nan", width)}(${x}))`;
}

/** Powers with a small whole exponent are products, exact to a rounding or two. */
function powText(term: Call, args: readonly string[], width: Width, use: UseHelper): string {
  const [a] = args;
  const by: Scalar = term.args[1];
  if (by.kind === "lit") {
    if (by.value === 0) return `${typeText("f32", width)}(1.0)`;
    if (by.value === 1) return a;
    if (by.value === 2) return `${a} * ${a}`;
    if (by.value === 3) return `${a} * ${a} * ${a}`;
    if (by.value === -1) return `1.0 / ${a}`;
  }
  return `${use("pow_f32", width)}(${args.join(", ")})`;
}
