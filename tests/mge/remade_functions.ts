/**
 * The recorded functions of MegEngine's Python package as functions here, the small ones. What they
 * capture comes from the recorded files.
 * @module
 */
import type { Tensor } from "../../lib/core/tensor.ts";
import { valueAndGrad } from "../../lib/grad/vjp.ts";
import {
  clip,
  gelu,
  hardSwish,
  leakyRelu,
  relu,
  relu6,
  sigmoid,
  silu,
  softplus,
} from "../../lib/ops/activation.ts";
import { add, div, maximum, minimum, mul, sub } from "../../lib/ops/arithmetic.ts";
import { argmax, argmin } from "../../lib/ops/argmax.ts";
import { eq, gt } from "../../lib/ops/compare.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { convTranspose2d } from "../../lib/ops/conv_transpose.ts";
import { full } from "../../lib/ops/create.ts";
import { index } from "../../lib/ops/indexing.ts";
import { concat, split, stack } from "../../lib/ops/join.ts";
import { isNan, logicalAnd, logicalNot } from "../../lib/ops/logic.ts";
import { abs, exp, floorDiv, log, logAddExp, mod, pow, sign, sqrt } from "../../lib/ops/math.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { max, mean, min, prod, sum } from "../../lib/ops/reduce.ts";
import { warpPerspective } from "../../lib/ops/remap.ts";
import { resize } from "../../lib/ops/resize.ts";
import { ceil, floor, round } from "../../lib/ops/round.ts";
import { cumsum } from "../../lib/ops/scan.ts";
import { as, where } from "../../lib/ops/select.ts";
import { broadcastTo, reshape, transpose } from "../../lib/ops/shape.ts";
import { crossEntropy } from "../../lib/ops/softmax.ts";
import { sort, topk } from "../../lib/ops/sort.ts";
import { norm, std, variance } from "../../lib/ops/statistics.ts";
import { atan2, cos, sin, tanh } from "../../lib/ops/trig.ts";

/** A model; records stand for keyword arguments. */
export type Model = (...args: never[]) => unknown;

/** A function made of what its file holds, by name or, where it has none, by shape: `{5,4}`. */
export type Remade = (held: (name: string) => Tensor) => Model;

type Plain = (...args: Tensor[]) => unknown;

/** Functions of tensors that capture nothing. */
const plain: Readonly<Record<string, Plain>> = {
  add: (a, b) => add(a, b),
  split_concat(x, y) {
    const [a, b, c] = split(x, { axis: 1, sections: 3 });
    const [p, q] = split(y, { axis: 0, sizes: [2, 3] });
    return [
      ...[concat([a, c], { axis: 1 }), mul(b, 2)],
      ...[concat([p, q, p], { axis: 0 }), stack([a, b], { axis: 0 })],
    ];
  },
  reshape_dyn(x, y) {
    const [n, c, w] = x.shape;
    return [
      reshape(x, { shape: [n, c * w] }),
      broadcastTo(y, { shape: x.shape }),
      transpose(add(x, y), { perm: [2, 0, 1] }),
      reshape(x, { shape: [n * c, w] }),
    ];
  },
  topk_elem(x) {
    const { values: v, indices: i } = topk(x, { k: 3 });
    const { values: s, indices: j } = sort(x);
    return [add(mul(v, 2), 1), add(i, 0), s, j, argmax(x, { axis: 1 })];
  },
  adv_index: (x, idx) => [
    index(x, [1]),
    index(x, [[], [1, 3]]),
    index(x, ["...", [, , -2]]),
    index(x, [idx]),
    index(x, [[], idx, 0]),
    index(x, [idx, idx]),
    index(x, [[0, 2], null, -1]),
  ],
  dtypes: (u, v, i, b) => [
    ...[add(u, u), maximum(u, 7), mul(as(v, "i32"), 2), floorDiv(i, 3), mod(i, 3)],
    ...[div(as(u, "f32"), 2), b, logicalNot(b), where(b, i, mul(i, -1)), as(i, "u8"), gt(i, 2)],
  ],
  resize_warp: (x, m) => [
    resize(x, { size: [7, 9] }),
    resize(x, { scale: 2, alignCorners: true }),
    resize(x, { size: 4, mode: "nearest" }),
    warpPerspective(x, m, { size: [6, 6], border: "constant", value: 1.5 }),
  ],
  elemwise_zoo: (x, y) => [
    ...[exp(x), log(add(abs(x), 1)), sqrt(abs(y)), pow(x, 2), pow(abs(x), y), tanh(x), floor(x)],
    ...[ceil(x), round(x), sin(x), cos(y), x, minimum(x, y), maximum(x, y)],
    ...[clip(x, { lower: -0.5, upper: 0.5 }), gelu(x), silu(x), hardSwish(x)],
    ...[leakyRelu(x, { slope: 0.1 }), logAddExp(x, y), atan2(x, y), gt(x, y), eq(x, x)],
    ...[logicalAnd(gt(x, 0), gt(y, 0)), isNan(x), sign(x), softplus(x), relu6(mul(x, 5))],
  ],
  reductions: (x) => [
    ...[sum(x), sum(x, { axis: 1 }), mean(x, { axis: [0, 2] }), max(x, { axis: -1, keep: true })],
    ...[min(x), prod(x, { axis: 0 }), std(x, { axis: 1 }), variance(x), norm(x, { axis: 1 })],
    ...[argmin(x, { axis: 0 }), cumsum(x, { axis: 1 })],
  ],
};

/** All small functions by the names of their folders. */
export const functions: Readonly<Record<string, Remade>> = {
  ...Object.fromEntries(Object.entries(plain).map(([name, f]) => [name, () => f as Model])),
  kwargs_call: () => (a: Tensor, { b }: { b: Tensor }) => add(a, mul(b, 2)),
  matmuls: (held) => (a: Tensor, b: Tensor, c: Tensor) => {
    const w = held("{5,4}");
    return [
      matmul(a, w),
      matmul(a, b, { transposeB: true }),
      matmul(c, c, { transposeA: true }),
      matmul(c, index(transpose(w), [[0, 4]])),
      matmul(index(a, [0]), index(a, [1])),
    ];
  },
  grad_dx: (held) => (x: Tensor) =>
    valueAndGrad((v: Tensor) => sum(pow(sigmoid(matmul(v, held("{4,4}"))), 2)))(x),
  train_sgd: (held) => (x: Tensor, y: Tensor) => {
    const p = { weight: held("weight"), bias: held("bias") };
    const [loss, g] = valueAndGrad((q: typeof p) =>
      mean(crossEntropy(add(matmul(x, q.weight, { transposeB: true }), q.bias), y))
    )(p);
    return [loss, sub(p.weight, mul(g.weight, 0.1)), sub(p.bias, mul(g.bias, 0.1))];
  },
  scalar_const: (held) => (s: Tensor, x: Tensor) => {
    const [c, v] = [held("<1.5>"), held("{3}")];
    return [mul(s, c), add(x, s), add(mul(x, v), 2), exp(v), mul(full([2, 2], 3), s)];
  },
  conv_transpose: (held) => (x: Tensor) => [
    add(
      convTranspose2d(x, held("{4,3,3,3}"), { stride: 2, padding: 1 }),
      held("{1,3,1,1}"),
    ),
    relu(conv2d(x, held("{4,1,1,3,3}"), { padding: 1 })),
  ],
};
