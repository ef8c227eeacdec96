/**
 * Elementwise operations: most are one mode of Elemwise, found by the operation's own wire. What
 * the released MegEngine lacks, or rewrites wrongly when it dumps again, is composed.
 * @module
 */
import { literal } from "../../core/leaf.ts";
import { apply, scalarOf, type Tensor } from "../../core/tensor.ts";
import { isFloat } from "../../core/type.ts";
import { add, div, maximum, minimum, mul, sub } from "../../ops/arithmetic.ts";
import { relu } from "../../ops/activation.ts";
import { eq, lt } from "../../ops/compare.ts";
import { logicalAnd, logicalNot, logicalOr } from "../../ops/logic.ts";
import { abs, expm1 } from "../../ops/math.ts";
import { as, cast, where } from "../../ops/select.ts";
import { atan2 } from "../../ops/trig.ts";
import type { Var } from "../emitter.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import { convert, elemwise, scalar, table, truth } from "./steps.ts";

/** The element type of operands that Elemwise does not compute with. */
function widely(t: Tensor): Tensor | undefined {
  const { op, ins, attrs } = t.node;
  if (!ins.some((x) => x.dtype === "u16")) return undefined;
  const [out] = apply(op, ins.map((x) => x.dtype === "u16" ? as(x, "i32") : x), attrs);
  return as(out, t.dtype);
}

/** A lowering after the one for wide types. */
function after(own?: Lowering): Lowering {
  return (t) => widely(t) ?? own?.(t);
}

const sign: Lowering = ({ node: { ins: [x] }, dtype }) =>
  sub(as(lt(0, x), dtype), as(lt(x, 0), dtype));

/** Bounds that are single numbers and do not cross need no choice. */
const clip: Lowering = ({ node: { ins: [x, lower, upper] } }) => {
  const [low, high] = [scalarOf(lower), scalarOf(upper)];
  if (low === undefined || high === undefined || !(low <= high)) {
    return where(lt(x, lower), lower, where(lt(upper, x), upper, x));
  }
  const raised = low === -Infinity ? x : maximum(x, lower);
  return high === Infinity ? raised : minimum(raised, upper);
};

/** Through i32, whose low bits every narrow type keeps. */
const casting: Lowering = ({ node: { ins: [x] }, dtype }) => {
  if (dtype === "bool") {
    return x.dtype === "bool" ? undefined : logicalNot(eq(x, literal(0, x.dtype)));
  }
  const narrow = !isFloat(dtype) && dtype !== "i32" && isFloat(x.dtype);
  return narrow ? cast(cast(x, { dtype: "i32" }), { dtype }) : undefined;
};

const choosing: Lowering = ({ node: { ins: [c, a, b] }, dtype }) => {
  if (dtype === "bool") return logicalOr(logicalAnd(c, a), logicalAnd(logicalNot(c), b));
  return dtype === "u16" ? as(where(c, as(a, "i32"), as(b, "i32")), dtype) : undefined;
};

const dividing: Lowering = ({ node: { ins: [a, b] } }) =>
  isFloat(a.dtype) ? undefined : div(as(a, "f32"), as(b, "f32"));

/** Whole numbers have no such mode. */
const relu6: Lowering = ({ node: { ins: [x] } }) =>
  isFloat(x.dtype) ? undefined : minimum(maximum(x, 0), 6);

/** Operations that become others; for all others only the element type may change. */
export const elementLowerings: Lowerings = {
  atan: ({ node: { ins: [x] } }) => atan2(x, 1),
  cast: casting,
  clip: after(clip),
  div: dividing,
  elu: ({ node: { ins: [x], attrs: { alpha } } }) => add(relu(x), mul(expm1(minimum(x, 0)), alpha)),
  isFinite: ({ node: { ins: [x] } }) => lt(abs(x), Infinity),
  isInf: ({ node: { ins: [x] } }) => eq(abs(x), Infinity),
  isNan: ({ node: { ins: [x] } }) => logicalNot(eq(x, x)),
  leakyRelu: ({ node: { ins: [x], attrs: { slope } } }) =>
    add(maximum(x, 0), mul(minimum(x, 0), slope)),
  reciprocal: ({ node: { ins: [x] } }) => div(1, x),
  relu6: after(relu6),
  sign: after(sign),
  square: ({ node: { ins: [x] } }) => mul(x, x),
  where: choosing,
  ...Object.fromEntries(
    [
      ...["add", "sub", "mul", "maximum", "minimum", "neg", "abs", "mod", "floorDiv", "relu"],
      ...["shl", "shr", "lt", "le", "gt", "ge", "eq", "ne"],
    ].map((name) => [name, after()]),
  ),
};

function compared(mode: "LT" | "LEQ" | "EQ", turned: boolean) {
  return {
    write({ e, ins: [a, b] }: Writing): Var {
      const mask = turned ? elemwise(e, mode, b, a) : elemwise(e, mode, a, b);
      e.call(mask);
      const made = truth(e, mask);
      e.call(made, mode);
      return made;
    },
  };
}

/** The unchosen side is never multiplied, so its NaN and infinities stay out. */
function choose({ e, node, ins: [c, a, b] }: Writing): Var {
  const mask = convert(e, c, a.dtype);
  const zero = scalar(e, 0, a.dtype);
  const first = () => elemwise(e, "COND_LT_MOV", zero, mask, a);
  const second = () => elemwise(e, "COND_LEQ_MOV", mask, zero, b);
  const none = (i: number) => Object.is(scalarOf(node.ins[i]), 0);
  if (none(2)) return first();
  return none(1) ? second() : elemwise(e, "ADD", first(), second());
}

/** Operations that are a few operators. */
export const elementWriting: WritingRules = {
  lt: compared("LT", false),
  le: compared("LEQ", false),
  gt: compared("LT", true),
  ge: compared("LEQ", true),
  eq: compared("EQ", false),
  ne: {
    write({ e, ins: [a, b] }) {
      const mask = elemwise(e, "EQ", a, b);
      const same = convert(e, mask, "bool");
      const made = elemwise(e, "NOT", same);
      for (const v of [mask, same]) e.call(v);
      e.call(made, "NEQ");
      return made;
    },
  },
  where: { write: choose },
  cast: { write: ({ e, ins: [x], out }) => convert(e, x, out.dtype) },
  rsqrt: {
    write: ({ e, ins: [x] }) => e.opr("PowC", [table("PowC", { exp: -0.5 })], [x], x),
  },
  trunc: {
    write: ({ e, ins: [x] }) =>
      elemwise(e, "ABS_GRAD", x, elemwise(e, "FLOOR", elemwise(e, "ABS", x))),
  },
};
