/**
 * What a transform of input values computes. Kinds of numbers are NumPy's, so that an expression
 * gives here what it gives MegEngine: bytes less a whole number stay bytes and wrap.
 * @module
 */
import { OptionError } from "../core/fault.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { denseStrides, type DType, sameShape, sizeOf } from "../core/type.ts";

/** An expression, parsed; `at` is the place in its text. */
export type Term =
  | { readonly kind: "data"; readonly at: number }
  | {
    readonly kind: "number";
    readonly value: number;
    readonly whole: boolean;
    readonly at: number;
  }
  | { readonly kind: "list"; readonly items: readonly Term[]; readonly at: number }
  | {
    readonly kind: "call";
    readonly name: string;
    readonly args: readonly Term[];
    readonly at: number;
  };

/** Kinds of numbers in the order of preference: the first that holds both operands is taken. */
const kinds = ["u8", "i8", "u16", "i16", "i32", "i64", "f16", "f32", "f64"] as const;
type Kind = typeof kinds[number];

/** The whole numbers that a kind holds, every one. */
const holds: Readonly<Record<Kind, readonly [low: number, high: number]>> = {
  u8: [0, 255],
  i8: [-128, 127],
  u16: [0, 65535],
  i16: [-32768, 32767],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i64: [-(2 ** 53), 2 ** 53],
  f16: [-2048, 2048],
  f32: [-(2 ** 24), 2 ** 24],
  f64: [-(2 ** 53), 2 ** 53],
};

interface Value {
  readonly kind: Kind;
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** A number, or a list of one a channel, of the text. */
  readonly written?: "number" | "list";
}

/** How an expression is evaluated. */
interface Scope {
  readonly data: Host;
  fault(at: number, why: string): OptionError;
  wraps(at: number, kind: Kind): void;
}

/** The functions: how many arguments at least and at most, and how they are written. */
export const transformFunctions: Readonly<
  Record<string, readonly [least: number, most: number, form: string]>
> = {
  abs: [1, 1, "abs(x)"],
  sqrt: [1, 1, "sqrt(x)"],
  exp: [1, 1, "exp(x)"],
  log: [1, 1, "log(x)"],
  floor: [1, 1, "floor(x)"],
  round: [1, 1, "round(x)"],
  float: [1, 1, "float(x)"],
  min: [2, 2, "min(x,y)"],
  max: [2, 2, "max(x,y)"],
  clip: [3, 3, "clip(x,low,high)"],
  transpose: [2, 9, "transpose(x,0,2,3,1)"],
};

/** An expression's value for `data`; `text` is what messages quote. */
export function evaluateTransform(
  term: Term,
  data: Host,
  text: string,
  warn: (line: string) => void,
): Host {
  let warned = false;
  const { kind, shape, data: numbers } = valueOf(term, {
    data,
    fault: (at, why) =>
      new OptionError(`Cannot apply the transform ${text}: ${why} (at character ${at})`, {
        code: "option.transform",
        place: `character ${at}`,
      }),
    wraps(at, kind) {
      if (warned) return;
      warned = true;
      warn(
        `${text}: values of ${kind} wrap at character ${at}, as in NumPy; float(data) computes ` +
          "with signs and fractions",
      );
    },
  });
  const dtype: DType = kind === "f64" ? "f32" : kind === "i64" ? "i32" : kind;
  const out = arrayOf(dtype, numbers.length);
  out.set(numbers);
  return { dtype, shape, data: out };
}

function valueOf(term: Term, scope: Scope): Value {
  switch (term.kind) {
    case "data": {
      const { dtype, shape, data } = scope.data;
      const numbers = Float64Array.from(data as Iterable<number>);
      return { kind: dtype === "bool" ? "u8" : dtype, shape, data: numbers };
    }
    case "number": {
      const kind = term.whole ? "i64" : "f64";
      return { kind, shape: [], data: Float64Array.of(term.value), written: "number" };
    }
    case "list": {
      const items = term.items.map((item) => valueOf(item, scope));
      const wrong = items.findIndex(({ written }) => written !== "number");
      if (wrong >= 0) throw scope.fault(term.items[wrong].at, "a list holds numbers only");
      const kind = items.every((item) => item.kind === "i64") ? "i64" : "f64";
      const data = Float64Array.from(items, (item) => item.data[0]);
      return { kind, shape: [items.length], data, written: "list" };
    }
    case "call":
      return called(term, scope);
    default:
      return term satisfies never;
  }
}

function called(term: Extract<Term, { kind: "call" }>, scope: Scope): Value {
  const { name, at } = term;
  const args = term.args.map((arg) => valueOf(arg, scope));
  const [x, y, z] = args;
  const both = (f: (a: number, b: number) => number, a = x, b = y, kind = commonKind(a, b)) =>
    elementwise(a, b, kind, f, at, scope);
  const each = (f: (a: number) => number, kind = x.kind) =>
    rounded({ ...x, kind, data: x.data.map(f) }, at, scope);
  const fraction = x.kind.startsWith("f") ? x.kind : "f64";
  switch (name) {
    case "add":
      return both((a, b) => a + b);
    case "subtract":
      return both((a, b) => a - b);
    case "multiply":
      return both((a, b) => a * b);
    case "divide": {
      const kind = commonKind(x, y);
      return both((a, b) => a / b, x, y, kind.startsWith("f") ? kind : "f64");
    }
    case "negate":
      return each((a) => -a);
    case "min":
      return both(least);
    case "max":
      return both(greatest);
    case "clip":
      return both(least, both(greatest, x, y), z);
    case "abs":
      return each(Math.abs);
    case "floor":
      return each(Math.floor);
    case "round":
      return each(toEven);
    case "float":
      return each((a) => a, "f64");
    case "sqrt":
      return each(Math.sqrt, fraction);
    case "exp":
      return each(Math.exp, fraction);
    case "log":
      return each(Math.log, fraction);
    case "transpose":
      return transposed(x, args.slice(1), at, scope);
    default:
      throw new Error(`internal: the transform function ${name}`);
  }
}

/** NumPy's rule: a written number adapts to an array of its sort, arrays meet in a wider kind. */
function commonKind(a: Value, b: Value): Kind {
  if (a.written === "number" && b.written !== "number") return commonKind(b, a);
  const floats = [a, b].map(({ kind }) => kind.startsWith("f"));
  if (b.written === "number" && a.written !== "number") {
    if (floats[0]) return a.kind;
    if (floats[1]) return "f64";
    const [low, high] = holds[a.kind];
    return widest(Math.min(low, b.data[0]), Math.max(high, b.data[0]), false, a.kind);
  }
  const [low, high] = [0, 1].map((end) => [holds[a.kind][end], holds[b.kind][end]]);
  const atLeast = kinds.indexOf(a.kind) > kinds.indexOf(b.kind) ? a.kind : b.kind;
  return widest(Math.min(...low), Math.max(...high), floats[0] || floats[1], atLeast);
}

function widest(low: number, high: number, float: boolean, atLeast: Kind): Kind {
  const fits = (kind: Kind) =>
    holds[kind][0] <= low && high <= holds[kind][1] && kind.startsWith("f") === float &&
    (!float || !atLeast.startsWith("f") || kinds.indexOf(kind) >= kinds.indexOf(atLeast));
  return kinds.find(fits) ?? (float ? "f64" : "i64");
}

function elementwise(
  a: Value,
  b: Value,
  kind: Kind,
  f: (a: number, b: number) => number,
  at: number,
  scope: Scope,
): Value {
  if (a.written && a.written !== b.written && b.written !== "number") {
    return elementwise(b, a, kind, (x, y) => f(y, x), at, scope);
  }
  const { shape } = a;
  const n = sizeOf(shape);
  const out = new Float64Array(n);
  const written = a.written;
  if (b.written === "number") {
    for (let i = 0; i < n; i++) out[i] = f(a.data[i], b.data[0]);
  } else if (sameShape(shape, b.shape) && a.written === b.written) {
    for (let i = 0; i < n; i++) out[i] = f(a.data[i], b.data[i]);
  } else if (b.written === "list" && !a.written) {
    const step = denseStrides(shape)[channelAxis(shape, b.data.length, at, scope)];
    const count = b.data.length;
    for (let i = 0; i < n; i++) out[i] = f(a.data[i], b.data[Math.floor(i / step) % count]);
  } else {
    throw scope.fault(at, `[${shape}] and [${b.shape}] do not go together`);
  }
  return rounded({ kind, shape, data: out, written }, at, scope);
}

/** Axis 1 of four or 0 of three where it is as long as the list, else the last. */
function channelAxis(shape: readonly number[], length: number, at: number, scope: Scope): number {
  const [first, last] = [shape.length - 3, shape.length - 1];
  if (first >= 0 && shape[first] === length) return first;
  if (shape[last] === length || (length === 1 && last >= 0)) return last;
  throw scope.fault(at, `a list of ${length} is for ${length} channels, data is [${shape}]`);
}

function transposed(x: Value, given: readonly Value[], at: number, scope: Scope): Value {
  const axes = given.map(({ written, data }) => written === "number" ? data[0] : -1);
  const rank = x.shape.length;
  if (!sameShape(axes.toSorted((a, b) => a - b), x.shape.map((_, i) => i)) || x.written) {
    throw scope.fault(at, `the axes of [${x.shape}] are 0 to ${rank - 1}, each once`);
  }
  const strides = denseStrides(x.shape);
  const shape = axes.map((axis) => x.shape[axis]);
  const steps = denseStrides(shape);
  const data = x.data.map((_, i) => {
    let from = 0;
    for (let k = 0; k < rank; k++) {
      from += (Math.floor(i / steps[k]) % shape[k]) * strides[axes[k]];
    }
    return x.data[from];
  });
  return { ...x, shape, data };
}

/** Values as their kind holds them. */
function rounded(value: Value, at: number, scope: Scope): Value {
  const { kind, data } = value;
  if (kind === "f64" || kind === "i64") return value;
  const held = arrayOf(kind, data.length);
  held.set(data);
  if (!kind.startsWith("f")) {
    const wrapped = data.some((x, i) => Math.trunc(x) !== held[i]);
    if (wrapped) scope.wraps(at, kind);
  }
  return { ...value, data: Float64Array.from(held as Iterable<number>) };
}

function least(a: number, b: number): number {
  return a < b || a !== a ? a : b;
}

function greatest(a: number, b: number): number {
  return a > b || a !== a ? a : b;
}

function toEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}
