/**
 * Packing of operands into the layouts that a target asks for: constants once, when their bytes are
 * wanted; other operands by a kernel of their own before each use.
 * @module
 */
import type { Form, MapForm } from "../core/form.ts";
import {
  arrayOf,
  bytesIn,
  collect,
  type Host,
  isHost,
  isSource,
  type Source,
} from "../core/host.ts";
import { linearOf } from "../core/index.ts";
import { arg, constant } from "../core/leaf.ts";
import type { Prepack } from "../core/target.ts";
import type { Tensor } from "../core/tensor.ts";
import { sizeOf } from "../core/type.ts";
import { evaluateForm } from "../cpu/form.ts";
import type { Group } from "./fuse.ts";

/** Groups whose forms read packed operands where the target asks for them. */
export function prepacked(
  groups: readonly Group[],
  prepack: (form: Form) => Prepack | undefined,
): readonly Group[] {
  return groups.flatMap((group) => {
    const found = prepack(group.form);
    if (!found) return [group];
    const from = found.packs.map((i) => group.ins[i]);
    const kept = found.keeps.map((i) => group.ins[i]);
    const isConstant = from.every(({ node }) => isHost(node.data) || isSource(node.data));
    const packed = isConstant
      ? constant(packedSource(found.pack, from))
      : arg(found.pack.outs[0].type);
    const reads: Group = { ...group, ins: [...kept, packed], form: found.form };
    return isConstant
      ? [reads]
      : [{ nodes: group.nodes.slice(0, 1), ins: from, outs: [packed], form: found.pack }, reads];
  });
}

/** A constant that is packed when its bytes are asked for. */
function packedSource(pack: MapForm, from: readonly Tensor[]): Source {
  const { dtype, shape } = pack.outs[0].type;
  return {
    dtype,
    shape,
    async *open() {
      const values: Host[] = [];
      for (const { node: { data } } of from) {
        values.push(isSource(data) ? await collect(data) : data as Host);
      }
      const bytes = bytesIn((rearranged(pack, values) ?? evaluateForm(pack, values)[0]).data);
      const step = 1 << 22;
      for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
    },
  };
}

/** A pack that only moves elements, done by strides: a hundred times the interpreter's speed. */
function rearranged(pack: MapForm, [from]: readonly Host[]): Host | undefined {
  const { body, type } = pack.outs[0];
  if (body.kind !== "load" || body.valid || from.dtype !== type.dtype) return undefined;
  const { constant: base, terms } = linearOf(body.index);
  const strides = new Array<number>(pack.shape.length).fill(0);
  for (const { atom, coef } of terms.values()) {
    if (atom.kind !== "axis") return undefined;
    strides[atom.axis] = coef;
  }
  const data = arrayOf(type.dtype, sizeOf(pack.shape));
  let to = 0;
  const fill = (axis: number, at: number): void => {
    const extent = pack.shape[axis], stride = strides[axis];
    if (axis === pack.shape.length - 1) {
      for (let i = 0; i < extent; i++, at += stride) data[to++] = from.data[at];
    } else for (let i = 0; i < extent; i++, at += stride) fill(axis + 1, at);
  };
  fill(0, base);
  return { dtype: type.dtype, shape: [...type.shape], data };
}
