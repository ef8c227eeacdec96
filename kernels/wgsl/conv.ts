/**
 * Convolutions, channels first. A 1×1 convolution is a matrix product over its pixels; a depthwise
 * one has a kernel of its own; others are computed directly in register tiles on a software adapter
 * and as a product with shared tiles on a GPU.
 * @module
 */
import type { ConvForm } from "../../lib/core/form.ts";
import type { Limits, Variant } from "../../lib/core/target.ts";
import { asMatmul, isPointwise } from "./as_matmul.ts";
import { emitDepthwise } from "./conv_depthwise.ts";
import { type DirectVariant, emitDirect } from "./conv_direct.ts";
import type { WgslKernel } from "./kernel.ts";
import { emitMatmul, imagesFor, matmulVariants } from "./matmul.ts";

/** Variants for a convolution, best guess first; `constants` are operands that never change. */
export function convVariants(
  form: ConvForm,
  adapter: "software" | "gpu",
  constants: readonly number[] = [],
): readonly Variant[] {
  const product = () => productVariants(form, adapter, constants);
  const group = adapter === "software" ? 8 : 64;
  const images = imagesFor(form, [form.w], constants);
  const [height, width] = form.output;
  const taps = form.kernel[0] * form.kernel[1];
  if (form.inflate.some((i) => i > 1) || isPointwise(form)) return product();
  if (form.c === 1 && form.o === 1 && taps <= 49) {
    const tx = width < 8 ? 4 : 8;
    // Taller tiles read fewer rows twice, as long as there are enough of them.
    const strips = Math.ceil(width / tx) * form.n * form.g;
    const ty = Math.min(height, strips * height >= 4096 ? 8 : 4);
    const tile = { to: 1, tx, ty, across: false, group: 64, images };
    return [{ name: `depthwise${tx}x${ty}`, kernel: "depthwise", ...tile }];
  }
  if (adapter === "gpu") return product();
  if (form.c * (1 + form.kernel[0]) > 60_000) return product();
  const direct = (to: number, tx: number, ty: number): Variant => {
    const across = Math.ceil(width / tx) * Math.ceil(height / ty) < 64 && form.o > to;
    const name = `direct${to}x${tx}x${ty}${across ? "o" : ""}`;
    return { name, kernel: "direct", to, tx, ty, across, group, images };
  };
  const tx = Math.min(width, 4);
  // What is soon computed is rather compiled fast.
  const isLight = form.n * form.g * form.o * height * width * form.c * taps < 3e7;
  if (taps <= 9) {
    const ty = height === 1 || (isLight && form.stride[0] > 1 && taps > 1) ? 1 : 2;
    if (form.o <= 4) return [direct(4, tx, ty)];
    const [small, large] = [direct(8, tx, ty), direct(16, tx, ty)];
    return isLight || form.o < 16 ? [small, large] : [large, small];
  }
  return [direct(form.o <= 8 || isLight ? 8 : 16, width < 8 ? tx : 8, 1), direct(8, tx, 1)];
}

/** The kernel of a convolution. */
export function emitConv(form: ConvForm, variant: Variant, limits: Limits): WgslKernel {
  switch (variant.kernel) {
    case "depthwise":
      return emitDepthwise(form, variant as DirectVariant, limits);
    case "direct":
      return emitDirect(form, variant as DirectVariant, limits);
    default:
      return emitMatmul(asMatmul(form), variant, limits);
  }
}

/** Variants of a convolution as a product. */
function productVariants(
  form: ConvForm,
  adapter: "software" | "gpu",
  constants: readonly number[],
): readonly Variant[] {
  const product = asMatmul(form);
  const found = matmulVariants(product, adapter, constants);
  if (adapter === "gpu" || product.m < 16) return found;
  // One text for 1×1 layers of all sizes: few columns keep its compilation short.
  const tall = { ...found[0], name: "tile16x4", tm: 16, tn: 4, turn: false, clips: true };
  return found.length ? [tall, ...found] : found;
}
