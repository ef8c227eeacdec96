/**
 * Norms in inference: what scales and shifts the channels of a convolution by constants, its bias
 * among it, becomes one multiplication and one addition, which the convolution's kernel does on the
 * way out.
 * @module
 */
import { type Graph, orderOf, rebuild, rootsOf } from "../core/graph.ts";
import { graphWith } from "../core/graph_with.ts";
import type { Node, Tensor } from "../core/tensor.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { conv2d } from "../ops/conv.ts";
import { reshape } from "../ops/shape.ts";
import { type Affine, arithmetic, isPerChannel, withChains } from "../stage/affine.ts";
import { bind } from "../stage/bind.ts";

/** A graph with one scale and one shift behind each convolution. */
export function foldNorms(graph: Graph): Graph {
  const roots = rootsOf(graph);
  if (!orderOf(roots).some(mayFold)) return graph;
  const plain = rebuild(
    roots,
    ({ out, node: { op, ins, attrs } }) =>
      op.name === "batchNorm" ? op.compose!(ins, attrs)[out] : undefined,
  );
  const times = bind(plain);
  const isStatic = (t: Tensor) => times.get(t.node) === "static";
  const folded = withChains(graphWith(graph, plain), {
    isBase: ({ dtype, node: { op, ins } }) =>
      op.name === "conv2d" && dtype === "f32" && ins.slice(2).every(isStatic),
    fits: (shape, base) => isPerChannel(shape, base.shape[1]),
    taken: (chain, length) =>
      length + chain.base.node.ins.length - 2 > 2 ? collapsed(chain) : undefined,
  });
  return rootsOf(folded).every((t, i) => t === plain[i]) ? graph : folded;
}

/** True for a norm, and for arithmetic with what a convolution gives. */
function mayFold({ op, ins }: Node): boolean {
  return op.name === "batchNorm" ||
    (arithmetic.has(op.name) && ins.some((t) => t.node.op.name === "conv2d"));
}

/** (conv + bias) · scale + shift → conv · scale + (bias · scale + shift). */
function collapsed({ base, scale, shift }: Affine): Tensor {
  const { ins: [x, w, bias], attrs } = base.node;
  const bare = bias ? conv2d(x, w, attrs) : base;
  const own = bias && reshape(bias, { shape: [1, base.shape[1], 1, 1] });
  const moved = own && scale ? mul(own, scale) : own;
  const sum = moved && shift ? add(moved, shift) : moved ?? shift;
  const scaled = scale ? mul(bare, scale) : bare;
  return sum ? add(scaled, sum) : scaled;
}
