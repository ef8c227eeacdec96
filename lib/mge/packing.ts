/**
 * How files arrange the axes of images and kernels. A packing names the axes that are meant and the
 * order in which they stand: `nChwc` has blocks of channels, their number at the place of `C`, the
 * channels of one block at that of `c`. An axis that the order leaves out has extent 1.
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { pad } from "../ops/pad.ts";
import { reshape, transpose } from "../ops/shape.ts";

/** An arrangement of axes. */
export interface Packing {
  /** The axes that are meant, a letter each. */
  readonly axes: string;
  /** The axes as they stand; a capital counts blocks. */
  readonly order: string;
  /** Elements of a block. */
  readonly block: number;
}

function image(order: string, block: number = 1): Packing {
  return { axes: "nchw", order, block };
}

/** Arrangements of images by the format's name. */
export const imagePackings: Readonly<Record<string, Packing>> = {
  NCHW: image("nchw"),
  NHWC: image("nhwc"),
  NHWCD4: image("nhCwc", 4),
  NCHW4: image("nChwc", 4),
  NCHW8: image("nChwc", 8),
  NCHW32: image("nChwc", 32),
  NCHW64: image("nChwc", 64),
  NCHW44: image("nChwc", 4),
  NCHW44_DOT: image("nChwc", 4),
  NCHW88: image("nChwc", 8),
  CHWN4: image("Chwnc", 4),
};

const blocked = { dense: ["oIhwi"], grouped: ["goIhwi"] };
const doubly = { dense: ["Ohwio", "OIhwio"], grouped: ["Goihwg", "gOIhwio"] };

/** The orders that kernels have in a format; their lengths tell them apart. */
const kernels: Readonly<
  Record<string, { readonly dense: readonly string[]; readonly grouped: readonly string[] }>
> = {
  NCHW: { dense: ["oihw"], grouped: ["goihw"] },
  NHWC: { dense: ["ohwi"], grouped: ["gohwi"] },
  NHWCD4: { dense: ["Ohwio", "OhwIoi"], grouped: ["Gohwg", "gOhwio", "gOhwIoi"] },
  NCHW4: blocked,
  NCHW8: blocked,
  NCHW32: blocked,
  NCHW64: blocked,
  NCHW44: doubly,
  NCHW44_DOT: { dense: ["Ohwio", "OIhwoi"], grouped: ["Goihwg", "gOIhwoi"] },
  NCHW88: doubly,
  CHWN4: { dense: ["Ihwoi"], grouped: ["gIhwoi"] },
};

/** The arrangement of a kernel of so many axes; `undefined` if the format has none of that rank. */
export function kernelPacking(format: string, grouped: boolean, rank: number): Packing | undefined {
  const order = kernels[format]?.[grouped ? "grouped" : "dense"].find((o) => o.length === rank);
  if (order === undefined) return undefined;
  return { axes: grouped ? "goihw" : "oihw", order, block: imagePackings[format].block };
}

/** The shape of what is packed. */
export function packedShape(shape: readonly number[], p: Packing): readonly number[] {
  return [...p.order].map((letter) => {
    const extent = shape[p.axes.indexOf(letter.toLowerCase())];
    if (letter !== letter.toLowerCase()) return Math.ceil(extent / p.block);
    return isBlocked(p, letter) ? p.block : extent;
  });
}

/** Elements brought into an arrangement; zeros fill the last block. */
export function packed(x: Tensor, p: Packing): Tensor {
  if (p.order === p.axes) return x;
  const missing = x.shape.map((n, i) =>
    isBlocked(p, p.axes[i]) ? Math.ceil(n / p.block) * p.block - n : 0
  );
  const filled = missing.some((n) => n > 0)
    ? pad(x, { before: missing.map(() => 0), after: missing })
    : x;
  const parts = partsOf(p);
  const shape = parts.map((part) => {
    const extent = filled.shape[p.axes.indexOf(part.toLowerCase())];
    if (part !== part.toLowerCase()) return extent / p.block;
    return isBlocked(p, part) ? p.block : extent;
  });
  return transpose(reshape(filled, { shape }), { perm: [...p.order].map((a) => parts.indexOf(a)) });
}

/** Elements brought back from an arrangement, with what fills the last block. */
export function unpacked(y: Tensor, p: Packing): Tensor {
  if (p.order === p.axes) return y;
  const spread = transpose(y, { perm: partsOf(p).map((a) => p.order.indexOf(a)) });
  const extent = (letter: string) => {
    const at = p.order.indexOf(letter);
    return at < 0 ? 1 : y.shape[at];
  };
  const shape = [...p.axes].map((a) => extent(a) * (isBlocked(p, a) ? extent(a.toUpperCase()) : 1));
  return reshape(spread, { shape });
}

function isBlocked({ order }: Packing, letter: string): boolean {
  return order.includes(letter.toUpperCase());
}

/** The axes that stand in the order, each split into blocks and block where it is blocked. */
function partsOf(p: Packing): readonly string[] {
  return [...p.axes].filter((a) => p.order.includes(a)).flatMap((a) =>
    isBlocked(p, a) ? [a.toUpperCase(), a] : [a]
  );
}
