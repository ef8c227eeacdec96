/**
 * jax-js on its WebGPU or its WebAssembly back end: each row is one `jit` function over its input and
 * weights, NCHW. In WebAssembly its convolutions over several channels and taps take over a hundred times
 * as long as the others' and are left out.
 *
 * @module
 */
import { defaultDevice, init, jit, lax, nn, numpy as np } from "@jax-js/jax";
import type { EncoderRow, NetRow, Row } from "./cases.ts";
import { isSmall, type Peer, type Prepared } from "./peer.ts";
import { values } from "./spec.ts";
import type { Spec } from "./spec.ts";

type Weights = Record<string, np.Array>;
type Compute = (x: np.Array, w: Weights) => np.Array;

/** jax-js as a runner. */
export function jax(backend: "webgpu" | "wasm"): Peer {
  return {
    async prepare(row: Row): Promise<Prepared | undefined> {
      if (backend === "wasm" && isSlow(row)) return undefined;
      if (defaultDevice() !== backend) {
        if (!(await init(backend)).includes(backend)) throw new Error(`jax-js has no ${backend}`);
        defaultDevice(backend);
      }
      const compute = jit(computation(row));
      const x = upload(row.input);
      const weights: Weights = {};
      for (const spec of row.weights) weights[spec.name] = upload(spec);
      const reads = isSmall(row);
      const infer = (): np.Array => compute(x.ref, retain(weights));
      return {
        async run(): Promise<void> {
          const y = infer();
          if (reads) await y.data();
          else {
            await y.blockUntilReady();
            y.dispose();
          }
        },
        async result(): Promise<Float32Array> {
          return await infer().data() as Float32Array;
        },
        dispose(): void {
          compute.dispose();
          x.dispose();
          for (const tensor of Object.values(weights)) tensor.dispose();
        },
      };
    },
  };
}

function isSlow(row: Row): boolean {
  return row.kind === "net" || (row.kind === "conv" && row.groups === 1 && row.kernel > 1);
}

function upload(spec: Spec): np.Array {
  return np.array(values(spec)).reshape([...spec.shape]);
}

/** jax-js consumes its arguments; one more reference of each keeps the weights alive. */
function retain(weights: Weights): Weights {
  return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, tensor.ref]));
}

function computation(row: Row): Compute {
  switch (row.kind) {
    case "matmul":
      return (x, w) => np.matmul(x, w.b);
    case "conv":
      return (x, w) => conv(x, w.w, row.stride, row.pad, row.groups);
    case "map":
      return (x) => nn.relu(x.mul(row.scale).add(row.shift));
    case "softmax":
      return (x) => nn.softmax(x, -1);
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

function conv(
  x: np.Array,
  w: np.Array,
  stride: number,
  pad: number,
  featureGroupCount: number,
): np.Array {
  const padding: [number, number][] = [[pad, pad], [pad, pad]];
  return lax.convGeneralDilated(x, w, [stride, stride], padding, { featureGroupCount });
}

function layernorm(x: np.Array, gamma: np.Array, beta: np.Array, epsilon: number): np.Array {
  return nn.standardize(x, -1, { epsilon }).mul(gamma).add(beta);
}

function encoder(input: np.Array, w: Weights, row: EncoderRow): np.Array {
  const { tokens, width, heads } = row;
  const x = input.reshape([tokens, width]);
  const split = (t: np.Array): np.Array =>
    np.transpose(t.reshape([tokens, heads, width / heads]), [1, 0, 2]);
  const a = layernorm(x.ref, w.g1, w.h1, row.epsilon);
  const q = split(np.matmul(a.ref, w.wq).add(w.bq));
  const k = split(np.matmul(a.ref, w.wk).add(w.bk));
  const v = split(np.matmul(a, w.wv).add(w.bv));
  const scores = np.matmul(q, np.transpose(k, [0, 2, 1])).mul(1 / Math.sqrt(width / heads));
  const mixed = np.matmul(nn.softmax(scores, -1), v);
  const joined = np.transpose(mixed, [1, 0, 2]).reshape([tokens, width]);
  const x1 = x.add(np.matmul(joined, w.wo).add(w.bo));
  const h = np.matmul(layernorm(x1.ref, w.g2, w.h2, row.epsilon), w.w1).add(w.b1);
  const f = nn.gelu(h, { approximate: false });
  return x1.add(np.matmul(f, w.w2).add(w.b2)).reshape([1, tokens, width]);
}

function net(input: np.Array, w: Weights, row: NetRow): np.Array {
  const outputs: np.Array[] = [];
  const read = (i: number): np.Array => i < 0 ? input.ref : outputs[i].ref;
  row.layers.forEach((layer, i) => {
    const x = read(layer.from);
    switch (layer.op) {
      case "conv": {
        const bias = w[`b${i}`].reshape([1, layer.out, 1, 1]);
        const y = conv(x, w[`w${i}`], layer.stride, layer.pad, layer.groups).add(bias);
        const sum = layer.add === undefined ? y : y.add(read(layer.add));
        outputs.push(
          layer.act === "relu6" ? nn.relu6(sum) : layer.act === "relu" ? nn.relu(sum) : sum,
        );
        break;
      }
      case "maxpool": {
        const { kernel, stride, pad } = layer;
        const edges: [number, number][] = [[0, 0], [0, 0], [pad, pad], [pad, pad]];
        // Pools come after relu here, so zero padding never wins either.
        const padded = np.pad(x, edges);
        const window = (t: np.Array): np.Array => np.max(t);
        outputs.push(
          lax.reduceWindow(padded, window, [1, 1, kernel, kernel], [1, 1, stride, stride]),
        );
        break;
      }
      case "mean":
        outputs.push(np.mean(x, [2, 3]));
        break;
      case "dense":
        outputs.push(np.matmul(x, w[`w${i}`]).add(w[`b${i}`]));
        break;
      default:
        layer satisfies never;
    }
  });
  const last = outputs.pop();
  for (const tensor of outputs) tensor.dispose();
  input.dispose();
  if (!last) throw new Error(`row ${row.name} has no layers`);
  return last;
}
