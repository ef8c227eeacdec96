/**
 * Images brought into a layout and out of it, as operators.
 * @module
 */
import type { Host, Source } from "../../core/host.ts";
import type { Emitter, Var } from "../emitter.ts";
import { member, part, reshape, table, transpose } from "../legal/steps.ts";
import { imagePackings, packedShape, type Packing } from "../packing.ts";

/** A layout of images. */
export interface Layout {
  /** The name that operators have for it. */
  readonly format: string;
  readonly packing: Packing;
  /** Tensors are OpenCL images, which constants must state. */
  readonly image: boolean;
}

/** The layout of a format of operators. */
export function layoutOf(format: string): Layout {
  return { format, packing: imagePackings[format], image: format === "NHWCD4" };
}

/** The axis whose rows an OpenCL image starts anew. */
export function alignAxisOf({ axes, order }: Packing): number {
  if (axes === "nchw") return 2;
  return order.startsWith("G") ? 1 : order.length - 2;
}

/** Modes of RelayoutFormat that lead from [n,c,h,w] into a format, and out of it. */
const ways: Readonly<Record<string, readonly [into: readonly string[], out: readonly string[]]>> = {
  NCHW4: [["NCHW_NCHW4"], ["NCHW4_NCHW"]],
  NCHW44: [["NCHW_NCHW4"], ["NCHW4_NCHW"]],
  NCHW88: [["NCHW_NCHW88"], ["NCHW88_NCHW"]],
  NCHW64: [["NCHW_NCHW64"], ["NCHW64_NCHW"]],
  CHWN4: [["NCHW_NCHW4", "NCHW4_CHWN4"], ["CHWN4_NCHW4", "NCHW4_NCHW"]],
  NHWCD4: [["NCHW_NHWCD4I"], ["NHWCD4I_NCHW"]],
};

/** True if an operator fills the last block of channels: on its CPU, MegEngine's does not for all. */
export function canFill({ dtype }: Var, { image }: Layout): boolean {
  return image || dtype === "f32" || dtype === "u8";
}

/** An image [n,c,h,w] in a layout. */
export function intoLayout(e: Emitter, x: Var, layout: Layout): Var {
  const { format, packing } = layout;
  const out = { dtype: x.dtype, shape: packedShape(x.shape, packing) };
  const [into] = ways[format] ?? [];
  if (!into) return spread(e, x, packing);
  return into.reduce((v, mode, i) => {
    const last = i === into.length - 1;
    const shape = last ? out.shape : packedShape(x.shape, imagePackings.NCHW4);
    return relayout(e, v, mode, { dtype: x.dtype, shape });
  }, x);
}

/** A packed image as [n,c,h,w], without what fills its last block. */
export function outOfLayout(e: Emitter, y: Var, layout: Layout, shape: readonly number[]): Var {
  const { format, packing } = layout;
  const channels = Math.ceil(shape[1] / packing.block) * packing.block;
  const whole = shape.with(1, channels);
  const [, out] = ways[format] ?? [];
  if (!out) return cut(e, gathered(e, y, whole), shape);
  const last = out[out.length - 1];
  const cuts = /^NCHW(4|64)_NCHW$/.test(last) && channels !== shape[1];
  const plain = out.reduce((v, mode) => {
    const type = mode === last
      ? { dtype: y.dtype, shape: cuts ? shape : whole }
      : { dtype: y.dtype, shape: packedShape(whole, imagePackings.NCHW4) };
    return relayout(e, v, mode, type, cuts && mode === last ? shape[1] : 0);
  }, y);
  return cuts ? plain : cut(e, plain, shape);
}

function relayout(
  e: Emitter,
  x: Var,
  mode: string,
  out: { readonly dtype: Var["dtype"]; readonly shape: readonly number[] },
  oc: number = 0,
): Var {
  const param = table("RelayoutFormat", { mode: member("RelayoutFormatV0Mode", mode), oc });
  return e.opr("RelayoutFormatV1", [param], [x], out);
}

/** Blocks of channels without an operator of their own: [n,c,h,w] → [n,C,c,h,w] → [n,C,h,w,c]. */
function spread(e: Emitter, x: Var, { block }: Packing): Var {
  const [n, c, h, w] = x.shape;
  return transpose(e, reshape(e, x, [n, c / block, block, h, w]), [0, 1, 3, 4, 2]);
}

function gathered(e: Emitter, y: Var, whole: readonly number[]): Var {
  return reshape(e, transpose(e, y, [0, 1, 4, 2, 3]), whole);
}

function cut(e: Emitter, x: Var, shape: readonly number[]): Var {
  return part(e, x, { begin: [0, 0, 0, 0], size: shape, step: [1, 1, 1, 1] });
}

/** The value of a constant. */
export function dataOf({ from: { tensor, host }, dtype, shape }: Var): Host | Source {
  return host ?? { dtype, shape, open: () => tensor!.value!.open() };
}
