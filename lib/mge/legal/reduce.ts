/**
 * Reductions. A file operator reduces one axis and leaves it with extent 1; several axes take
 * several operators, from the last one on, and a last one removes what is not kept.
 * @module
 */
import { apply } from "../../core/tensor.ts";
import { type DType, isFloat, sizeOf } from "../../core/type.ts";
import { mul } from "../../ops/arithmetic.ts";
import { max, mean, min, sum } from "../../ops/reduce.ts";
import { as } from "../../ops/select.ts";
import type { Var } from "../emitter.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

/** Narrow integers are reduced as i32, whose low bits are the narrow result's. */
function through(dtype: DType): Lowering {
  return (t) => {
    const { op, ins: [x], attrs } = t.node;
    const narrow = !isFloat(x.dtype) && x.dtype !== dtype;
    return narrow ? as(apply(op, [as(x, dtype)], attrs)[0], t.dtype) : undefined;
  };
}

/** Truth of all, or of any, as the smallest or the largest of 0 and 1. */
function truths(reduction: typeof min): Lowering {
  return ({ node: { ins: [x], attrs } }) => as(reduction(as(as(x, "bool"), "i32"), attrs), "bool");
}

const squares: Lowering = (t) => {
  const { ins: [x], attrs } = t.node;
  return isFloat(x.dtype) ? undefined : as(sum(mul(as(x, "i32"), as(x, "i32")), attrs), t.dtype);
};

/** Reductions that become others. */
export const reduceLowerings: Lowerings = {
  all: truths(min),
  any: truths(max),
  sum: through("i32"),
  prod: through("i32"),
  max: through("i32"),
  min: through("i32"),
  mean: (t) => {
    const { ins: [x], attrs } = t.node;
    return isFloat(x.dtype) ? undefined : mean(as(x, "f32"), attrs);
  },
  sumSquares: squares,
  argmax: through("f32"),
  argmin: through("f32"),
};

/** Over no axis there is nothing to reduce but what each element does. */
function reducing(mode: string, next: string = mode) {
  return {
    write({ e, ins: [x], attrs: { axis }, out, node }: Writing): Var {
      const wide = out.dtype === "f16" && mode !== "MAX" && mode !== "MIN";
      const every = node.ins[0].shape.length === axis.length && axis.length > 1;
      let now = every ? step.reshape(e, x, [sizeOf(x.shape)], "Reduce") : x;
      const axes: readonly number[] = every ? [0] : axis;
      if (!axes.length && mode === "SUM_SQR") now = step.elemwise(e, "MUL", x, x);
      axes.toReversed().forEach((a, i) =>
        now = step.reduce(e, i === 0 ? mode : next, now, a, wide)
      );
      return step.reshape(e, now, out.shape, "Reduce");
    },
  };
}

function position(type: "Argmax" | "Argmin") {
  return {
    write({ e, ins: [x], attrs: { axis }, out }: Writing): Var {
      const kept = { dtype: "i32" as const, shape: x.shape.with(axis, 1) };
      const made = e.opr(type, [step.table("Axis", { axis })], [x], kept);
      return step.reshape(e, made, out.shape, "RemoveAxis");
    },
  };
}

/** Reductions as operators. */
export const reduceWriting: WritingRules = {
  sum: reducing("SUM"),
  mean: reducing("MEAN"),
  max: reducing("MAX"),
  min: reducing("MIN"),
  prod: reducing("PRODUCT"),
  sumSquares: reducing("SUM_SQR", "SUM"),
  argmax: position("Argmax"),
  argmin: position("Argmin"),
};
