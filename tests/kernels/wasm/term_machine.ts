/**
 * What a machine computes: terms over base primitives become JavaScript that rounds every step to
 * f32 and wraps every integer, for whole arrays at a time. `min` and `max` with a literal are the
 * one instruction that keeps NaN of the other operand.
 * @module
 */
import { type Call, printNumber, type Scalar } from "../../../lib/core/scalar.ts";
import { isFused } from "../../../kernels/wasm/prims.ts";

/** The values of a term of one or two arguments for each element. */
export type Machine = (a: Float32Array, b?: Float32Array) => Float32Array;

/** A machine for a term; it fuses what may be fused, or rounds twice. */
export function machine(term: Scalar, fuses: boolean): Machine {
  const names = new Map<Scalar, string>();
  const lines: string[] = [];
  for (const part of partsOf(term)) {
    if (part.kind === "lit") names.set(part, `(${litText(part.value, part.type)})`);
    else if (part.kind === "arg") names.set(part, `x${part.index}`);
    else if (part.kind === "call") {
      lines.push(`const t${lines.length} = ${textOf(part, names, fuses)};`);
      names.set(part, `t${lines.length - 1}`);
    } else throw new TypeError(`no ${part.kind} here`);
  }
  const body = `
    const out = new Float32Array(a.length), r = Math.fround;
    const F = new Float32Array(1), I = new Int32Array(F.buffer), U = new Uint32Array(F.buffer);
    for (let k = 0; k < a.length; k++) {
      const x0 = a[k], x1 = b[k];
      ${lines.join("\n      ")}
      out[k] = ${names.get(term)};
    }
    return out;`;
  const run = new Function("a", "b", "fma", body);
  return (a, b = a) => run(a, b, fma);
}

/** The distinct parts of a term, parts before wholes; the product in what is fused is no part. */
export function partsOf(term: Scalar): Scalar[] {
  const seen = new Set<Scalar>();
  const add = (part: Scalar) => {
    if (seen.has(part)) return;
    if (part.kind === "call") factorsOf(part).forEach(add);
    seen.add(part);
  };
  add(term);
  return [...seen];
}

/** How many instructions a term takes: bits need none, and what is fused is one. */
export function operations(term: Scalar): number {
  return partsOf(term).filter((p) => p.kind === "call" && !p.fn.startsWith("bits")).length;
}

function factorsOf(call: Call): readonly Scalar[] {
  if (!isFused(call)) return call.args;
  const [product, sum] = call.args;
  return [...(product as Call).args, sum];
}

function litText(value: number, type: string): string {
  return type === "bool" ? String(value !== 0) : printNumber(value);
}

function textOf(call: Call, names: ReadonlyMap<Scalar, string>, fuses: boolean): string {
  const [a, b, c] = factorsOf(call).map((p) => names.get(p)!);
  if (isFused(call)) return fuses ? `fma(${a}, ${b}, ${c})` : `r(r(${a} * ${b}) + ${c})`;
  const kind = call.args[0].type;
  const wrap = (text: string) =>
    kind === "f32" ? `r(${text})` : kind === "i32" ? `${text} | 0` : `(${text}) >>> 0`;
  switch (call.fn) {
    case "add":
      return wrap(`${a} + ${b}`);
    case "sub":
      return wrap(`${a} - ${b}`);
    case "mul":
      return kind === "f32" ? wrap(`${a} * ${b}`) : wrap(`Math.imul(${a}, ${b})`);
    case "div":
      return wrap(`${a} / ${b}`);
    case "neg":
      return wrap(`-${a}`);
    case "min":
    case "max":
      return extremeText(call, a, b);
    case "abs":
    case "sqrt":
    case "floor":
    case "ceil":
    case "trunc":
      return wrap(`Math.${call.fn}(${a})`);
    case "bitAnd":
      return wrap(`${a} & ${b}`);
    case "bitOr":
      return wrap(`${a} | ${b}`);
    case "bitXor":
      return wrap(`${a} ^ ${b}`);
    case "shl":
      return wrap(`${a} << ${b}`);
    case "shr":
      return kind === "u32" ? `${a} >>> ${b}` : `${a} >> ${b}`;
    case "lt":
      return `${a} < ${b}`;
    case "le":
      return `${a} <= ${b}`;
    case "eq":
      return `${a} === ${b}`;
    case "not":
      return `!${a}`;
    case "and":
      return `${a} && ${b}`;
    case "or":
      return `${a} || ${b}`;
    case "select":
      return `${a} ? ${b} : ${c}`;
    case "isNan":
      return `${a} !== ${a}`;
    case "toF32":
      return `r(${a})`;
    case "bitsF32":
      return kind === "f32" ? a : `(I[0] = ${a}, F[0])`;
    case "bitsI32":
      return kind === "f32" ? `(F[0] = ${a}, I[0])` : `${a} | 0`;
    case "bitsU32":
      return kind === "f32" ? `(F[0] = ${a}, U[0])` : `${a} >>> 0`;
    default:
      throw new TypeError(`${call.fn} has no instruction`);
  }
}

function extremeText({ fn, args }: Call, a: string, b: string): string {
  const sign = fn === "min" ? "<" : ">";
  if (args[1].kind === "lit") return `${b} ${sign} ${a} ? ${b} : ${a}`;
  if (args[0].kind === "lit") return `${a} ${sign} ${b} ? ${a} : ${b}`;
  return `Math.${fn}(${a}, ${b})`;
}

/**
 * `a·b + c` rounded to f32 once. In double the product is exact and the sum is not; that matters only
 * where the sum comes to lie half-way between two floats, and then what it lost decides.
 */
export function fma(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const near = Math.fround(sum);
  const far = Math.abs(near) === Infinity && Math.abs(sum) < Infinity;
  const from = far ? Math.sign(near) * 2 ** 128 : near;
  const other = from + 2 * (sum - from);
  if (other === from || Math.fround(other) !== other) return near;
  const added = sum - product;
  const lost = (product - (sum - added)) + (c - added);
  if (lost === 0) return near;
  return Math.fround(lost > 0 ? Math.max(from, other) : Math.min(from, other));
}

const word = new Float64Array(1);
const halves = new Uint32Array(word.buffer);

/**
 * The distance of a float to an exact result in units of its last place. NaN only meets NaN, exact
 * zeros and infinities only themselves; where the exact result rounds to infinity so must the float.
 */
export function ulpError(got: number, exact: number): number {
  if (Object.is(got, exact) || Math.abs(got) === Infinity && got === Math.fround(exact)) return 0;
  if (got !== got || exact !== exact || exact === 0 || Math.abs(exact) === Infinity) {
    return Infinity;
  }
  const from = Math.abs(got) === Infinity ? Math.sign(got) * 2 ** 128 : got;
  word[0] = exact;
  const exponent = Math.min(127, Math.max(-126, (halves[1] >>> 20 & 0x7ff) - 1023));
  return Math.abs(from - exact) / 2 ** (exponent - 23);
}
