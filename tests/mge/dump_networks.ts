/**
 * Functions of several operations that are dumped: networks with seeded weights, gradients, and
 * mixtures of element types and indices.
 * @module
 */
import { arrayOf, type Host } from "../../lib/core/host.ts";
import { constant, tensor } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f16, f32, i32, isFloat, sizeOf, type Type, u16, u8 } from "../../lib/core/type.ts";
import { grad } from "../../lib/grad/vjp.ts";
import { gelu, leakyRelu, relu } from "../../lib/ops/activation.ts";
import { add, div, mul, sub } from "../../lib/ops/arithmetic.ts";
import { argmax } from "../../lib/ops/argmax.ts";
import { gt } from "../../lib/ops/compare.ts";
import { conv2d } from "../../lib/ops/conv.ts";
import { conv1d, convTranspose2d } from "../../lib/ops/conv_transpose.ts";
import { eye, linspace } from "../../lib/ops/create.ts";
import { embedding, oneHot } from "../../lib/ops/gather.ts";
import { concat, flip, repeat, split, stack, tile } from "../../lib/ops/join.ts";
import { exp, log, sqrt } from "../../lib/ops/math.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { batchNorm, layerNorm } from "../../lib/ops/norm.ts";
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from "../../lib/ops/pool.ts";
import { mean, sum } from "../../lib/ops/reduce.ts";
import { as, where } from "../../lib/ops/select.ts";
import { flatten, reshape, transpose } from "../../lib/ops/shape.ts";
import { slice } from "../../lib/ops/slice.ts";
import { crossEntropy, softmax } from "../../lib/ops/softmax.ts";
import { norm, std } from "../../lib/ops/statistics.ts";
import { tanh } from "../../lib/ops/trig.ts";
import { stage } from "../../lib/stage/stage.ts";
import { random } from "../ops/case_values.ts";
import type { DumpCase } from "./dump_cases.ts";

/** Seeded numbers of a type, whole ones from 0 to 4 for integers. */
export function seeded(type: Type, seed: number): Host {
  const next = random(seed);
  const data = arrayOf(type.dtype, sizeOf(type.shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = isFloat(type.dtype) ? 2 * next() - 1 : Math.floor(4 * next());
  }
  return { dtype: type.dtype, shape: [...type.shape], data };
}

/** A named parameter. */
function weight(name: string, ...shape: number[]): Tensor {
  return constant(seeded(f32(shape), name.length * 31 + sizeOf(shape)), name);
}

function positive(t: Tensor): Tensor {
  return add(mul(t, t), 0.5);
}

type Model = (...ins: Tensor[]) => unknown;

function digits(x: Tensor): Tensor {
  const bn = (t: Tensor, at: string, c: number) =>
    batchNorm(t, weight(`${at}.mean`, c), positive(weight(`${at}.variance`, c)), {
      weight: weight(`${at}.weight`, c),
      bias: weight(`${at}.bias`, c),
    });
  const block = (t: Tensor, i: number, c: number, o: number) => {
    const own = conv2d(t, weight(`conv${i}.weight`, o, c, 5, 5), {
      bias: weight(`conv${i}.bias`, o),
    });
    return avgPool2d(relu(bn(own, `bn${i}`, o)), { kernel: 2 });
  };
  const rows = flatten(block(block(x, 0, 1, 4), 1, 4, 6));
  const hidden = relu(
    add(matmul(rows, weight("fc0.weight", 20, 96), { transposeB: true }), weight("fc0.bias", 20)),
  );
  return add(
    matmul(hidden, weight("fc1.weight", 10, 20), { transposeB: true }),
    weight("fc1.bias", 10),
  );
}

function attention(x: Tensor): Tensor {
  const heads = (name: string) =>
    transpose(reshape(matmul(x, weight(name, 8, 8)), { shape: [2, 5, 2, 4] }), {
      perm: [0, 2, 1, 3],
    });
  const scores = matmul(heads("q"), heads("k"), { transposeB: true });
  const mixed = matmul(softmax(mul(scores, 0.5)), heads("v"));
  const joined = reshape(transpose(mixed, { perm: [0, 2, 1, 3] }), { shape: [2, 5, 8] });
  const own = layerNorm(add(x, joined), { weight: weight("ln.w", 8), bias: weight("ln.b", 8) });
  return gelu(matmul(own, weight("up", 8, 16)));
}

const convnet: Model = (x, w) => {
  const y = maxPool2d(leakyRelu(conv2d(x, w, { stride: 2, padding: 1 })), {
    kernel: 3,
    stride: 2,
    padding: 1,
  });
  const up = convTranspose2d(y, weight("up", 4, 2, 3, 3), { stride: 2, outputPadding: 1 });
  return [y, up, adaptiveAvgPool2d(up, { size: 2 })];
};

const networks: Readonly<Record<string, readonly [Model, readonly Type[]]>> = {
  digits: [digits as Model, [f32([2, 1, 28, 28])]],
  attention: [attention as Model, [f32([2, 5, 8])]],
  convnet: [convnet, [f32([2, 3, 17, 17]), f32([4, 3, 3, 3])]],
  convnetGradient: [
    (x, w) => grad((v: Tensor[]) => sum((convnet(v[0], v[1]) as Tensor[])[2]))([x, w]),
    [f32([2, 3, 17, 17]), f32([4, 3, 3, 3])],
  ],
  lossGradient: [
    (x, w, label) => grad((v: Tensor) => mean(crossEntropy(matmul(x, v), label)))(w),
    [f32([6, 5]), f32([5, 4]), i32([6])],
  ],
  second: [
    (x, w) => {
      const first = (v: Tensor) => sum(tanh(conv2d(v, w, { padding: 1, stride: 2 })));
      return grad((v: Tensor) => sum(mul(grad(first)(v), v)))(x);
    },
    [f32([1, 2, 6, 6]), f32([3, 2, 3, 3])],
  ],
  indices: [
    (x, i) => [
      embedding(x, i),
      slice(x, [1, undefined, 2], [-1, undefined, -2]),
      slice(x, 2),
      flip(x, { axis: 1 }),
      oneHot(i, 5),
      argmax(x),
    ],
    [f32([5, 6]), i32([2, 3])],
  ],
  joins: [
    (x, y) => [
      concat([x, y, x], { axis: 1 }),
      stack([x, y], { axis: -1 }),
      ...split(x, { axis: 1, sections: 2 }),
      tile(x, { counts: [2, 1, 3] }),
      repeat(x, { count: 2, axis: 0 }),
    ],
    [f32([3, 4]), f32([3, 4])],
  ],
  statistics: [
    (
      x,
    ) => [
      std(x, { axis: 1 }),
      norm(x, { order: 3, axis: 0 }),
      norm(x),
      sum(x),
      mean(x, { axis: [0, 2] }),
    ],
    [f32([2, 3, 4])],
  ],
  numbers: [
    (x, y) =>
      [
        where(gt(x, 1), div(x, 2), as(y, "f32")),
        add(as(y, "u16"), 3),
        as(mul(as(x, "f16"), 2), "f32"),
        div(y, 3),
        linspace(0, 1, 7),
        eye(3),
        tensor([[1, 2], [3, 4]]),
      ].map((t, i) => i === 0 ? sqrt(exp(log(positive(t)))) : t),
    [f32([5]), i32([5])],
  ],
  halves: [(x, w) => softmax(sub(matmul(x, w), mean(x))), [f16([3, 4]), f16([4, 5])]],
  narrow: [(x, y) => [add(x, x), mul(y, y), sum(x), as(x, "f32")], [u8([4]), u16([4])]],
  signal: [(x, w) => conv1d(x, w, { padding: 1, stride: 2, groups: 2 }), [
    f32([2, 4, 9]),
    f32([6, 2, 3]),
  ]],
  scalar: [(x) => mul(x, 3), [f32([])]],
  returned: [(x, y) => ({ x, y: add(x, y), again: x }), [f32([2]), f32([2])]],
};

/** Every network with values for its arguments. */
export function* networkCases(): Generator<DumpCase> {
  for (const [name, [model, types]] of Object.entries(networks)) {
    yield {
      name: `net.${name}`,
      graph: stage(model as never, types),
      source: { model: model as never, types },
      values: types.map((t, i) => seeded(t, 77 + i)),
      tolerance: name === "halves" ? { rtol: 4e-3, atol: 2e-3 } : { rtol: 2e-4, atol: 2e-5 },
    };
  }
}
