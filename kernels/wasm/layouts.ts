/**
 * What convolutions like to read and write: channels side by side, and zeros around the input, so
 * that a row of the kernel is one run of memory and no tap needs a question.
 * @module
 */
import type { ConvForm, Form, Margin } from "../../lib/core/form.ts";
import { coordsOf, linearOf } from "../../lib/core/index.ts";
import type { Load, Scalar } from "../../lib/core/scalar.ts";
import type { Layout } from "../../lib/core/target.ts";
import type { Type } from "../../lib/core/type.ts";
import { phasesOf } from "./products.ts";

/** The layouts of a form's operands and results; `isFree` says which can be chosen at no cost. */
export function layouts(
  form: Form,
  isFree: (index: number) => boolean,
): readonly (Layout | undefined)[] {
  const none = [...form.ins, ...form.outs].map(() => undefined);
  if (form.kind !== "conv") return none;
  const { x, w } = form;
  if (x.kind !== "load" || w.kind !== "load" || x.valid || w.valid) return none;
  if (form.ins[x.operand].dtype !== "f32") return none;
  if (isPlainProduct(form) && !isFree(x.operand) && !isFree(form.ins.length)) return none;
  const wishes: (Layout | undefined)[] = [...none];
  const isFilterGradient = isForKernel(form, x);
  // Channels of the input: of a group, else the groups; in the gradient for a kernel, its "images".
  const channels = isFilterGradient ? 0 : form.c > 1 ? 2 : 1;
  wishes[x.operand] = layoutOf(x, form.ins[x.operand], channels, marginsOf(form));
  if (isFilterGradient) {
    wishes[w.operand] = layoutOf(w, form.ins[w.operand], 1, undefined);
    return wishes;
  }
  const [out] = form.outs;
  wishes[form.ins.length] = channelsLast(
    coordsOf(out.index, out.type.shape),
    out.type,
    form.o > 1 ? 2 : 1,
  );
  return wishes;
}

/** True for the gradient of a kernel: what is summed over are images, and channels are the result's. */
function isForKernel(form: ConvForm, x: Load): boolean {
  const coords = coordsOf(x.index, form.ins[x.operand].shape);
  const find = (axis: number) =>
    coords.findIndex((c) =>
      [...linearOf(c).terms.values()].some(({ atom }) => atom.kind === "axis" && atom.axis === axis)
    );
  const [images, summed] = [find(0), find(2)];
  if (images >= 0 && summed >= 0) return summed < images;
  const taps = form.kernel[0] * form.kernel[1];
  return form.c === 1 && form.g === 1 && taps > form.output[0] * form.output[1];
}

/** A convolution that is a matrix product as its operands lie. */
function isPlainProduct(form: ConvForm): boolean {
  return form.g === 1 &&
    [0, 1].every((i) =>
      form.kernel[i] === 1 && form.stride[i] === 1 && form.inflate[i] === 1 && form.pad[i] === 0
    );
}

/** The zeros that a convolution reads around its rows and columns. */
function marginsOf(form: ConvForm): readonly [Margin, Margin] {
  const phases = phasesOf(form).filter(({ kernel }) => !kernel.includes(0));
  const around = (i: 0 | 1): Margin => {
    const each = phases.map(({ output, stride, kernel, dilate, pad, input }) => ({
      before: pad[i],
      after: (output[i] - 1) * stride[i] + (kernel[i] - 1) * dilate[i] - pad[i] - (input[i] - 1),
    }));
    return {
      before: Math.max(0, ...each.map(({ before }) => before)),
      after: Math.max(0, ...each.map(({ after }) => after)),
    };
  };
  return [around(0), around(1)];
}

function layoutOf(
  load: Load,
  type: Type,
  channels: number,
  margins: readonly [Margin, Margin] | undefined,
): Layout | undefined {
  const coords = coordsOf(load.index, type.shape);
  const found = channelsLast(coords, type, channels);
  if (!found || !margins) return found;
  const list = [...found.margins];
  for (const [i, margin] of margins.entries()) {
    const at = coords.findIndex((c) => c.kind === "axis" && c.axis === 3 + i);
    if (at >= 0) list[at] = margin;
    else if (margin.before + margin.after > 0) return undefined;
  }
  return { order: found.order, margins: list };
}

/** The axis that holds the channels comes last; the others keep their order. */
function channelsLast(coords: readonly Scalar[], type: Type, axis: number): Layout | undefined {
  const at = coords.findIndex((c) =>
    [...linearOf(c).terms.values()].some(({ atom }) => atom.kind === "axis" && atom.axis === axis)
  );
  // Without channels the order is as good as any.
  const last = at < 0 ? coords.length - 1 : at;
  const order = [...coords.keys()].filter((i) => i !== last);
  return {
    order: [...order, last],
    margins: type.shape.map(() => ({ before: 0, after: 0 })),
  };
}
