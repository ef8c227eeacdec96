/**
 * Terms of one value on the stack, as addresses and conditions need them: i32, u32 and truth. What
 * needs floats is computed for four neighbours, and one of them taken.
 * @module
 */
import { rangeOf } from "../../lib/core/index.ts";
import type { Call, Load, Scalar } from "../../lib/core/scalar.ts";
import { type DType, itemBytes } from "../../lib/core/type.ts";
import type { Code } from "./code.ts";
import type { OpName } from "./opcodes.ts";
import type { Address, Scope } from "./scope.ts";

/** Pushes the value of a term for one neighbour. */
export function pushScalar(scope: Scope, term: Scalar, lane: number): void {
  const { code } = scope;
  switch (term.kind) {
    case "lit":
      code.i32(term.value);
      return;
    case "axis": {
      code.get(scope.axis(term.axis)!);
      const beyond = scope.shift(term.axis) + (term.axis === scope.lanes ? lane : 0);
      if (beyond === 0) return;
      code.i32(beyond);
      code.op("i32.add");
      return;
    }
    case "load":
      if (term.type !== "f32") return pushLoaded(scope, term, lane);
      break;
    case "call":
      if (term.type !== "f32" && term.args.every((a) => a.type !== "f32")) {
        return pushCall(scope, term, lane);
      }
      break;
    case "acc":
      break;
    case "arg":
      throw new TypeError("internal: an operand of an operation in a form");
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
  code.get(scope.kept(term, "vector"));
  code.op("i32x4.extract_lane", scope.varies(term) ? lane : 0);
  // A mask has all bits set.
  if (term.type === "bool") {
    code.i32(1);
    code.op("i32.and");
  }
}

const loads: Readonly<Partial<Record<DType, OpName>>> = {
  i32: "i32.load",
  i16: "i32.load16_s",
  u16: "i32.load16_u",
  i8: "i32.load8_s",
  u8: "i32.load8_u",
  bool: "i32.load8_u",
};

/** An element of an integer operand; where it is not valid, what fills. */
function pushLoaded(scope: Scope, term: Load, lane: number): void {
  const { code } = scope;
  const name = loads[scope.operands[term.operand].dtype]!;
  if (!term.valid) {
    const at = placeOf(scope, term, lane);
    code.get(at.pointer);
    code.memory(name, at.offset);
    return;
  }
  const value = code.local("i32");
  code.i32(term.fill ?? 0);
  code.set(value);
  const inside = scope.child({});
  const at = placeOf(inside, term, lane);
  inside.code.get(at.pointer);
  inside.code.memory(name, at.offset);
  inside.code.set(value);
  scope.scalar(term.valid, lane);
  code.when(() => code.append(inside.code));
  code.get(value);
}

/** Where one neighbour's element is; an address that may lie outside is brought inside. */
export function placeOf(scope: Scope, term: Load, lane: number): Address {
  const found = isInside(scope, term) ? scope.address(term.operand, term.index) : undefined;
  if (!found) return scope.single(term.operand, term.index, lane);
  const bytes = found.step * lane * itemBytes(scope.operands[term.operand].dtype);
  if (found.offset + bytes >= 0) return { ...found, offset: found.offset + bytes };
  return scope.single(term.operand, term.index, lane);
}

/** True if no coordinates can lead the address out of the operand, or what is outside is not read. */
export function isInside(scope: Scope, term: Load): boolean {
  if (term.valid) return true;
  const [low, high] = rangeOf(term.index);
  return low >= 0 && high < scope.operands[term.operand].size;
}

/** Pushes an application of integers and truths. */
function pushCall(scope: Scope, term: Call, lane: number): void {
  const { code } = scope;
  const [a, b, c] = term.args;
  const unsigned = a.type === "u32";
  const both = () => {
    scope.scalar(a, lane);
    scope.scalar(b, lane);
  };
  const plain = (name: OpName) => {
    both();
    code.op(name);
  };
  switch (term.fn) {
    case "add":
      return plain("i32.add");
    case "sub":
      return plain("i32.sub");
    case "mul":
      return plain("i32.mul");
    case "div":
    case "rem":
      both();
      return divided(code, term.fn, unsigned, b);
    case "min":
    case "max":
      return extreme(scope, term, lane);
    case "neg":
      code.i32(0);
      scope.scalar(a, lane);
      code.op("i32.sub");
      return;
    case "abs": {
      scope.scalar(a, lane);
      if (unsigned) return;
      const x = code.local("i32");
      code.tee(x);
      code.i32(0);
      code.get(x);
      code.op("i32.sub");
      code.get(x);
      code.i32(0);
      code.op("i32.ge_s");
      code.op("select");
      return;
    }
    case "lt":
      return plain(unsigned ? "i32.lt_u" : "i32.lt_s");
    case "le":
      return plain(unsigned ? "i32.le_u" : "i32.le_s");
    case "eq":
      return plain("i32.eq");
    case "not":
      scope.scalar(a, lane);
      code.op("i32.eqz");
      return;
    case "and":
    case "bitAnd":
      return plain("i32.and");
    case "or":
    case "bitOr":
      return plain("i32.or");
    case "bitXor":
      return plain("i32.xor");
    case "shl":
      return plain("i32.shl");
    case "shr":
      return plain(unsigned ? "i32.shr_u" : "i32.shr_s");
    case "select":
      scope.scalar(b, lane);
      scope.scalar(c, lane);
      scope.scalar(a, lane);
      code.op("select");
      return;
    case "toI32":
    case "toU32":
    case "bitsI32":
    case "bitsU32":
      scope.scalar(a, lane);
      return;
    default:
      throw new TypeError(`internal: ${term.fn} of ${a.type} has no single value`);
  }
}

/** The smaller or the larger of two. */
function extreme(scope: Scope, { fn, args: [a, b] }: Call, lane: number): void {
  const { code } = scope;
  const [x, y] = [code.local("i32"), code.local("i32")];
  scope.scalar(a, lane);
  code.tee(x);
  scope.scalar(b, lane);
  code.tee(y);
  code.get(x);
  code.get(y);
  code.op(`i32.${fn === "min" ? "lt" : "gt"}_${a.type === "u32" ? "u" : "s"}`);
  code.op("select");
}

/**
 * Quotient or remainder of the two values on the stack. WebAssembly traps on zero and on the one
 * quotient that overflows; both are kept away unless the divisor is a literal.
 */
export function divided(code: Code, fn: "div" | "rem", unsigned: boolean, by: Scalar): void {
  const name: OpName = `i32.${fn}_${unsigned ? "u" : "s"}`;
  if (by.kind === "lit" && by.value !== 0 && by.value !== -1) {
    code.op(name);
    return;
  }
  const [x, y, r] = [code.local("i32"), code.local("i32"), code.local("i32")];
  code.set(y);
  code.set(x);
  // x / 0 = x and x % 0 = 0, as the reference has it; x / -1 = -x wraps.
  const special = (divisor: number, value: () => void, otherwise: () => void) => {
    code.get(y);
    code.i32(divisor);
    code.op("i32.eq");
    code.when(() => {
      value();
      code.set(r);
    }, otherwise);
  };
  const usual = () => {
    code.get(x);
    code.get(y);
    code.op(name);
    code.set(r);
  };
  special(0, () => fn === "div" ? code.get(x) : code.i32(0), () => {
    if (unsigned) return usual();
    special(-1, () => {
      code.i32(0);
      if (fn === "rem") return;
      code.get(x);
      code.op("i32.sub");
    }, usual);
  });
  code.get(r);
}
