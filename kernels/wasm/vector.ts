/**
 * Terms of four values on the stack: f32x4 and i32x4, truth as masks of all bits. Primitives without
 * an instruction are written as terms of those that have one.
 * @module
 */
import type { Call, Lit, Scalar } from "../../lib/core/scalar.ts";
import { pushLoad } from "./load.ts";
import type { OpName } from "./opcodes.ts";
import { expand, isFused } from "./prims.ts";
import type { Scope } from "./scope.ts";
import { divided, pushScalar } from "./single.ts";

/** Pushes the value of a term for the four neighbours. */
export function pushVector(scope: Scope, term: Scalar): void {
  const { code } = scope;
  switch (term.kind) {
    case "lit":
      return pushLiteral(scope, term);
    case "axis":
      pushScalar(scope, term, 0);
      code.op("i32x4.splat");
      if (term.axis !== scope.lanes) return;
      code.v128([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
      code.op("i32x4.add");
      return;
    case "acc":
      code.get(scope.acc(term.index)!);
      return;
    case "load":
      return pushLoad(scope, term);
    case "call":
      return pushCall(scope, term);
    case "arg":
      throw new TypeError("internal: an operand of an operation in a form");
    default:
      throw new TypeError(`internal: unknown term ${term satisfies never}`);
  }
}

/** The bits of a literal in a lane. */
function bitsOf({ module }: Scope, { type, value }: Lit): number {
  if (type === "bool") return value ? -1 : 0;
  return type === "f32" ? module.bits(value) : value | 0;
}

/** A literal comes from the table: engines build a constant anew at every use. */
export function pushLiteral(scope: Scope, term: Lit): void {
  pushWord(scope, bitsOf(scope, term));
}

/** The same word in all lanes. */
export function pushWord({ code, module }: Scope, bits: number): void {
  const at = bits === 0 ? undefined : module.constant(bits);
  if (at === undefined) {
    const lane = [bits & 255, bits >> 8 & 255, bits >> 16 & 255, bits >> 24 & 255];
    code.v128([...lane, ...lane, ...lane, ...lane]);
    return;
  }
  code.address(0);
  code.memory("v128.load", at);
}

function pushCall(scope: Scope, term: Call): void {
  const { code } = scope;
  const [a, b] = term.args;
  const kind = a.type;
  const unsigned = kind === "u32";
  const plain = (...names: OpName[]) => {
    for (const arg of term.args) scope.vector(arg);
    for (const name of names) code.op(name);
  };
  const by = (f: OpName, i: OpName) => plain(kind === "f32" ? f : i);
  if (isFused(term) && scope.module.features.madd) {
    const [x, y] = (a as Call).args;
    scope.vector(x);
    scope.vector(y);
    scope.vector(b);
    code.op("f32x4.relaxed_madd");
    return;
  }
  switch (term.fn) {
    case "add":
      return by("f32x4.add", "i32x4.add");
    case "sub":
      return by("f32x4.sub", "i32x4.sub");
    case "mul":
      return by("f32x4.mul", "i32x4.mul");
    case "div":
      return kind === "f32" ? plain("f32x4.div") : pushDivided(scope, term);
    case "rem":
      if (kind !== "f32") return pushDivided(scope, term);
      break;
    case "min":
    case "max":
      return pushExtreme(scope, term);
    case "neg":
      return by("f32x4.neg", "i32x4.neg");
    case "abs":
      return unsigned ? scope.vector(a) : by("f32x4.abs", "i32x4.abs");
    case "sqrt":
      return plain("f32x4.sqrt");
    case "floor":
      return plain("f32x4.floor");
    case "ceil":
      return plain("f32x4.ceil");
    case "trunc":
      return plain("f32x4.trunc");
    case "isNan":
      scope.vector(a);
      scope.vector(a);
      code.op("f32x4.ne");
      return;
    case "lt":
      return kind === "f32" ? plain("f32x4.lt") : plain(unsigned ? "i32x4.lt_u" : "i32x4.lt_s");
    case "le":
      return kind === "f32" ? plain("f32x4.le") : plain(unsigned ? "i32x4.le_u" : "i32x4.le_s");
    case "eq":
      return by("f32x4.eq", "i32x4.eq");
    case "not":
      return plain("v128.not");
    case "and":
    case "bitAnd":
      return plain("v128.and");
    case "or":
    case "bitOr":
      return plain("v128.or");
    case "bitXor":
      return plain("v128.xor");
    case "shl":
    case "shr":
      return pushShift(scope, term);
    case "select":
      return pushSelect(scope, term);
    case "toF32":
      scope.vector(a);
      if (kind === "bool") {
        pushWord(scope, 0x3f800000);
        code.op("v128.and");
      } else if (kind !== "f32") {
        code.op(unsigned ? "f32x4.convert_i32x4_u" : "f32x4.convert_i32x4_s");
      }
      return;
    case "toI32":
    case "toU32":
    case "bitsI32":
    case "bitsU32":
    case "bitsF32":
      scope.vector(a);
      if (kind === "bool") {
        pushWord(scope, 1);
        code.op("v128.and");
      } else if (kind === "f32" && term.fn.startsWith("to")) {
        code.op(term.fn === "toI32" ? "i32x4.trunc_sat_f32x4_s" : "i32x4.trunc_sat_f32x4_u");
      }
      return;
    default:
  }
  const other = expand(term);
  if (!other) throw new TypeError(`internal: no code for ${term.fn} of ${kind}`);
  // Its parts are new terms; a block of its own counts how often each is used.
  scope.within([other]).vector(other);
}

/** One of two by a mask, which has all bits of a lane set or none. */
function pushSelect(scope: Scope, { type, args: [mask, a, b] }: Call): void {
  const { code, module } = scope;
  const both = (x: Scalar, y: Scalar, name: OpName) => {
    scope.vector(x);
    scope.vector(y);
    code.op(name);
  };
  if (isZero(a)) return both(b, mask, "v128.andnot");
  if (isZero(b)) return both(a, mask, "v128.and");
  if (a.kind === "lit" && type === "f32" && a.value !== a.value) return both(b, mask, "v128.or");
  if (mask.kind === "call" && mask.fn === "lt" && mask.args[0].type === "f32") {
    // x < y ? y : x, and x < y ? x : y; NaN compares false, so what stands last is taken.
    const [x, y] = mask.args;
    if (isEqual(a, y) && isEqual(b, x)) return both(x, y, "f32x4.pmax");
    if (isEqual(a, x) && isEqual(b, y)) return both(y, x, "f32x4.pmin");
  }
  scope.vector(a);
  both(b, mask, module.features.madd ? "i32x4.relaxed_laneselect" : "v128.bitselect");
}

function isZero(term: Scalar): boolean {
  return term.kind === "lit" && Object.is(term.value, 0);
}

function isEqual(a: Scalar, b: Scalar): boolean {
  return a === b ||
    (a.kind === "lit" && b.kind === "lit" && a.type === b.type && Object.is(a.value, b.value));
}

/** A literal bound needs no care for NaN, which `pmin` and `pmax` leave as their first operand. */
function pushExtreme(scope: Scope, { fn, args: [a, b] }: Call): void {
  const { code } = scope;
  if (a.type !== "f32") {
    scope.vector(a);
    scope.vector(b);
    code.op(`i32x4.${fn as "min" | "max"}_${a.type === "u32" ? "u" : "s"}`);
    return;
  }
  const isBound = (t: Scalar) => t.kind === "lit" && t.value === t.value;
  const [x, y] = isBound(a) ? [b, a] : [a, b];
  scope.vector(x);
  scope.vector(y);
  code.op(isBound(y) ? `f32x4.p${fn as "min" | "max"}` : `f32x4.${fn as "min" | "max"}`);
}

function pushShift(scope: Scope, { fn, args: [x, by] }: Call): void {
  const { code } = scope;
  const name: OpName = fn === "shl"
    ? "i32x4.shl"
    : x.type === "u32"
    ? "i32x4.shr_u"
    : "i32x4.shr_s";
  if (!scope.varies(by)) {
    scope.vector(x);
    scope.scalar(by);
    code.op(name);
    return;
  }
  const single = { shl: "i32.shl", shr: x.type === "u32" ? "i32.shr_u" : "i32.shr_s" } as const;
  laneByLane(scope, x, by, () => code.op(single[fn as "shl" | "shr"]));
}

function pushDivided(scope: Scope, { fn, args: [x, by] }: Call): void {
  laneByLane(
    scope,
    x,
    by,
    () => divided(scope.code, fn as "div" | "rem", x.type === "u32", by),
  );
}

/** Takes both operands apart and puts the results of a single operation together. */
function laneByLane(scope: Scope, a: Scalar, b: Scalar, single: () => void): void {
  const { code } = scope;
  const [x, y, r] = [code.local("v128"), code.local("v128"), code.local("v128")];
  scope.vector(a);
  code.tee(x);
  code.set(r);
  scope.vector(b);
  code.set(y);
  for (let lane = 0; lane < 4; lane++) {
    code.get(r);
    for (const v of [x, y]) {
      code.get(v);
      code.op("i32x4.extract_lane", lane);
    }
    single();
    code.op("i32x4.replace_lane", lane);
    code.set(r);
  }
  code.get(r);
}
