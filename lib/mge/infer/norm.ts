/**
 * Scales and shifts of channels that a convolution takes in: its kernel is scaled and its bias
 * moved when the file is written, so that a norm in inference costs nothing when the file runs.
 * @module
 */
import { type Graph, orderOf, rebuild, resultsOf, usersOf } from "../../core/graph.ts";
import { bytesIn, isSource, type Source } from "../../core/host.ts";
import { constant } from "../../core/leaf.ts";
import type { Node, Tensor } from "../../core/tensor.ts";
import { sizeOf } from "../../core/type.ts";
import { evaluate } from "../../cpu/evaluate.ts";
import { add, mul } from "../../ops/arithmetic.ts";
import { conv2d } from "../../ops/conv.ts";
import { broadcastTo, reshape } from "../../ops/shape.ts";
import { bind } from "../../stage/bind.ts";
import { foldedConstant } from "../../stage/specialize.ts";
import { graphOf } from "../../stage/stage.ts";
import { floatsOf } from "./floats.ts";
import { type Affine, isPerChannel, withChains } from "../../stage/affine.ts";

/** A graph whose convolutions have taken in the norms behind them. */
export function foldNorms(graph: Graph): Graph {
  const plain = rebuild(
    resultsOf(graph),
    (t) =>
      t.node.op.name === "batchNorm" ? t.node.op.compose!(t.node.ins, t.node.attrs)[0] : undefined,
  );
  const open = graphOf(graph.args, plain, graph.names);
  const times = bind(plain);
  const users = usersOf(orderOf(plain));
  const isAlone = (node: Node) => users.get(node)?.length === 1;
  return withChains(open, {
    isBase: ({ dtype, node: { op, ins } }) =>
      op.name === "conv2d" && dtype === "f32" &&
      ins.slice(1).every((t) => times.get(t.node) === "static"),
    fits: (shape, base) => isPerChannel(shape, base.shape[1]),
    taken: (chain, length) => {
      const plainBias = length === 1 && !chain.scale && chain.base.node.ins.length === 2;
      return plainBias ? undefined : takenIn(chain, isAlone);
    },
  });
}

/** conv(x, w) · scale + shift → conv(x, w · scale) + shift; a kernel that none else uses keeps its name. */
function takenIn({ base, scale, shift }: Affine, isAlone: (node: Node) => boolean): Tensor {
  const { ins: [x, w, bias], attrs } = base.node;
  const channels = base.shape[1];
  const line = (t: Tensor) =>
    reshape(broadcastTo(t, { shape: [1, channels, 1, 1] }), { shape: [channels] });
  const name = isAlone(w.node) ? w.node.name : undefined;
  const kernel = scale ? scaled(w, line(scale), name) : w;
  const own = bias && reshape(bias, { shape: [channels] });
  const times = own && scale ? mul(own, line(scale)) : own;
  const moved = times && shift ? add(times, line(shift)) : times ?? (shift && line(shift));
  return conv2d(x, kernel, { ...attrs, ...(moved ? { bias: foldedConstant(moved) } : {}) });
}

/** A kernel whose outputs are scaled, each by a number; one that lies elsewhere is never whole here. */
function scaled(w: Tensor, line: Tensor, name: string | undefined): Tensor {
  const channels = line.shape[0];
  const { data } = w.node;
  if (!isSource(data)) {
    const rows = w.shape.length === 5 ? [w.shape[0], w.shape[1], 1, 1, 1] : [channels, 1, 1, 1];
    return foldedConstant(mul(w, reshape(line, { shape: rows })), name);
  }
  const each = sizeOf(w.shape) / channels;
  const source: Source = {
    ...{ dtype: data.dtype, shape: data.shape },
    async *open() {
      const [{ data: factors }] = await evaluate([line]);
      let at = 0;
      for await (const floats of floatsOf(data)) {
        for (let i = 0; i < floats.length; i++, at++) {
          floats[i] *= Number(factors[Math.floor(at / each)]);
        }
        yield bytesIn(floats);
      }
    },
  };
  return constant(source, name);
}
