/**
 * Softmax, its logarithm and the logarithm of a sum of exponentials, all shifted by the largest
 * element so that nothing overflows; and the loss made of them. A row that holds NaN or +inf, or
 * only -inf, has a softmax of NaN.
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { axesOf } from "../core/index.ts";
import type { At, Draft } from "../core/op.ts";
import { s, type Scalar } from "../core/scalar.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { f16, isInteger, printType, sameShape, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis, flag } from "../op/field.ts";
import { between, elementwise } from "../op/kinds.ts";
import { add, div, maximum, minimum, mul, sub } from "./arithmetic.ts";
import { takeAlongAxis } from "./gather.ts";
import { exp, log } from "./math.ts";
import { max, mean, reducedShape, sum } from "./reduce.ts";
import { as, wide } from "./select.ts";
import { expandDims, reshape, squeeze } from "./shape.ts";

/** A function of whole rows along one axis, the last by default. */
export type Rowwise = Fn<readonly ["x"], { axis?: number }>;

/** Two stages a row, the largest element and the sum of shifted exponentials, then each element. */
function rows(
  at: At,
  x: Type,
  axis: number,
  out: (shifted: Scalar, total: Scalar) => Scalar,
): Draft {
  const outer = axesOf(x.shape.filter((_, i) => i !== axis));
  const [inner] = axesOf([x.shape[axis]], outer.length);
  const coords = [...outer.slice(0, axis), inner, ...outer.slice(axis)];
  const value = at(0, coords);
  const shifted = s.sub(value, s.acc(0));
  return {
    kind: "rows",
    shape: x.shape.filter((_, i) => i !== axis),
    over: [x.shape[axis]],
    stages: [{ combine: "max", body: value }, { combine: "sum", body: s.exp(shifted) }],
    out: out(shifted, s.acc(1)),
    coords,
  };
}

/** Exponentials along `axis`, scaled to sum to one. */
export const softmax: Rowwise = op({
  name: "softmax",
  doc: "Exponentials along `axis`, scaled to sum to one",
  ins: ["x"],
  attrs: { axis: axis(-1) },
  infer: ([x]) => elementwise("softmax", ["x"], [x], "float"),
  compose: ([x], { axis }) => {
    const wider = wide(x);
    const e = exp(sub(wider, max(wider, { axis, keep: true })));
    return as(div(e, sum(e, { axis, keep: true })), x.dtype);
  },
  lower: (at, [x], { axis }) => rows(at, x, axis, (shifted, total) => s.div(s.exp(shifted), total)),
  vjp: ({ ct, out, attrs: { axis } }) => {
    const g = mul(ct, out);
    return [sub(g, mul(out, sum(g, { axis, keep: true })))];
  },
  cases: [
    { ins: [between(-4, 4, [3, 5])] },
    { ins: [between(-4, 4, [2, 5, 4])], attrs: { axis: 1 } },
    {
      ins: [between(-4, 4, f16([3, 7]))],
      attrs: { axis: 0 },
      tolerance: { rtol: 2e-3, atol: 1e-3 },
    },
    { ins: [between(-4, 4, [4096, 1024])], bench: true, gradient: false },
  ],
});

/** Logarithm of the softmax along `axis`. */
export const logSoftmax: Rowwise = op({
  name: "logSoftmax",
  doc: "Logarithm of the softmax along `axis`",
  ins: ["x"],
  attrs: { axis: axis(-1) },
  infer: ([x]) => elementwise("logSoftmax", ["x"], [x], "float"),
  compose: ([x], { axis }) => {
    const wider = wide(x);
    const shifted = sub(wider, max(wider, { axis, keep: true }));
    return as(sub(shifted, log(sum(exp(shifted), { axis, keep: true }))), x.dtype);
  },
  lower: (at, [x], { axis }) => rows(at, x, axis, (shifted, total) => s.sub(shifted, s.log(total))),
  vjp: ({ ct, out, attrs: { axis } }) => [
    sub(ct, mul(exp(out), sum(ct, { axis, keep: true }))),
  ],
  cases: [
    { ins: [between(-4, 4, [3, 5])] },
    { ins: [between(-4, 4, [2, 5, 4])], attrs: { axis: 1 } },
  ],
});

/** What an f32 cannot exceed: infinities are kept out of the shift, or they would cancel to NaN. */
const finite = 3.4028234663852886e38;

/** Logarithm of the sum of exponentials along `axis`; -inf if all are, +inf if any is. */
export const logSumExp: Fn<readonly ["x"], { axis?: number; keep?: boolean }> = op({
  name: "logSumExp",
  doc: "Logarithm of the sum of exponentials along `axis`; -inf if all are, +inf if any is",
  ins: ["x"],
  attrs: { axis: axis(-1), keep: flag("leave the axis with extent 1") },
  infer: ([x], { axis, keep }) => {
    const { dtype } = elementwise("logSumExp", ["x"], [x], "float");
    return { dtype, shape: reducedShape(x.shape, [axis], keep) };
  },
  compose: ([x], { axis, keep }) => {
    const wider = wide(x);
    const largest = maximum(minimum(max(wider, { axis, keep: true }), finite), -finite);
    const total = sum(exp(sub(wider, largest)), { axis, keep: true });
    const found = as(add(log(total), largest), x.dtype);
    return keep ? found : squeeze(found, { axis });
  },
  // not exp(x - out): the rounding of a large out would be seen in every element
  vjp: ({ ct, ins: [x], attrs: { axis } }) => [
    mul(softmax(x, { axis }), reshape(ct, { shape: reducedShape(x.shape, [axis], true) })),
  ],
  cases: [
    { ins: [between(-4, 4, [3, 5])] },
    { ins: [between(-4, 4, [2, 5, 4])], attrs: { axis: 1, keep: true } },
  ],
});

/**
 * Cross entropy of integer labels under logits, one loss a sample: the logits without `axis`
 * (1 by default) have the labels' shape. `labelSmooth` spreads that share evenly over the classes;
 * `logits: false` says that x holds probabilities. Throws ShapeError if the shapes do not fit.
 */
export function crossEntropy(
  x: Tensor,
  label: Tensor,
  options: {
    readonly axis?: number;
    readonly labelSmooth?: number;
    readonly logits?: boolean;
  } = {},
): Tensor {
  const { labelSmooth = 0, logits = true } = options;
  const rank = x.shape.length;
  const given = options.axis ?? Math.min(1, rank - 1);
  const axis = given < 0 ? given + rank : given;
  const rest = x.shape.filter((_, i) => i !== axis);
  if (!sameShape(rest, label.shape) || rest.length === rank || !isInteger(label.dtype)) {
    throw located(
      new ShapeError(
        `Cannot take the cross entropy of ${printType(x)} and label: ${printType(label)}: the ` +
          `labels must be integers of shape [${rest}]\n  try argmax on one-hot labels`,
      ),
      new Error("crossEntropy"),
    );
  }
  if (!(labelSmooth >= 0 && labelSmooth <= 1)) {
    throw located(
      new OptionError(`Cannot take labelSmooth: ${labelSmooth}: it must be from 0 to 1`),
      new Error("crossEntropy"),
    );
  }
  const own = expandDims(label, { axis });
  const hit = squeeze(takeAlongAxis(x, own, { axis }), { axis });
  const term = logits ? hit : log(hit);
  const target = labelSmooth === 0 ? term : add(
    mul(mean(logits ? x : log(x), { axis }), labelSmooth),
    mul(term, 1 - labelSmooth),
  );
  return sub(logits ? logSumExp(x, { axis }) : 0, target);
}
