/**
 * f16 between operators. The graph is staged once more with f16 in the place of f32, behind a
 * conversion of each argument and before one of each result, so that what cannot be written in f16
 * becomes what can by the same rules as ever.
 * @module
 */
import { type Graph, orderOf, resultsOf } from "../../core/graph.ts";
import { bytesIn, type Data, type Host, isHost, isSource, type Source } from "../../core/host.ts";
import { constant } from "../../core/leaf.ts";
import { apply, type Node, type Tensor } from "../../core/tensor.ts";
import { as } from "../../ops/select.ts";
import { graphOf } from "../../stage/stage.ts";
import type { ListRule } from "./rewrite.ts";

/** The largest number of f16. Constants beyond it, such as those of masks, stop there. */
const largest = 65504;

/** A graph that computes in f16 between its arguments and its results. */
export function halved(graph: Graph): Graph {
  const made = new Map<Node, readonly Tensor[]>();
  const at = (t: Tensor) => made.get(t.node)![t.out];
  for (const node of orderOf(resultsOf(graph))) made.set(node, inHalves(node, node.ins.map(at)));
  const ends = resultsOf(graph).map((t) => t.node.ins.length ? as(at(t), t.dtype) : t);
  return graphOf(graph.args, ends, graph.names);
}

/** A node on operands that are f16 where they were f32. */
function inHalves(node: Node, ins: readonly Tensor[]): readonly Tensor[] {
  const { op, attrs, data, name, site } = node;
  const narrow = (t: Tensor, i: number) => node.outs[i].dtype === "f32" ? as(t, "f16") : t;
  if (data) return data.dtype === "f32" ? [constant(halfOf(data), name)] : node.results;
  if (ins.length === 0) return node.results.map(narrow);
  if (op.name === "cast") return [as(ins[0], attrs.dtype === "f32" ? "f16" : attrs.dtype)];
  const origin = { site, closed: !ins.some((t) => t.node.call?.live) };
  try {
    return apply(op, ins, attrs, origin).map(narrow);
  } catch {
    // an operation that knows no f16, such as one on the bits of a float
    const wide = ins.map((t, i) => as(t, node.ins[i].dtype));
    return apply(op, wide, attrs, origin).map(narrow);
  }
}

/** The same numbers as f16, converted as they are asked for where they are many. */
function halfOf(data: Data): Host | Source {
  const type = { dtype: "f16", shape: data.shape } as const;
  if (isHost(data)) return { ...type, data: halves(data.data as Float32Array) };
  return {
    ...type,
    async *open() {
      const chunks = isSource(data) ? data.open() : [bytesIn((await data.read()).data)];
      for await (const words of wholeWords(chunks)) yield bytesIn(halves(words));
    },
  };
}

function halves(floats: Float32Array): Float16Array<ArrayBuffer> {
  return Float16Array.from(
    floats,
    (x) => Number.isFinite(x) ? Math.min(largest, Math.max(-largest, x)) : x,
  );
}

/** Chunks of bytes as floats; what is left of a float waits for the next chunk. */
async function* wholeWords(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Float32Array> {
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const whole = bytes.length - bytes.length % 4;
    rest = bytes.slice(whole);
    if (whole) yield new Float32Array(bytes.buffer, 0, whole / 4);
  }
}

/** Operators on f16 that compute in f16 as well. */
export const computedInHalf: ListRule = (d, at) => {
  if (d.outs[d.main].dtype !== "f16") return undefined;
  const params = d.params.map((p) => {
    const { compute_mode, data_type } = p.fields;
    const fields = {
      ...p.fields,
      ...(compute_mode === undefined ? {} : { compute_mode: 0 }),
      ...(data_type === undefined ? {} : { data_type: 0 }),
    };
    return { ...p, fields };
  });
  const wide = d.params.some(({ fields }) => fields.compute_mode || fields.data_type);
  return wide ? at.e.adopt({ ...d, params }, d.ins.map(at.of), d.outs) : undefined;
};
