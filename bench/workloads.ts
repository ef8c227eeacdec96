/**
 * The bench's rows in Weft: each a model function of one input over seeded weights, so that ours
 * and the peers compute the same from the same bits.
 * @module
 */
import { add, div, matmul, mul, relu, type Tensor, tensor } from "../mod.ts";
import * as weft from "../mod.ts";
import type { ConvLayer, Layer } from "./peers/nets.ts";
import type { EncoderRow, Row } from "./peers/cases.ts";
import { weight } from "./peers/cases.ts";
import { values } from "./peers/spec.ts";

/** The model of a row: a function of its input. */
export function modelOf(row: Row): (x: Tensor) => Tensor {
  const w = (name: string): Tensor => {
    const spec = weight(row, name);
    return tensor(values(spec), spec.shape);
  };
  switch (row.kind) {
    case "matmul": {
      const b = w("b");
      return (x) => matmul(x, b);
    }
    case "conv": {
      const k = w("w");
      const { stride, pad, groups } = row;
      return (x) => weft.conv2d(x, k, { stride, padding: pad, groups });
    }
    case "map":
      return (x) => relu(add(mul(x, row.scale), row.shift));
    case "softmax":
      return (x) => weft.softmax(x, { axis: -1 });
    case "layernorm": {
      const [gamma, beta] = row.weights.map((s) => w(s.name));
      return (x) => weft.layerNorm(x, { weight: gamma, bias: beta, eps: row.epsilon });
    }
    case "encoder":
      return encoder(row, w);
    case "net":
      return network(row.layers, w);
    default:
      throw new TypeError(`unknown row ${row satisfies never}`);
  }
}

function encoder(row: EncoderRow, w: (name: string) => Tensor): (x: Tensor) => Tensor {
  const { tokens, width, heads, epsilon: eps } = row;
  const p = Object.fromEntries(row.weights.map(({ name }) => [name, w(name)]));
  const depth = width / heads;
  const dense = (x: Tensor, name: string) => add(matmul(x, p[`w${name}`]), p[`b${name}`]);
  const split = (x: Tensor) =>
    weft.transpose(weft.reshape(x, { shape: [tokens, heads, depth] }), { perm: [1, 0, 2] });
  const norm = (x: Tensor, i: number) =>
    weft.layerNorm(x, { weight: p[`g${i}`], bias: p[`h${i}`], eps });
  return (x) => {
    const a = norm(x, 1);
    const [q, k, v] = ["q", "k", "v"].map((name) => split(dense(a, name)));
    const scores = weft.softmax(div(matmul(q, k, { transposeB: true }), Math.sqrt(depth)));
    const mixed = weft.transpose(matmul(scores, v), { perm: [1, 0, 2] });
    const x1 = add(x, dense(weft.reshape(mixed, { shape: [tokens, width] }), "o"));
    return add(x1, dense(weft.gelu(dense(norm(x1, 2), "1")), "2"));
  };
}

function network(layers: readonly Layer[], w: (name: string) => Tensor): (x: Tensor) => Tensor {
  const weights = layers.map((layer, i) =>
    layer.op === "conv" || layer.op === "dense" ? { w: w(`w${i}`), b: w(`b${i}`) } : undefined
  );
  return (x) => {
    const made: Tensor[] = [];
    const at = (i: number) => i < 0 ? x : made[i];
    layers.forEach((layer, i) => {
      const from = at(layer.from);
      switch (layer.op) {
        case "conv":
          made.push(convolved(layer, from, weights[i]!, at));
          break;
        case "maxpool":
          made.push(weft.maxPool2d(from, {
            kernel: layer.kernel,
            stride: layer.stride,
            padding: layer.pad,
          }));
          break;
        case "mean":
          made.push(weft.mean(from, { axis: [2, 3] }));
          break;
        case "dense":
          made.push(add(matmul(from, weights[i]!.w), weights[i]!.b));
          break;
        default:
          throw new TypeError(`unknown layer ${layer satisfies never}`);
      }
    });
    return made[made.length - 1];
  };
}

function convolved(
  layer: ConvLayer,
  x: Tensor,
  p: { w: Tensor; b: Tensor },
  at: (i: number) => Tensor,
): Tensor {
  const { stride, pad, groups, act } = layer;
  const y = weft.conv2d(x, p.w, { stride, padding: pad, groups, bias: p.b });
  const sum = layer.add === undefined ? y : add(y, at(layer.add));
  return act === "relu" ? relu(sum) : act === "relu6" ? weft.relu6(sum) : sum;
}
