/**
 * What convolutions like to read and write: channels side by side, and zeros around the input, so
 * that a row of the kernel is one run of memory and no tap needs a question.
 * @module
 */
import type { ConvForm, Form, Margin, MatmulForm } from "../../lib/core/form.ts";
import { coordsOf } from "../../lib/core/coords.ts";
import { linearOf } from "../../lib/core/index.ts";
import type { Load, Scalar } from "../../lib/core/scalar.ts";
import type { Layout, Placement } from "../../lib/core/target.ts";
import type { DType, Type } from "../../lib/core/type.ts";
import { phasesOf } from "./products.ts";

/** The layouts of a form's operands and results; `of` says what each may be. */
export function layouts(
  form: Form,
  of: (index: number) => Placement,
): readonly (Layout | undefined)[] {
  if (form.kind === "matmul") return ofMatmul(form, of);
  const none = [...form.ins, ...form.outs].map(() => undefined);
  if (form.kind !== "conv") return none;
  const { x, w } = form;
  if (!isPlain(x) || !isPlain(w)) return none;
  const wideX = wideOf(form.ins[x.operand].dtype);
  const wideW = wideOf(form.ins[w.operand].dtype);
  if (!wideX || !wideW) return none;
  const isFree = (i: number) => of(i) === "free";
  const wishes: (Layout | undefined)[] = [...none];
  const isFilterGradient = isForKernel(form, x);
  if (isPlainProduct(form) && !isFree(x.operand) && !isFree(form.ins.length)) {
    wishes[x.operand] = asWide(form.ins[x.operand], of(x.operand));
    wishes[w.operand] = asWide(form.ins[w.operand], of(w.operand));
    return wishes;
  }
  // Channels of the input: of a group, else the groups; in the gradient for a kernel, its "images".
  const channels = isFilterGradient ? 0 : form.c > 1 ? 2 : 1;
  wishes[x.operand] = layoutOf(x, form.ins[x.operand], channels, marginsOf(form));
  if (isFilterGradient) {
    wishes[w.operand] = layoutOf(w, form.ins[w.operand], 1, undefined);
    return wishes;
  }
  wishes[w.operand] = asWide(form.ins[w.operand], of(w.operand));
  const [out] = form.outs;
  wishes[form.ins.length] = channelsLast(
    coordsOf(out.index, out.type.shape),
    out.type,
    form.o > 1 ? 2 : 1,
    false,
  );
  return wishes;
}

function isPlain(term: Scalar): term is Load {
  return term.kind === "load" && !term.valid;
}

/** What tiles compute with: elements of four bytes, to which narrower ones are widened once. */
function wideOf(dtype: DType): "f32" | "i32" | undefined {
  if (dtype === "bool") return undefined;
  return dtype === "f32" || dtype === "f16" ? "f32" : "i32";
}

/** The order that a value has, widened where it is narrow; constants are when they are packed. */
function asWide({ dtype, shape }: Type, placement: Placement): Layout | undefined {
  const wide = wideOf(dtype);
  if (!wide || wide === dtype || placement === "constant") return undefined;
  return {
    order: [...shape.keys()],
    margins: shape.map(() => ({ before: 0, after: 0 })),
    dtype: wide,
  };
}

function ofMatmul(
  form: MatmulForm,
  of: (index: number) => Placement,
): readonly (Layout | undefined)[] {
  const wishes: (Layout | undefined)[] = [...form.ins, ...form.outs].map(() => undefined);
  if (!isPlain(form.a) || !isPlain(form.b) || form.k * form.n * form.m < tiny) return wishes;
  for (const { operand } of [form.a, form.b]) {
    wishes[operand] = asWide(form.ins[operand], of(operand));
  }
  return wishes;
}

/** Multiply-adds below which widening costs more than it brings. */
const tiny = 4096;

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
  const found = channelsLast(coords, type, channels, true);
  if (!found || !margins) return found;
  const list = [...found.margins];
  for (const [i, margin] of margins.entries()) {
    const at = coords.findIndex((c) => c.kind === "axis" && c.axis === 3 + i);
    if (at >= 0) list[at] = margin;
    else if (margin.before + margin.after > 0) return undefined;
  }
  return { ...found, margins: list };
}

/** The axis that holds the channels comes last; the others keep their order. */
function channelsLast(
  coords: readonly Scalar[],
  { dtype, shape }: Type,
  axis: number,
  widens: boolean,
): Layout | undefined {
  const at = coords.findIndex((c) =>
    [...linearOf(c).terms.values()].some(({ atom }) => atom.kind === "axis" && atom.axis === axis)
  );
  // Without channels the order is as good as any.
  const last = at < 0 ? coords.length - 1 : at;
  const order = [...coords.keys()].filter((i) => i !== last);
  const wide = widens ? wideOf(dtype) : undefined;
  return {
    order: [...order, last],
    margins: shape.map(() => ({ before: 0, after: 0 })),
    ...(wide && wide !== dtype ? { dtype: wide } : {}),
  };
}
