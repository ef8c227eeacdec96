/**
 * TensorFlow.js on its WebGPU or its WebAssembly back end: eager, NHWC, with the fused operations its
 * own models use. In Deno the WebAssembly one has SIMD but one thread: it turns threads off where it
 * finds Node's interfaces, and made to use them it asks for workers that are no modules, which Deno
 * does not have.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import type { EncoderRow, NetRow, Row } from "./cases.ts";
import { isSmall, type Peer, type Prepared } from "./peer.ts";
import { values } from "./spec.ts";
import type { Spec } from "./spec.ts";

type Weights = Readonly<Record<string, tf.Tensor>>;
type Compute = (x: tf.Tensor, w: Weights) => tf.Tensor;
type Backend = "webgpu" | "wasm";

/** TensorFlow.js as a runner; with `copies`, every result is read into a new array. */
export function tfjs(backend: Backend, copies: boolean = false): Peer {
  return {
    async prepare(row: Row): Promise<Prepared | undefined> {
      if (copies && isSmall(row)) return undefined;
      await start(backend);
      const compute = computation(row);
      const spatial = row.kind === "conv" || row.kind === "net";
      const x = upload(row.input, spatial);
      const weights: Record<string, tf.Tensor> = {};
      for (const spec of row.weights) weights[spec.name] = upload(spec, spatial, row);
      const reads = copies || isSmall(row);
      return {
        async run(): Promise<void> {
          const y = tf.tidy(() => compute(x, weights));
          if (reads) await y.data();
          else if (backend === "webgpu") await finished(y);
          y.dispose();
        },
        async result(): Promise<Float32Array> {
          const y = tf.tidy(() => {
            const out = compute(x, weights);
            return spatial && out.rank === 4 ? tf.transpose(out, [0, 3, 1, 2]) : out;
          });
          const data = await y.data<"float32">();
          y.dispose();
          return Float32Array.from(data);
        },
        dispose(): void {
          x.dispose();
          for (const tensor of Object.values(weights)) tensor.dispose();
        },
      };
    },
  };
}

async function start(backend: Backend): Promise<void> {
  if (tf.getBackend() === backend) return;
  if (backend === "webgpu") await import("@tensorflow/tfjs-backend-webgpu");
  else await import("@tensorflow/tfjs-backend-wasm");
  if (!await tf.setBackend(backend)) throw new Error(`tfjs cannot start ${backend}`);
  await tf.ready();
}

/** One value of a large result: queue order makes its read wait for the whole of it. */
async function finished(y: tf.Tensor): Promise<void> {
  const probe = tf.tidy(() => tf.slice(tf.reshape(y, [-1]), 0, 1));
  await probe.data();
  probe.dispose();
}

/** Uploads a tensor, activations as NHWC and convolution weights as HWIO (depthwise: HWC1). */
function upload(spec: Spec, spatial: boolean, row?: Row): tf.Tensor {
  const tensor = tf.tensor(values(spec), [...spec.shape], "float32");
  if (!spatial || spec.shape.length !== 4) return tensor;
  const depthwise = row !== undefined && isDepthwise(row, spec);
  const order = !row ? [0, 2, 3, 1] : depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
  const turned = tf.transpose(tensor, order);
  tensor.dispose();
  return turned;
}

function isDepthwise(row: Row, spec: Spec): boolean {
  if (row.kind === "conv") return row.groups > 1;
  if (row.kind !== "net") return false;
  const layer = row.layers[Number(spec.name.slice(1))];
  return layer.op === "conv" && layer.groups > 1;
}

function computation(row: Row): Compute {
  switch (row.kind) {
    case "matmul":
      return (x, w) => tf.matMul(x, w.b);
    case "conv": {
      const { stride, pad } = row;
      return row.groups > 1
        ? (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w.w as tf.Tensor4D, stride, pad)
        : (x, w) => tf.conv2d(x as tf.Tensor4D, w.w as tf.Tensor4D, stride, pad);
    }
    case "map":
      return (x) => tf.relu(tf.add(tf.mul(x, row.scale), row.shift));
    case "softmax":
      return (x) => tf.softmax(x, -1);
    case "layernorm":
      return (x, w) => layernorm(x, w.gamma, w.beta, row.epsilon);
    case "encoder":
      return (x, w) => encoder(x, w, row);
    case "net":
      return (x, w) => net(x, w, row);
    default:
      return row satisfies never;
  }
}

function layernorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const scaled = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(scaled, gamma), beta);
}

function encoder(input: tf.Tensor, w: Weights, row: EncoderRow): tf.Tensor {
  const { tokens, width, heads } = row;
  const x = tf.reshape(input, [tokens, width]) as tf.Tensor2D;
  const dense = (t: tf.Tensor, name: string, bias: string): tf.Tensor =>
    tf.fused.matMul({ a: t as tf.Tensor2D, b: w[name] as tf.Tensor2D, bias: w[bias] });
  const split = (t: tf.Tensor): tf.Tensor =>
    tf.transpose(tf.reshape(t, [tokens, heads, width / heads]), [1, 0, 2]);
  const a = layernorm(x, w.g1, w.h1, row.epsilon);
  const q = split(dense(a, "wq", "bq"));
  const k = split(dense(a, "wk", "bk"));
  const v = split(dense(a, "wv", "bv"));
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
  const mixed = tf.matMul(tf.softmax(scores, -1), v);
  const joined = tf.reshape(tf.transpose(mixed, [1, 0, 2]), [tokens, width]);
  const x1 = tf.add(x, dense(joined, "wo", "bo"));
  const h = dense(layernorm(x1, w.g2, w.h2, row.epsilon), "w1", "b1");
  const gelu = tf.mul(tf.mul(h, 0.5), tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1));
  return tf.reshape(tf.add(x1, dense(gelu, "w2", "b2")), [1, tokens, width]);
}

function net(input: tf.Tensor, w: Weights, row: NetRow): tf.Tensor {
  const outputs: tf.Tensor[] = [];
  row.layers.forEach((layer, i) => {
    const x = layer.from < 0 ? input : outputs[layer.from];
    switch (layer.op) {
      case "conv": {
        const added = layer.add === undefined ? undefined : outputs[layer.add];
        const act = layer.act === "none" ? "linear" : layer.act;
        const options = {
          x: x as tf.Tensor4D,
          filter: w[`w${i}`] as tf.Tensor4D,
          strides: layer.stride,
          pad: layer.pad,
          bias: w[`b${i}`],
          activation: added ? "linear" as const : act as "linear" | "relu" | "relu6",
        };
        const y = layer.groups > 1 ? tf.fused.depthwiseConv2d(options) : tf.fused.conv2d(options);
        const sum = added ? tf.add(y, added) : y;
        outputs.push(added && act === "relu" ? tf.relu(sum) : sum);
        break;
      }
      case "maxpool":
        outputs.push(tf.maxPool(x as tf.Tensor4D, layer.kernel, layer.stride, layer.pad));
        break;
      case "mean":
        outputs.push(tf.mean(x, [1, 2]));
        break;
      case "dense": {
        const a = x as tf.Tensor2D;
        const b = w[`w${i}`] as tf.Tensor2D;
        outputs.push(tf.fused.matMul({ a, b, bias: w[`b${i}`] }));
        break;
      }
      default:
        layer satisfies never;
    }
  });
  return outputs[outputs.length - 1];
}
