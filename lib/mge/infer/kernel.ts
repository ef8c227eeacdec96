/**
 * Which convolutions a format takes, and how their kernels stand in it: as MegEngine's own passes
 * choose, where its kernels would refuse the others.
 * @module
 */
import type { Drafted } from "../emitter.ts";
import type { Packing } from "../packing.ts";
import type { Layout } from "./relayout.ts";

/** The kernel of a convolution in a format. */
export interface KernelLayout {
  readonly packing: Packing;
  /** Extents that are filled up though no block divides them. */
  readonly least?: readonly number[];
  /** The image stays [n,c,h,w]: its channels fill no block, and only the result is packed. */
  readonly plainImage?: boolean;
}

/** How a convolution stands in a format; `undefined` if it does not. */
export function kernelFor(
  d: Drafted,
  { format, packing: { block } }: Layout,
  isPacked: boolean,
  fills: boolean,
): KernelLayout | undefined {
  const { sparse, dilate_h, dilate_w } = d.params[0].fields;
  const grouped = sparse === 1;
  const backwards = d.type === "ConvolutionBackwardDataV2";
  const { shape } = d.ins[backwards ? 0 : 1];
  const [g, o, i] = grouped ? shape : [1, ...shape];
  const whole = (n: number) => n % block === 0;
  const axes = grouped ? "goihw" : "oihw";
  const made = (order: string, more: Partial<KernelLayout> = {}): KernelLayout => ({
    packing: { axes, order, block },
    ...more,
  });
  if (format === "NHWCD4") {
    if (backwards) {
      return !grouped && d.ins.length === 2 && whole(o) && whole(i) ? made("Ohwio") : undefined;
    }
    if (!grouped) {
      const least = [o, Math.ceil(i / block) * block, ...shape.slice(2)];
      return whole(o) && (isPacked || whole(i) || fills) ? made("Ohwio", { least }) : undefined;
    }
    if (o === 1 && i === 1) return isPacked && whole(g) ? made("Gohwg") : undefined;
    return whole(o) && whole(i) ? made("gOhwio") : undefined;
  }
  if (backwards || dilate_h !== 1 || dilate_w !== 1) return undefined;
  if (format === "NCHW44" || format === "NCHW88") {
    if (grouped) {
      if (o === 1 && i === 1) return isPacked || whole(g) ? made("Goihwg") : undefined;
      return whole(o) && whole(i) ? made("gOIhwio") : undefined;
    }
    if (isPacked || whole(i)) return made("OIhwio");
    return i < block ? made("Ohwio", { plainImage: true }) : undefined;
  }
  // a block of four may be filled where an image has fewer channels
  const fits = whole(i) || (!grouped && block === 4 && i < block && fills);
  if (!whole(o) || !fits) return undefined;
  if (format === "CHWN4") return made(grouped ? "gIhwoi" : "Ihwoi");
  return made(grouped ? "goIhwi" : "oIhwi");
}
