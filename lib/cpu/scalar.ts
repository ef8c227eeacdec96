/**
 * Evaluates scalar terms on the CPU: a term becomes a closure over an environment. Floats are
 * computed in double precision and rounded where they are stored, so the interpreter is at least
 * as exact as any target.
 * @module
 */
import type { HostArray } from "../core/host.ts";
import type { Call, Prim, Scalar } from "../core/scalar.ts";

/** What a compiled term reads. */
export interface Env {
  /** Operand elements, for bodies of operations. */
  readonly args: number[];
  /** Coordinates of the iteration. */
  readonly axes: number[];
  /** Results of reduction stages. */
  readonly accs: number[];
  /** Operands of a form. */
  readonly loads: readonly HostArray[];
  /** Counts evaluations, so that a shared part is computed once in each. */
  tick: number;
}

/** A fresh environment. */
export function environment(loads: readonly HostArray[] = []): Env {
  return { args: [], axes: [], accs: [], loads, tick: 0 };
}

/** A compiled term; truth is 0 or 1. */
export type Compiled = (env: Env) => number;

/** Compiles a term; a part that occurs more than once is computed once, when first wanted. */
export function compile(term: Scalar, memo: Map<Scalar, Compiled> = new Map()): Compiled {
  const uses = new Map<Scalar, number>();
  const count = (part: Scalar) => {
    const seen = uses.get(part) ?? 0;
    uses.set(part, seen + 1);
    if (seen === 0) partsOf(part).forEach(count);
  };
  count(term);
  // what an earlier term with this memo shares counts the evaluations of this one too
  const fresh = memo.size === 0;
  const body = part(term, memo, uses);
  if (fresh && ![...uses].some(([p, n]) => n > 1 && p.kind === "call")) return body;
  return (env) => {
    env.tick++;
    return body(env);
  };
}

function partsOf(term: Scalar): readonly Scalar[] {
  if (term.kind === "call") return term.args;
  if (term.kind === "load") return term.valid ? [term.index, term.valid] : [term.index];
  return [];
}

function part(
  term: Scalar,
  memo: Map<Scalar, Compiled>,
  uses: ReadonlyMap<Scalar, number>,
): Compiled {
  const known = memo.get(term);
  if (known) return known;
  const once = build(term, (t) => part(t, memo, uses));
  const made = term.kind === "call" && uses.get(term)! > 1 ? shared(once) : once;
  memo.set(term, made);
  return made;
}

/** Keeps a value until the next evaluation; environments differ in their ticks or in themselves. */
function shared(once: Compiled): Compiled {
  let at: Env | undefined;
  let tick = -1;
  let value = 0;
  return (env) => {
    if (env !== at || env.tick !== tick) {
      value = once(env);
      at = env;
      tick = env.tick;
    }
    return value;
  };
}

function build(term: Scalar, compiled: (part: Scalar) => Compiled): Compiled {
  switch (term.kind) {
    case "lit": {
      const { value } = term;
      return () => value;
    }
    case "arg": {
      const { index } = term;
      return (env) => env.args[index];
    }
    case "axis": {
      const { axis } = term;
      return (env) => env.axes[axis];
    }
    case "acc": {
      const { index } = term;
      return (env) => env.accs[index];
    }
    case "load": {
      const { operand, fill = 0 } = term;
      const index = compiled(term.index);
      if (!term.valid) return (env) => Number(env.loads[operand][index(env)]);
      const valid = compiled(term.valid);
      return (env) => valid(env) ? Number(env.loads[operand][index(env)]) : fill;
    }
    case "call":
      return application(term, term.args.map(compiled));
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
}

function application(term: Call, args: readonly Compiled[]): Compiled {
  const [a, b, c] = args;
  const fn = primitive(term.fn, term.args[0].type, term.type);
  if (term.fn === "select") return (env) => a(env) ? b(env) : c(env);
  if (term.fn === "and") return (env) => a(env) ? b(env) : 0;
  if (term.fn === "or") return (env) => a(env) ? 1 : b(env);
  if (args.length === 1) return (env) => fn(a(env), 0);
  return (env) => fn(a(env), b(env));
}

const word = new DataView(new ArrayBuffer(4));

/** Halves are rounded to even by the engine's own conversion. */
function roundF16(x: number): number {
  return Math.f16round(x);
}

/** What a primitive computes on numbers, for operands of one kind. */
export function primitive(fn: Prim, kind: string, gives: string): (a: number, b: number) => number {
  const wrap = kind === "i32"
    ? (x: number) => x | 0
    : kind === "u32"
    ? (x: number) => x >>> 0
    : (x: number) => x;
  const isInt = kind === "i32" || kind === "u32";
  switch (fn) {
    case "add":
      return isInt ? (a, b) => wrap(a + b) : (a, b) => a + b;
    case "sub":
      return isInt ? (a, b) => wrap(a - b) : (a, b) => a - b;
    case "mul":
      return isInt ? (a, b) => wrap(Math.imul(a, b)) : (a, b) => a * b;
    case "div":
      return isInt ? (a, b) => b === 0 ? a : wrap(Math.trunc(a / b)) : (a, b) => a / b;
    case "rem":
      return isInt ? (a, b) => b === 0 ? 0 : wrap(a % b) : (a, b) => a % b;
    case "min":
      return Math.min;
    case "max":
      return Math.max;
    case "neg":
      return (a) => wrap(-a);
    case "abs":
      return (a) => wrap(Math.abs(a));
    case "pow":
      return (a, b) => a === 1 ? 1 : Math.abs(a) === 1 && Math.abs(b) === Infinity ? 1 : a ** b;
    case "atan2":
      return Math.atan2;
    case "sqrt":
      return Math.sqrt;
    case "exp":
      return Math.exp;
    case "log":
      return Math.log;
    case "sin":
      return Math.sin;
    case "cos":
      return Math.cos;
    case "tan":
      return Math.tan;
    case "asin":
      return Math.asin;
    case "acos":
      return Math.acos;
    case "atan":
      return Math.atan;
    case "tanh":
      return Math.tanh;
    case "floor":
      return Math.floor;
    case "ceil":
      return Math.ceil;
    case "trunc":
      return Math.trunc;
    case "round":
      return (a) => a < 0 || Object.is(a, -0) ? -roundUp(-a) : roundUp(a);
    case "isNan":
      return (a) => a !== a ? 1 : 0;
    case "roundF16":
      return roundF16;
    case "lt":
      return (a, b) => a < b ? 1 : 0;
    case "le":
      return (a, b) => a <= b ? 1 : 0;
    case "eq":
      return (a, b) => a === b ? 1 : 0;
    case "not":
      return (a) => a ? 0 : 1;
    case "and":
      return (a, b) => a && b ? 1 : 0;
    case "or":
      return (a, b) => a || b ? 1 : 0;
    case "bitAnd":
      return (a, b) => wrap(a & b);
    case "bitOr":
      return (a, b) => wrap(a | b);
    case "bitXor":
      return (a, b) => wrap(a ^ b);
    case "shl":
      return (a, b) => wrap(a << b);
    case "shr":
      return kind === "u32" ? (a, b) => a >>> b : (a, b) => a >> b;
    case "select":
      return (a) => a;
    case "toF32":
      return (a) => Number(a);
    case "toI32":
      return kind === "u32" ? (a) => a | 0 : (a) => saturate(a, -(2 ** 31), 2 ** 31 - 1);
    case "toU32":
      return kind === "i32" ? (a) => a >>> 0 : (a) => saturate(a, 0, 2 ** 32 - 1);
    case "bitsF32":
    case "bitsI32":
    case "bitsU32":
      return (a) => bits(a, kind, gives);
    default:
      throw new TypeError(`internal: unknown primitive ${fn satisfies never}`);
  }
}

/** Half away from zero for a non-negative number; 0.49999997 + 0.5 must not become 1. */
function roundUp(x: number): number {
  const down = Math.floor(x);
  return x - down >= 0.5 ? down + 1 : down;
}

function saturate(x: number, lo: number, hi: number): number {
  return x !== x ? 0 : Math.min(hi, Math.max(lo, Math.trunc(x)));
}

function bits(x: number, from: string, to: string): number {
  if (from === "f32") word.setFloat32(0, x);
  else word.setUint32(0, x >>> 0);
  return to === "f32" ? word.getFloat32(0) : to === "i32" ? word.getInt32(0) : word.getUint32(0);
}
