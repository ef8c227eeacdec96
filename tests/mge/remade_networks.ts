/**
 * The recorded networks of MegEngine's Python package as functions here, with the weights of the
 * recorded files. Where MegEngine merged equal parameters into one tensor, one tensor is used.
 * @module
 */
import type { Tensor } from "../../lib/core/tensor.ts";
import * as nn from "../../lib/model/nn.ts";
import { pipe } from "../../lib/model/pipe.ts";
import { gelu, relu, sigmoid } from "../../lib/ops/activation.ts";
import { add, div } from "../../lib/ops/arithmetic.ts";
import { conv2d, type ConvOptions } from "../../lib/ops/conv.ts";
import { embedding, oneHot, takeAlongAxis } from "../../lib/ops/gather.ts";
import { index } from "../../lib/ops/indexing.ts";
import { mod } from "../../lib/ops/math.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { batchNorm, layerNorm } from "../../lib/ops/norm.ts";
import { avgPool2d, maxPool2d } from "../../lib/ops/pool.ts";
import { mean } from "../../lib/ops/reduce.ts";
import { flatten, reshape, transpose } from "../../lib/ops/shape.ts";
import { logSoftmax, logSumExp, softmax } from "../../lib/ops/softmax.ts";
import type { Model, Remade } from "./remade_functions.ts";

type Held = Parameters<Remade>[0];
type Layer = (x: Tensor) => Tensor;

function linear(held: Held, at: string): Layer {
  return nn.linear({ weight: held(`${at}.weight`), bias: held(`${at}.bias`) });
}

function conv(
  held: Held,
  at: string,
  options: ConvOptions = {},
  bias: string | null = `${at}.bias`,
): Layer {
  const own = bias === null ? {} : { bias: channels(held, bias) };
  return (x) => conv2d(x, held(`${at}.weight`), { ...options, ...own });
}

/** MegEngine keeps the parameters of channels as [1,c,1,1]. */
function channels(held: Held, name: string): Tensor {
  return held(`${name} flat`);
}

function norm(held: Held, at: string): Layer {
  return nn.layerNorm({ weight: held(`${at}.weight`), bias: held(`${at}.bias`) });
}

function convnet(held: Held): Layer {
  const zeros = "net.c1.bias"; // also the bias of b1 and of c2
  return (x) => {
    const first = batchNorm(
      conv(held, "net.c1", { stride: 2, padding: 1 })(x),
      channels(held, "net.b1.running_mean"),
      channels(held, "net.b1.running_var"),
      { weight: channels(held, "net.b1.weight"), bias: channels(held, zeros) },
    );
    const body = relu(first);
    const groups = sigmoid(conv(held, "net.c2", { padding: 2, dilation: 2 }, zeros)(body));
    const alone = conv(held, "net.c3", { padding: 1 }, null)(groups);
    const wide = conv(held, "net.c4")(relu(add(alone, body)));
    const pooled = avgPool2d(maxPool2d(wide, { kernel: 2 }), {
      ...{ kernel: 3, stride: 1, padding: 1, countIncludePad: false },
    });
    return linear(held, "net.fc")(mean(pooled, { axis: [2, 3] }));
  };
}

/** Eight blocks whose norms were folded into the convolutions when the file was written. */
function resnet(held: Held): Layer {
  const folded = (at: string, x: Tensor, options: ConvOptions) =>
    conv2d(x, held(`${at} weight`), { ...options, bias: channels(held, `${at} bias`) });
  return (x) => {
    const stem = relu(folded("RELU", x, { stride: 2, padding: 3 }));
    let y = maxPool2d(stem, { kernel: 3, stride: 2, padding: 1 });
    for (let block = 0; block < 8; block++) {
      const [first, second] = [0, 1].map((i) => `l.${block}.RELU[${i}]`);
      const stride = block === 2 || block === 4 || block === 6 ? 2 : 1;
      const inner = relu(folded(first, y, { stride, padding: 1 }));
      const past = stride === 2 ? conv2d(y, held(`${second} down`), { stride }) : y;
      y = relu(add(folded(second, inner, { padding: 1 }), past));
    }
    return linear(held, "fc")(mean(y, { axis: [2, 3] }));
  };
}

function encoder(held: Held, at: string): Layer {
  return (x) => {
    const [b, t, d] = x.shape;
    const heads = (y: Tensor) =>
      transpose(reshape(y, { shape: [b, t, 4, d / 4] }), { perm: [0, 2, 1, 3] });
    const y = norm(held, `${at}.n1`)(x);
    const [q, k, v] = ["q", "k", "v"].map((name) => heads(linear(held, `${at}.${name}`)(y)));
    const scores = div(matmul(q, transpose(k, { perm: [0, 1, 3, 2] })), Math.sqrt(d / 4));
    const mixed = transpose(matmul(softmax(scores), v), { perm: [0, 2, 1, 3] });
    const out = add(x, linear(held, `${at}.o`)(reshape(mixed, { shape: [b, t, d] })));
    const wide = gelu(linear(held, `${at}.f1`)(norm(held, `${at}.n2`)(out)));
    return add(out, linear(held, `${at}.f2`)(wide));
  };
}

/** The networks by the names of their folders. */
export const networks: Readonly<Record<string, Remade>> = {
  mlp: (held) =>
    pipe(
      linear(held, "net.fc1"),
      relu,
      linear(held, "net.fc2"),
      (x: Tensor) => softmax(x, { axis: 1 }),
    ) as Model,
  convnet: (held) => convnet(held) as Model,
  convnet_plain: (held) => (x: Tensor) => {
    const first = relu(conv(held, "net.c1", { padding: 1 })(x));
    const second = relu(conv(held, "net.c2", { padding: 1, stride: 2 })(first));
    return relu(add(conv(held, "net.c3", { padding: 1 })(second), second));
  },
  norm_softmax: (held) => (x: Tensor) => [
    norm(held, "net.ln")(x),
    layerNorm(x, { dims: 2 }),
    softmax(x, { axis: -1 }),
    logSoftmax(x, { axis: 1 }),
    logSumExp(x, { axis: 1 }),
  ],
  embedding: (held) => (i: Tensor) => {
    const e = embedding(held("net.emb.weight"), i);
    return [
      mean(e, { axis: 1 }),
      takeAlongAxis(index(e, [[], [], 0]), mod(i, 3), { axis: 1 }),
      oneHot(i, 11),
    ];
  },
  lenet: (held) => {
    const pooled = (t: Tensor) => maxPool2d(t, { kernel: 2 });
    return pipe(
      ...[conv(held, "lenet.conv1"), relu, pooled, conv(held, "lenet.conv2"), relu, pooled],
      ...[(t: Tensor) => flatten(t), linear(held, "lenet.fc1"), relu, linear(held, "lenet.fc2")],
      ...[relu, linear(held, "lenet.fc3")],
    ) as Model;
  },
  resnet18_small: (held) => resnet(held) as Model,
  transformer_small: (held) => (t: Tensor) =>
    pipe(
      (i: Tensor) => add(embedding(held("tf.emb.weight"), i), held("tf.pos")),
      encoder(held, "tf.e.0"),
      encoder(held, "tf.e.1"),
      norm(held, "tf.ln"),
    )(t),
  lstm_small: (held) => (x: Tensor) => {
    const { output, h, c } = nn.lstm({ _flatten_weights: held("_flatten_weights") })(x);
    return [output, h, c];
  },
};
