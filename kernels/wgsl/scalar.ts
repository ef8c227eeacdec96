/**
 * Scalar terms as WGSL statements: equal parts are computed once, in the outermost block that knows
 * their axes; along one axis four neighbours may be computed at a time, where what they share stays
 * single. Literals of addresses become parameters.
 * @module
 */
import { rangeOf } from "../../lib/core/index.ts";
import { call, type Kind, lit, type Scalar } from "../../lib/core/scalar.ts";
import { sizeOf } from "../../lib/core/type.ts";
import { idOf, needsOf, type Tables, tablesOf } from "./identity.ts";
import type { Module, Width } from "./kernel.ts";
import { callText, litText, typeText } from "./prim.ts";
import { type Spread, spreadOf } from "./spread.ts";

/** What an axis is called in a block. */
export interface AxisName {
  /** An i32 expression: the coordinate, or that of the first of four neighbours. */
  readonly text: string;
  /** 1 on the axis along which four neighbours lie, whose first coordinate 4 divides; else 0. */
  readonly step?: 0 | 1;
  /** A number that is known to divide the coordinate; 4 by default where the step is 1. */
  readonly align?: number;
}

/** A value as an expression, single or four. */
export interface Value {
  readonly text: string;
  readonly width: Width;
}

/** What the leaves of terms are called in a block and the blocks inside it. */
export interface Names {
  readonly axes?: ReadonlyMap<number, AxisName>;
  readonly accs?: ReadonlyMap<number, Value>;
}

/** A block of statements into which terms are written. */
export interface Scope {
  readonly module: Module;
  /** The statements so far; more may be pushed. */
  readonly lines: string[];
  /** The value of a term, four wide only where neighbours differ. */
  value(term: Scalar): Value;
  /** The value of a term for four neighbours. */
  wide(term: Scalar): string;
  /** The value for the first of the neighbours, or the only one. */
  first(term: Scalar): string;
  /** As `first`, for an address: literals become parameters. */
  address(term: Scalar): string;
  /** How an address moves from neighbour to neighbour. */
  spread(term: Scalar): Spread;
  /** Statements that write a result at the address of its term. */
  store(out: number, index: Scalar, body: Scalar, guard?: (lane: number) => string): void;
  /** A block inside this one; its lines are the caller's to place. */
  child(names?: Names): Scope;
}

/** The outermost block of a kernel. */
export function scopeOf(module: Module, names: Names = {}): Scope {
  const shared = tablesOf();
  return block(module, shared, names, undefined);
}

/** What a block has and its children need of it. */
interface Block extends Scope {
  axis(axis: number): AxisName | undefined;
  acc(index: number): Value | undefined;
  emit(term: Scalar, width: Width, isIndex: boolean): string;
}

function block(module: Module, shared: Tables, names: Names, parent: Block | undefined): Block {
  const lines: string[] = [];
  const memo = new Map<string, string>();
  const spreads = new Map<Scalar, Spread>();

  const axis = (n: number) => names.axes?.get(n) ?? parent?.axis(n);
  const acc = (n: number) => names.accs?.get(n) ?? parent?.acc(n);
  const spread = (term: Scalar) => spreadOf(term, axis, acc, spreads);
  /** True if the block outside knows all that the term names, and by the same names. */
  const isOuter = (term: Scalar) =>
    parent !== undefined && [...needsOf(term, shared)].every((need) => {
      const n = Number(need.slice(1));
      return need[0] === "@"
        ? parent.axis(n) !== undefined && !names.axes?.has(n)
        : parent.acc(n) !== undefined && !names.accs?.has(n);
    });

  function emit(term: Scalar, width: Width, isIndex: boolean): string {
    if (term.kind === "lit") {
      const text = isIndex && term.type === "i32" && Math.abs(term.value) > 1
        ? fixed(term, term.value)
        : litText(term, module.helper);
      return width === 4 ? `${typeText(term.type, 4)}(${text})` : text;
    }
    if (parent && isOuter(term)) return parent.emit(term, width, isIndex);
    const key = `${width}:${idOf(term, shared)}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const text = width === 4 ? four(term, isIndex) : one(term, isIndex);
    const made = named(text);
    memo.set(key, made);
    return made;
  }

  function fixed(term: Scalar, value: number): string {
    const known = shared.params.get(term) ?? module.param(value);
    shared.params.set(term, known);
    return known;
  }

  /** A name for a value, which it may have already. */
  function named(text: string): string {
    if (/^[\w.]+$/.test(text)) return text;
    const name = module.name();
    lines.push(`let ${name} = ${text};`);
    return name;
  }

  function one(term: Exclude<Scalar, { kind: "lit" }>, isIndex: boolean): string {
    switch (term.kind) {
      case "arg":
        throw new TypeError(`internal: a form names operand x${term.index}, it must load it`);
      case "axis": {
        const name = axis(term.axis);
        if (!name) throw new TypeError(`internal: axis ${term.axis} is not known in this block`);
        return name.text;
      }
      case "acc": {
        const value = acc(term.index);
        if (!value) throw new TypeError(`internal: acc${term.index} is not known in this block`);
        return value.width === 4 ? `${value.text}.x` : value.text;
      }
      case "load": {
        if (!term.valid) return module.load(term.operand, emit(term.index, 1, true));
        const at = clamped(term.operand, emit(term.index, 1, true), 1);
        return guarded(term.type, term.fill, module.load(term.operand, at), term.valid, 1);
      }
      case "call":
        return applied(term, 1, isIndex);
      default:
        throw new TypeError(`internal: unknown term ${term satisfies never}`);
    }
  }

  function four(term: Exclude<Scalar, { kind: "lit" }>, isIndex: boolean): string {
    const { step } = spread(term);
    if (step === 0) return `${typeText(term.type, 4)}(${emit(term, 1, isIndex)})`;
    if (step !== undefined) {
      const by = step === 1 ? "" : `${module.param(step)} * `;
      return `vec4<i32>(${emit(term, 1, isIndex)}) + ${by}vec4<i32>(0, 1, 2, 3)`;
    }
    switch (term.kind) {
      case "arg":
      case "axis":
        return one(term, isIndex);
      case "acc":
        return acc(term.index)!.text;
      case "load":
        return loadFour(term);
      case "call":
        return applied(term, 4, isIndex);
      default:
        throw new TypeError(`internal: unknown term ${term satisfies never}`);
    }
  }

  function loadFour(term: Extract<Scalar, { kind: "load" }>): string {
    const { step, align } = spread(term.index);
    const { operand, type, fill, valid } = term;
    const bound = (at: string, width: Width) => valid ? clamped(operand, at, width) : at;
    let text: string;
    if (step === 0) {
      const at = bound(emit(term.index, 1, true), 1);
      text = `${typeText(type, 4)}(${module.load(operand, at)})`;
    } else if (step === 1 && align % 4 === 0) {
      text = module.load(operand, bound(emit(term.index, 1, true), 1), 4);
    } else {
      const at = named(bound(emit(term.index, 4, true), 4));
      const parts = ["x", "y", "z", "w"].map((c) => module.load(operand, `${at}.${c}`));
      text = `${typeText(type, 4)}(${parts.join(", ")})`;
    }
    return valid ? guarded(type, fill, text, valid, 4) : text;
  }

  /** An address that is inside the operand, whatever it was. */
  function clamped(operand: number, at: string, width: Width): string {
    const last = module.param(Math.max(0, sizeOf(module.ins[operand].shape) - 1));
    return width === 4
      ? `clamp(${at}, vec4<i32>(0), vec4<i32>(${last}))`
      : `clamp(${at}, 0, ${last})`;
  }

  function guarded(
    type: Kind,
    fill: number | undefined,
    text: string,
    valid: Scalar,
    width: Width,
  ): string {
    const other = emit(lit(type, fill ?? 0), width, false);
    const isWide = width === 4 && spread(valid).step !== 0;
    return `select(${other}, ${text}, ${emit(valid, isWide ? 4 : 1, true)})`;
  }

  function applied(term: Extract<Scalar, { kind: "call" }>, width: Width, isIndex: boolean) {
    const [a, b] = term.args;
    if (isIndex && b?.kind === "lit" && b.value > 1 && (term.fn === "div" || term.fn === "rem")) {
      const quick = divided(term, a, b.value, width);
      if (quick !== undefined) return quick;
    }
    if (term.fn === "not" && a.kind === "call") {
      const text = inverted(a, width, isIndex);
      if (text !== undefined) return text;
    }
    if (term.fn === "eq" && a.type === "f32" && idOf(a, shared) === idOf(b, shared)) {
      return `!${module.helper("is_nan", width)}(${emit(a, width, isIndex)})`;
    }
    const args = term.args.map((x) => emit(x, width, isIndex));
    // Constants alone would be evaluated while compiling, where 1 / 0 is an error.
    if (term.args.every((x) => x.kind === "lit")) args[0] = named(`(${args[0]})`);
    return callText(term, args, width, module.helper);
  }

  /** Division by a parameter: by its reciprocal, where that is exact after a correction. */
  function divided(term: Scalar, a: Scalar, by: number, width: Width): string | undefined {
    const [lo, hi] = rangeOf(a);
    if (lo < 0 || a.type !== "i32" || term.kind !== "call") return undefined;
    if (term.fn === "rem") {
      const quotient = emit(call("div", a, lit("i32", by)), width, true);
      return `${emit(a, width, true)} - ${quotient} * ${module.param(by)}`;
    }
    const x = emit(a, width, true);
    if (hi / by < 2 ** 21) {
      const inverse = module.paramF32(1 / by);
      return `${module.helper("divide", width)}(${x}, ${module.param(by)}, ${inverse})`;
    }
    const [u, i] = [typeText("u32", width), typeText("i32", width)];
    return `${i}(${u}(${x}) / ${u}(u32(${module.param(by)})))`;
  }

  /** Comparisons turned round: compilers take `!(a < b)` for `a >= b`, which NaN tells apart. */
  function inverted(term: Scalar, width: Width, isIndex: boolean): string | undefined {
    if (term.kind !== "call" || !["lt", "le", "eq"].includes(term.fn)) return undefined;
    const [a, b] = term.args.map((x) => emit(x, width, isIndex));
    const isFloat = term.args[0].type === "f32";
    const nan = module.helper;
    if (term.fn === "eq") {
      const same = isFloat && idOf(term.args[0], shared) === idOf(term.args[1], shared);
      // naga's != is false for NaN.
      return same ? `${nan("is_nan", width)}(${a})` : isFloat ? `!(${a} == ${b})` : `${a} != ${b}`;
    }
    const sign = term.fn === "lt" ? ">=" : ">";
    if (!isFloat) return `${a} ${sign} ${b}`;
    const tests = term.args.flatMap((x, i) =>
      x.kind === "lit" && x.value === x.value ? [] : [`${nan("is_nan", width)}(${[a, b][i]})`]
    );
    return [`(${a} ${sign} ${b})`, ...tests].join(" | ");
  }

  function store(
    out: number,
    index: Scalar,
    body: Scalar,
    guard?: (lane: number) => string,
  ): void {
    const at = spread(index);
    const isSingle = spread(body).step === 0 && at.step === 0;
    if (isSingle) {
      lines.push(module.store(out, emit(index, 1, true), emit(body, 1, false)));
    } else if (at.step === 1 && at.align % 4 === 0) {
      lines.push(module.store(out, emit(index, 1, true), emit(body, 4, false), 4));
    } else {
      const value = emit(body, 4, false);
      const place = emit(index, 4, true);
      ["x", "y", "z", "w"].forEach((c, lane) => {
        const text = module.store(out, `${place}.${c}`, `${value}.${c}`);
        lines.push(guard ? `if (${guard(lane)}) { ${text} }` : text);
      });
    }
  }

  const self: Block = {
    module,
    lines,
    axis,
    acc,
    emit,
    spread,
    store,
    value(term) {
      const width = spread(term).step === 0 ? 1 : 4;
      return { text: emit(term, width, false), width };
    },
    wide: (term) => emit(term, 4, false),
    first: (term) => emit(term, 1, false),
    address: (term) => emit(term, 1, true),
    child: (inner = {}) => block(module, shared, inner, self),
  };
  return self;
}
