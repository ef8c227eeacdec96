/**
 * Layouts of weights that a kernel reads several times faster: the terms of the weights become a
 * map that runs once where they are constant, or before each call, and the form reads its result.
 * @module
 */
import type { ConvForm, Form, MapForm } from "../../lib/core/form.ts";
import { addressOf, axesOf, substitute } from "../../lib/core/index.ts";
import { mapLeaves, type Scalar, walk } from "../../lib/core/scalar.ts";
import type { Prepack } from "../../lib/core/target.ts";
import type { Type } from "../../lib/core/type.ts";
import { stridedOf } from "./strides.ts";

/**
 * Packs the weights of a direct convolution as [g, c, kh, kw, o], so that output channels are read
 * in quads; `undefined` for other forms and where the weights already lie so.
 */
export function prepack(form: Form): Prepack | undefined {
  if (form.kind !== "conv" || !isDirect(form)) return undefined;
  const at = form.w.kind === "load" && !form.w.valid ? stridedOf(form.w.index) : undefined;
  if (at?.strides.get(1) === 1) return undefined;
  const { g, o, c, kernel } = form;
  const shape = [g, c, ...kernel, o];
  const [pg, pc, ph, pw, po] = axesOf(shape);
  const weights: Type = { dtype: form.w.type === "f32" ? "f32" : "i32", shape };
  const packs = operandsOf([form.w]);
  const pack: MapForm = {
    kind: "map",
    shape,
    ins: packs.map((i) => form.ins[i]),
    outs: [{
      type: weights,
      index: addressOf([pg, pc, ph, pw, po], shape),
      body: renumbered(substitute(form.w, [pg, po, pc, ph, pw]), packs),
    }],
  };
  const keeps = operandsOf([form.x, ...form.outs.map((out) => out.body)]);
  const [ag, ao, ac, ah, aw] = axesOf([g, o, c, ...kernel]);
  const packed: ConvForm = {
    ...form,
    ins: [...keeps.map((i) => form.ins[i]), weights],
    x: renumbered(form.x, keeps),
    w: {
      kind: "load",
      type: form.w.type,
      operand: keeps.length,
      index: addressOf([ag, ac, ah, aw, ao], shape),
    },
    outs: form.outs.map((out) => ({ ...out, body: renumbered(out.body, keeps) })),
  };
  return { pack, packs, form: packed, keeps };
}

/** True if the direct kernel computes it, with output channels enough for quads. */
function isDirect(form: ConvForm): boolean {
  return form.o >= 4 && form.inflate.every((i) => i === 1) &&
    (form.w.type === "f32" || form.w.type === "i32");
}

function operandsOf(terms: readonly Scalar[]): number[] {
  const found = new Set<number>();
  for (const term of terms) walk(term, (t) => t.kind === "load" && found.add(t.operand));
  return [...found].sort((a, b) => a - b);
}

/** A term whose loads name operands by their place in a list. */
function renumbered(term: Scalar, operands: readonly number[]): Scalar {
  return mapLeaves(term, (leaf) =>
    leaf.kind === "load"
      ? {
        ...leaf,
        operand: operands.indexOf(leaf.operand),
        index: renumbered(leaf.index, operands),
        valid: leaf.valid && renumbered(leaf.valid, operands),
      }
      : undefined);
}
