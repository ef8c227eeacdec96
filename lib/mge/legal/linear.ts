/**
 * Products: matrices, convolutions and their gradients. File operators multiply floats; products
 * of integers are sums of elementwise products, which stay exact.
 * @module
 */
import type { Node, Tensor } from "../../core/tensor.ts";
import { isFloat, sameShape, sizeOf, type Type } from "../../core/type.ts";
import { add, mul } from "../../ops/arithmetic.ts";
import { conv2d, grouped } from "../../ops/conv.ts";
import { swap } from "../../ops/matmul.ts";
import { pad, spaced } from "../../ops/pad.ts";
import { sum } from "../../ops/reduce.ts";
import { as } from "../../ops/select.ts";
import { expandDims, reshape } from "../../ops/shape.ts";
import { sliceFn } from "../../ops/slice.ts";
import type { Var } from "../emitter.ts";
import type { Param } from "../model.ts";
import type { Lowering, Lowerings, Writing, WritingRules } from "./site.ts";
import { broadcast, filled, reshape as reshaped, table } from "./steps.ts";

/** Rows times columns, added up; the sums wrap in 32 bits as ours do. */
const integerProduct: Lowering = ({ node: { ins: [a, b], attrs }, dtype }) => {
  if (isFloat(dtype)) return undefined;
  const left = as(attrs.transposeA ? swap(a) : a, "i32");
  const right = as(attrs.transposeB ? b : swap(b), "i32");
  const cells = mul(expandDims(left, { axis: -2 }), expandDims(right, { axis: -3 }));
  return as(sum(cells, { axis: -1 }), dtype);
};

const product = ({ e, ins: [a, b], attrs, out }: Writing): Var => {
  const { transposeA, transposeB } = attrs;
  const fields = { transposeA, transposeB, compute_mode: wide(out) };
  const param = table("MatrixMul", fields);
  const plain = (x: Var, y: Var, shape: readonly number[]) =>
    e.opr("MatrixMulV2", [param], [x, y], { dtype: out.dtype, shape });
  const [m, n] = out.shape.slice(-2);
  if (a.shape.length === 2 && b.shape.length === 2) return plain(a, b, out.shape);
  if (b.shape.length === 2 && !attrs.transposeA) {
    const rows = sizeOf(a.shape.slice(0, -1));
    const flat = reshaped(e, a, [rows, a.shape[a.shape.length - 1]]);
    return reshaped(e, plain(flat, b, [rows, n]), out.shape);
  }
  const batch = out.shape.slice(0, -2);
  const cube = (x: Var) => {
    const own = x.shape.slice(-2);
    return reshaped(e, broadcast(e, x, [...batch, ...own]), [sizeOf(batch), ...own]);
  };
  const shape = [sizeOf(batch), m, n];
  const made = e.opr("BatchedMatrixMulV2", [param], [cube(a), cube(b)], {
    dtype: out.dtype,
    shape,
  });
  return reshaped(e, made, out.shape);
};

/** The bias is an addition of its own. */
const withBias: Lowering = ({ node: { ins: [x, w, bias], attrs, op }, dtype, shape }) => {
  if (!isFloat(dtype)) return op.compose!([x, w, bias].filter(Boolean), attrs)[0];
  return bias && add(conv2d(x, w, attrs), reshape(bias, { shape: [1, shape[1], 1, 1] }));
};

/** Gradients of integers do not arise, but may be written. */
const ofFloats: Lowering = ({ node: { ins, attrs, op }, dtype }) =>
  isFloat(dtype) ? undefined : op.compose!(ins, attrs)[0];

/** The general convolution on an image that stands as the plain one wants it. */
const general: Lowering = (t) => {
  const { ins: [x, w], attrs: { stride, dilate, inflate, pad: before, output } } = t.node;
  const [n, g, c] = x.shape;
  const kernel = w.shape.slice(3);
  const reach = kernel.map((k, i) => (k - 1) * dilate[i] + 1);
  const whole = (extent: number, i: number) =>
    Math.floor((extent + 2 * before[i] - reach[i]) / stride[i]) + 1;
  const fits = isFloat(t.dtype) &&
    [0, 1].every((i) =>
      inflate[i] === 1 && before[i] >= 0 && whole(x.shape[3 + i], i) === output[i]
    );
  const image = fits ? x : laid(x, [0, 1].map((i) => (output[i] - 1) * stride[i] + reach[i]), {
    inflate,
    before,
  });
  if (!isFloat(t.dtype)) return taps(image, w, { stride, dilate, output, like: t });
  const four = reshape(image, { shape: [n, g * c, ...image.shape.slice(3)] });
  const found = conv2d(four, w, {
    ...{ stride, dilation: dilate, groups: g },
    padding: fits ? before : 0,
  });
  return reshape(found, { shape: t.shape });
};

/** An image with zeros between and around its elements, cut to the extents that are looked at. */
function laid(
  x: Tensor,
  extents: readonly number[],
  at: { readonly inflate: readonly number[]; readonly before: readonly number[] },
): Tensor {
  const lead = [0, 0, 0];
  const ones = [1, 1, 1];
  const wide = x.shape.map((e, i) => i < 3 ? e : Math.max(0, (e - 1) * at.inflate[i - 3] + 1));
  const open = sameShape(wide, x.shape)
    ? x
    : spaced(x, { shape: wide, begin: [...lead, 0, 0], step: [...ones, ...at.inflate] });
  const begin = at.before.map((p) => Math.max(0, -p));
  const first = at.before.map((p) => Math.max(0, p));
  const size = extents.map((e, i) => Math.max(0, Math.min(wide[3 + i] - begin[i], e - first[i])));
  const cut = sliceFn(open, {
    begin: [...lead, ...begin.map((b, i) => Math.min(b, wide[3 + i]))],
    size: [...x.shape.slice(0, 3), ...size],
    step: [...ones, 1, 1],
  });
  return pad(cut, {
    before: [...lead, ...first],
    after: [...lead, ...extents.map((e, i) => e - first[i] - size[i])],
  });
}

/** One product a tap of the kernel, added up. */
function taps(
  x: Tensor,
  w: Tensor,
  { stride, dilate, output, like }: {
    readonly stride: readonly number[];
    readonly dilate: readonly number[];
    readonly output: readonly number[];
    readonly like: Tensor;
  },
): Tensor {
  const [image, kernel] = [as(x, "i32"), as(w, "i32")];
  const [n, g, c] = x.shape;
  const [, o, , kh, kw] = w.shape;
  let total: Tensor | undefined;
  for (let i = 0; i < kh * kw; i++) {
    const at = [Math.floor(i / kw), i % kw];
    const seen = sliceFn(image, {
      begin: [0, 0, 0, at[0] * dilate[0], at[1] * dilate[1]],
      size: [n, g, c, ...output],
      step: [1, 1, 1, ...stride],
    });
    const tap = sliceFn(kernel, {
      begin: [0, 0, 0, ...at],
      size: [g, o, c, 1, 1],
      step: [1, 1, 1, 1, 1],
    });
    const cells = mul(
      reshape(seen, { shape: [n, g, 1, c, ...output] }),
      reshape(tap, { shape: [1, g, o, c, 1, 1] }),
    );
    const one = sum(cells, { axis: 3 });
    total = total ? add(total, one) : one;
  }
  return as(total!, like.dtype);
}

/** Products that become others. */
export const linearLowerings: Lowerings = {
  matmul: integerProduct,
  conv2d: withBias,
  conv2dData: ofFloats,
  conv2dFilter: ofFloats,
  convolve: general,
};

/** Halves are added up as floats. */
function wide({ dtype }: Type): number {
  return dtype === "f16" ? 1 : 0;
}

function moves(attrs: Node["attrs"], out: Type): Param[] {
  const { stride, padding, dilation, groups } = attrs;
  const param = table("Convolution", {
    ...{ pad_h: padding[0], pad_w: padding[1], stride_h: stride[0], stride_w: stride[1] },
    ...{ dilate_h: dilation[0], dilate_w: dilation[1], sparse: groups === 1 ? 0 : 1 },
    compute_mode: wide(out),
  });
  return [param, table("ExecutionPolicy")];
}

/** Kernels have five axes where there are groups, else four. */
function filterShape(w: readonly number[], groups: number): readonly number[] {
  const five = grouped(w, groups);
  return groups === 1 ? five.slice(1) : five;
}

function convolution({ e, ins: [x, w], attrs, out }: Writing): Var {
  const filter = reshaped(e, w, filterShape(w.shape, attrs.groups));
  return e.opr("ConvolutionV2", moves(attrs, out), [x, filter], out);
}

function towardsData({ e, ins: [w, ct], attrs, out }: Writing): Var {
  const filter = reshaped(e, w, filterShape(w.shape, attrs.groups));
  const kernel = filter.shape.slice(-2);
  const natural = [0, 1].every((i) =>
    (ct.shape[2 + i] - 1) * attrs.stride[i] + (kernel[i] - 1) * attrs.dilation[i] + 1 -
        2 * attrs.padding[i] === out.shape[2 + i]
  );
  const like = natural ? [] : [filled(e, 0, out.dtype, out.shape)];
  return e.opr("ConvolutionBackwardDataV2", moves(attrs, out), [filter, ct, ...like], out);
}

function towardsFilter({ e, ins: [x, ct], attrs, out }: Writing): Var {
  const shape = filterShape(out.shape, attrs.groups);
  const like = filled(e, 0, out.dtype, shape);
  const made = e.opr("ConvolutionBackwardFilterV2", moves(attrs, out), [x, ct, like], {
    dtype: out.dtype,
    shape,
  });
  return reshaped(e, made, out.shape);
}

/** Products as operators. */
export const linearWriting: WritingRules = {
  matmul: { write: product },
  conv2d: { write: convolution },
  conv2dData: { write: towardsData },
  conv2dFilter: { write: towardsFilter },
};
