/**
 * The rows as ONNX models, as an exporter would write them: standard operators of set 17, NCHW,
 * weights as initializers, nothing folded or fused that the runtime does itself.
 *
 * @module
 */
import type { ConvRow, EncoderRow, NetRow, Row } from "./cases.ts";
import { bytesOf, float, integer, message, nested, type Part } from "./protobuf.ts";
import { values } from "./spec.ts";

/** The bytes of a row's model: input `x`, output `y`. */
export function modelOf(row: Row): Uint8Array<ArrayBuffer> {
  const graph = newGraph();
  for (const spec of row.weights) graph.constant(spec.name, spec.shape, values(spec));
  const last = build(row, graph);
  return bytesOf(message(
    integer(1, 8),
    nested(2, "bench"),
    nested(7, graph.finish(row, last)),
    nested(8, message(nested(1, ""), integer(2, 17))),
  ));
}

type Attrs = Readonly<Record<string, number | readonly number[]>>;

interface Graph {
  /** Adds a constant and gives its name. */
  constant(name: string, shape: readonly number[], data: Float32Array | BigInt64Array): string;
  /** Adds a scalar. */
  scalar(value: number): string;
  /** Adds an operator and gives the name of its result. */
  node(type: string, ins: readonly string[], attrs?: Attrs): string;
  /** The graph, its result renamed by an identity that the runtime removes. */
  finish(row: Row, last: string): Part;
}

/** Numbers of the format. */
const types = { float: 1, int64: 7 };
const kinds = { float: 1, integer: 2, integers: 7 };

function newGraph(): Graph {
  const nodes: Part[] = [];
  const constants: Part[] = [];
  const scalars = new Map<number, string>();
  const graph: Graph = {
    constant(name, shape, data) {
      const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      constants.push(message(
        ...shape.map((extent) => integer(1, extent)),
        integer(2, data instanceof Float32Array ? types.float : types.int64),
        nested(8, name),
        nested(9, bytes),
      ));
      return name;
    },
    scalar(value) {
      const known = scalars.get(value);
      if (known) return known;
      const name = graph.constant(`scalar${scalars.size}`, [], new Float32Array([value]));
      scalars.set(value, name);
      return name;
    },
    node(type, ins, attrs = {}) {
      const out = `t${nodes.length}`;
      nodes.push(nodeOf(type, ins, out, attrs));
      return out;
    },
    finish(row, last) {
      return message(
        ...[...nodes, nodeOf("Identity", [last], "y", {})].map((node) => nested(1, node)),
        nested(2, row.name),
        ...constants.map((constant) => nested(5, constant)),
        nested(11, declared("x", row.input.shape)),
        nested(12, declared("y", row.output)),
      );
    },
  };
  return graph;
}

function nodeOf(type: string, ins: readonly string[], out: string, attrs: Attrs): Part {
  return message(
    ...ins.map((name) => nested(1, name)),
    nested(2, out),
    nested(3, `${type} ${out}`),
    nested(4, type),
    ...Object.entries(attrs).map(([name, value]) => nested(5, attribute(name, value))),
  );
}

/** `epsilon` is the one attribute here that is no integer. */
function attribute(name: string, value: number | readonly number[]): Part {
  if (typeof value !== "number") {
    const all = value.map((v) => integer(8, v));
    return message(nested(1, name), ...all, integer(20, kinds.integers));
  }
  return name === "epsilon"
    ? message(nested(1, name), float(2, value), integer(20, kinds.float))
    : message(nested(1, name), integer(3, value), integer(20, kinds.integer));
}

function declared(name: string, shape: readonly number[]): Part {
  const extents = shape.map((extent) => nested(1, integer(1, extent)));
  const tensor = message(integer(1, types.float), nested(2, message(...extents)));
  return message(nested(1, name), nested(2, nested(1, tensor)));
}

function build(row: Row, g: Graph): string {
  switch (row.kind) {
    case "matmul":
      return g.node("MatMul", ["x", "b"]);
    case "conv":
      return g.node("Conv", ["x", "w"], window(row));
    case "map": {
      const scaled = g.node("Mul", ["x", g.scalar(row.scale)]);
      return g.node("Relu", [g.node("Add", [scaled, g.scalar(row.shift)])]);
    }
    case "softmax":
      return g.node("Softmax", ["x"], { axis: -1 });
    case "layernorm":
      return g.node("LayerNormalization", ["x", "gamma", "beta"], {
        axis: -1,
        epsilon: row.epsilon,
      });
    case "encoder":
      return encoder(row, g);
    case "net":
      return net(row, g);
    default:
      return row satisfies never;
  }
}

function window(
  { kernel, stride, pad, groups }: Pick<ConvRow, "kernel" | "stride" | "pad" | "groups">,
): Attrs {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: groups,
  };
}

function encoder(row: EncoderRow, g: Graph): string {
  const { tokens, width, heads, epsilon } = row;
  const shape = (name: string, extents: readonly number[]) =>
    g.constant(name, [extents.length], BigInt64Array.from(extents.map(BigInt)));
  const apart = shape("apart", [1, tokens, heads, width / heads]);
  const together = shape("together", [1, tokens, width]);
  const norm = (x: string, i: number) =>
    g.node("LayerNormalization", [x, `g${i}`, `h${i}`], { axis: -1, epsilon });
  const dense = (x: string, name: string) =>
    g.node("Add", [g.node("MatMul", [x, `w${name}`]), `b${name}`]);
  const split = (x: string, perm: readonly number[]) =>
    g.node("Transpose", [g.node("Reshape", [x, apart])], { perm });
  const a = norm("x", 1);
  const q = split(dense(a, "q"), [0, 2, 1, 3]);
  const k = split(dense(a, "k"), [0, 2, 3, 1]);
  const v = split(dense(a, "v"), [0, 2, 1, 3]);
  const scores = g.node("Div", [g.node("MatMul", [q, k]), g.scalar(Math.sqrt(width / heads))]);
  const mixed = g.node("MatMul", [g.node("Softmax", [scores], { axis: -1 }), v]);
  const joined = g.node("Reshape", [
    g.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    together,
  ]);
  const x1 = g.node("Add", ["x", dense(joined, "o")]);
  const h = dense(norm(x1, 2), "1");
  const erf = g.node("Erf", [g.node("Div", [h, g.scalar(Math.SQRT2)])]);
  const gelu = g.node("Mul", [
    g.node("Mul", [h, g.node("Add", [erf, g.scalar(1)])]),
    g.scalar(0.5),
  ]);
  return g.node("Add", [x1, dense(gelu, "2")]);
}

function net(row: NetRow, g: Graph): string {
  const outputs: string[] = [];
  row.layers.forEach((layer, i) => {
    const x = layer.from < 0 ? "x" : outputs[layer.from];
    switch (layer.op) {
      case "conv": {
        const y = g.node("Conv", [x, `w${i}`, `b${i}`], window(layer));
        const sum = layer.add === undefined ? y : g.node("Add", [y, outputs[layer.add]]);
        outputs.push(
          layer.act === "relu"
            ? g.node("Relu", [sum])
            : layer.act === "relu6"
            ? g.node("Clip", [sum, g.scalar(0), g.scalar(6)])
            : sum,
        );
        break;
      }
      case "maxpool": {
        const { group: _, ...attrs } = window({ ...layer, groups: 1 });
        outputs.push(g.node("MaxPool", [x], attrs));
        break;
      }
      case "mean":
        outputs.push(g.node("Flatten", [g.node("GlobalAveragePool", [x])], { axis: 1 }));
        break;
      case "dense":
        outputs.push(g.node("Gemm", [x, `w${i}`, `b${i}`]));
        break;
      default:
        layer satisfies never;
    }
  });
  return outputs[outputs.length - 1];
}
