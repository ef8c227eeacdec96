/**
 * Pooling, and what its gradients are made of.
 * @module
 */
import { apply, type Node, type Tensor } from "../../core/tensor.ts";
import { isFloat } from "../../core/type.ts";
import { add, mul } from "../../ops/arithmetic.ts";
import { eq } from "../../ops/compare.ts";
import { avgPool2dFn } from "../../ops/pool.ts";
import { pad } from "../../ops/pad.ts";
import { as, where } from "../../ops/select.ts";
import { sliceFn } from "../../ops/slice.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import * as step from "./steps.ts";

function pooling(mode: string, { kernel, stride, padding }: Writing["attrs"]) {
  return step.table("Pooling", {
    ...{ mode: step.member("PoolingV0Mode", mode), pad_h: padding[0], pad_w: padding[1] },
    ...{ stride_h: stride[0], stride_w: stride[1], window_h: kernel[0], window_w: kernel[1] },
  });
}

/** The mean with padding counted, times the size of a window. */
const summed: Lowering = ({ node: { ins: [x], attrs } }) =>
  mul(
    avgPool2dFn(x, { ...attrs, countIncludePad: true } as never),
    attrs.kernel[0] * attrs.kernel[1],
  );

/** One selection a tap of the window, added up. */
const picked: Lowering = ({ node: { ins: [x, most, v], attrs }, shape }) => {
  const { kernel: [kh, kw], stride, padding } = attrs;
  const extents = [0, 1].map((i) => (shape[2 + i] - 1) * stride[i] + attrs.kernel[i]);
  const around = {
    before: [0, 0, ...padding],
    after: [0, 0, ...extents.map((e, i) => Math.max(0, e - padding[i] - x.shape[2 + i]))],
  };
  const [image, values] = [pad(x, around), pad(v, around)];
  const tap = (t: Tensor, at: readonly number[]) =>
    sliceFn(t, { begin: [0, 0, ...at], size: shape, step: [1, 1, ...stride] });
  let total: Tensor | undefined;
  for (let i = 0; i < kh * kw; i++) {
    const at = [Math.floor(i / kw), i % kw];
    const one = where(eq(tap(image, at), most), tap(values, at), 0);
    total = total ? add(total, one) : one;
  }
  return total;
};

/** On its CPU the released MegEngine pools halves wrongly, but for means without padding. */
const throughFloats: Lowering = (t) => {
  const { op, ins, attrs } = t.node;
  if (t.dtype !== "f16" || isBareMean(t.node)) return undefined;
  return as(apply(op, ins.map((x) => as(x, "f32")), attrs)[0], "f16");
};

/** True for means that count what is there and nothing else. */
function isBareMean({ op, attrs }: Node): boolean {
  if (op.name !== "avgPool2d") return false;
  return !attrs.countIncludePad || attrs.padding.every((p: number) => p === 0);
}

/** Parts of pooling that become others. */
export const poolLowerings: Lowerings = {
  maxPool2d: throughFloats,
  avgPool2d: throughFloats,
  windowSpread: throughFloats,
  windowPlace: throughFloats,
  windowSum: summed,
  windowPick: picked,
};

/** Pooling as operators. */
export const poolWriting: WritingRules = {
  maxPool2d: {
    write: ({ e, ins: [x], attrs, out }) => e.opr("PoolingV1", [pooling("MAX", attrs)], [x], out),
  },
  avgPool2d: {
    takes: ({ outs: [out] }) => isFloat(out.dtype),
    write({ e, node, ins: [x], attrs, out }) {
      const padded = attrs.padding.some((p: number) => p > 0);
      const counted = attrs.countIncludePad || !padded;
      const whole = counted && !(out.dtype === "f16" && isBareMean(node));
      const mode = whole ? "AVERAGE" : "AVERAGE_COUNT_EXCLUDE_PADDING";
      return e.opr("PoolingV1", [pooling(mode, attrs)], [x], out);
    },
  },
  windowSpread: {
    write({ e, ins: [ct], attrs, out }) {
      const image = step.filled(e, 0, out.dtype, out.shape);
      const pooled = step.filled(e, 0, out.dtype, ct.shape);
      const ins = [image, pooled, ct];
      const made = e.opr("PoolingBackwardV1", [pooling("AVERAGE", attrs)], ins, out);
      const size = attrs.kernel[0] * attrs.kernel[1];
      return step.elemwise(e, "MUL", made, step.scalar(e, size, out.dtype));
    },
  },
  windowPlace: {
    write: ({ e, ins, attrs, out }) =>
      e.opr("PoolingBackwardV1", [pooling("MAX", attrs)], ins, out),
  },
};
