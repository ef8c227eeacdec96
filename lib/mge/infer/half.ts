/**
 * f16 between operators. The graph is staged once more with f16 in the place of f32, behind a
 * conversion of each argument and before one of each result, so that what cannot be written in f16
 * becomes what can by the same rules as ever.
 * @module
 */
import { type Graph, orderOf, resultsOf } from "../../core/graph.ts";
import { bytesIn, type Data, type Host, isHost, type Source } from "../../core/host.ts";
import { constant } from "../../core/leaf.ts";
import { apply, type Node, type Tensor } from "../../core/tensor.ts";
import { as } from "../../ops/select.ts";
import { graphOf } from "../../stage/stage.ts";
import { floatsOf } from "./floats.ts";
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
      for await (const floats of floatsOf(data)) yield bytesIn(halves(floats));
    },
  };
}

function halves(floats: Float32Array): Float16Array<ArrayBuffer> {
  const out = new Float16Array(floats);
  for (let i = 0; i < floats.length; i++) {
    const x = floats[i];
    if (Math.abs(x) > largest && Number.isFinite(x)) out[i] = Math.sign(x) * largest;
  }
  return out;
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
