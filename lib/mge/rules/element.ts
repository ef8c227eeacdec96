/**
 * The modes of Elemwise. A mode that is one operation is found by that operation's own wire, so
 * that nothing is said twice; the others are compositions.
 * @module
 */
import { literal } from "../../core/leaf.ts";
import type { Op } from "../../core/op.ts";
import { apply, type Tensor } from "../../core/tensor.ts";
import { isFloat } from "../../core/type.ts";
import { add, div, mul } from "../../ops/arithmetic.ts";
import { ne } from "../../ops/compare.ts";
import { composedMode } from "../../ops/gradient_modes.ts";
import { isInf, isNan } from "../../ops/logic.ts";
import { pow, sqrt, square } from "../../ops/math.ts";
import { ops } from "../../ops/mod.ts";
import { as, where } from "../../ops/select.ts";
import { reshape } from "../../ops/shape.ts";
import type { FileDType, FileScalar } from "../model.ts";
import { elemwiseModes } from "../schema.ts";
import {
  dtypeOf,
  field,
  member,
  number,
  promoted,
  ranked,
  refused,
  type Rule,
  type Rules,
} from "../rule.ts";
import { dequantized, quantized } from "./quantize.ts";

const wired: ReadonlyMap<string, Op> = new Map(
  ops.flatMap((op) => op.wire?.opr === "Elemwise" && op.wire.mode ? [[op.wire.mode, op]] : []),
);

/** What a mode of Elemwise computes of operands of one dtype; none for an unknown mode. */
export function elementMode(
  mode: string,
): ((...ins: readonly Tensor[]) => Tensor) | undefined {
  const op = wired.get(mode);
  if (op) return (...ins) => apply(op, ins, {})[0];
  return composedMode(mode) ?? beside[mode];
}

/** Modes that Elemwise itself refuses, but that a graph may still hold. */
const beside: Readonly<Record<string, (...ins: readonly Tensor[]) => Tensor>> = {
  NEQ: (a, b) => as(ne(a, b), a.dtype),
  ISNAN: (x) => isNan(x),
  ISINF: (x) => isInf(x),
};

/** Modes that know truth; for all others truth is a number. */
const truths: ReadonlySet<string> = new Set(["NOT", "AND", "OR", "XOR", "EQ", "NEQ"]);

const elemwiseRule: Rule = (site) => {
  const mode = member(site, "mode");
  const run = elementMode(mode);
  if (!run) throw refused(site, `there is no mode ${mode}`);
  const arity = elemwiseModes.find(({ name }) => name === mode)?.arity;
  if (arity !== site.ins.length) {
    throw refused(site, `mode ${mode} takes ${arity} operands, found ${site.ins.length}`);
  }
  const ins = promoted(site.ins);
  if (ins[0].dtype !== "bool" || truths.has(mode)) return [ranked(run(...ins))];
  const found = run(...ins.map((t) => as(t, "u8")));
  return [ranked(as(found, "bool"))];
};

const powC: Rule = (site) => {
  const [x] = site.ins;
  const exponent = number(site, "exp");
  if (!isFloat(x.dtype)) throw refused(site, `it takes floats, found ${x.dtype}`);
  if (exponent === 2) return [square(x)];
  if (exponent === 0.5) return [sqrt(x)];
  if (exponent === -1) return [div(1, x)];
  return [pow(x, exponent)];
};

/** `alpha * dest + beta * delta + bias`; the file's memory is not shared here. */
const addUpdate: Rule = (site) => {
  const [dest, delta] = promoted(site.ins);
  const scalar = (name: string) => literal((field(site, name) as FileScalar).value, dest.dtype);
  const sum = add(mul(dest, scalar("alpha")), mul(delta, scalar("beta")));
  return [add(sum, scalar("bias"))];
};

const typeCvt: Rule = (site) => {
  const target = field(site, "dtype") as FileDType;
  const from = site.quantized(0);
  const x = from ? dequantized(site.ins[0], from) : site.ins[0];
  const dtype = dtypeOf(target.name);
  if (dtype) return [as(x, dtype)];
  const result = quantized(x, target);
  if (!result) throw refused(site, `there are no elements of ${target.name} here`);
  site.mark([result], target);
  return [result];
};

/** The mask's axes are the leading ones. */
const maskedFill: Rule = (site) => {
  const [x, mask] = site.ins;
  const lead = mask.shape.length < x.shape.length
    ? reshape(mask, { shape: x.shape.map((_, i) => mask.shape[i] ?? 1) })
    : mask;
  return [where(as(lead, "bool"), literal(number(site, "value"), x.dtype), x)];
};

const whereRule: Rule = ({ ins: [mask, ...rest] }) => {
  const [a, b] = promoted(rest);
  return [where(as(mask, "bool"), a, b)];
};

/** Rules of the elementwise operators. */
export const elementRules: Rules = {
  Elemwise: elemwiseRule,
  PowC: powC,
  AddUpdate: addUpdate,
  TypeCvtV2: typeCvt,
  MaskedFill: maskedFill,
  Where: whereRule,
};
