/**
 * Transposed convolution, which is the data gradient of a convolution, and convolution of signals,
 * which is that of images with one row.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { printType } from "../core/type.ts";
import type { Operand } from "../op/declare.ts";
import { add } from "./arithmetic.ts";
import { channels, conv2d, conv2dData, type ConvOptions, grouped } from "./conv.ts";
import { reshape } from "./shape.ts";
import type { Pair } from "./window_taps.ts";

/**
 * Transposed convolution (deconvolution) of x [n,c,h,w] with w [c,o/groups,kh,kw] or
 * [groups,c/groups,o/groups,kh,kw], plus a bias of o elements: oh = (h − 1)·stride − 2·padding +
 * (kh − 1)·dilation + 1 + outputPadding. Throws ShapeError if channels differ.
 */
export function convTranspose2d(
  x: Tensor,
  w: Tensor,
  options: ConvOptions & { readonly bias?: Tensor; readonly outputPadding?: Pair } = {},
): Tensor {
  const { bias, outputPadding = 0, ...rest } = options;
  const both = (value: Pair) => typeof value === "number" ? [value, value] : value;
  const [stride, padding, dilation, extra] = [
    rest.stride ?? 1,
    rest.padding ?? 0,
    rest.dilation ?? 1,
    outputPadding,
  ].map(both);
  const groups = rest.groups ?? (w.shape.length === 5 ? w.shape[0] : 1);
  const five = grouped(w.shape, groups);
  if (x.shape.length !== 4 || five.length !== 5 || five[0] * five[1] !== x.shape[1]) {
    throw located(
      new ShapeError(
        `Cannot transpose a convolution of x: ${printType(x)} with w: ${printType(w)}: x must be ` +
          `[n,c,h,w] and w [c,o/groups,kh,kw] with the same c and groups: ${groups}`,
      ),
      new Error("convTranspose2d"),
    );
  }
  const extents = [0, 1].map((i) =>
    (x.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + (five[3 + i] - 1) * dilation[i] + 1 +
    extra[i]
  );
  const out = conv2dData(w, x, { ...rest, shape: [x.shape[0], groups * five[2], ...extents] });
  return bias ? add(out, reshape(bias, { shape: channels(bias, out.shape[1]) })) : out;
}

/** Cross-correlation of x [n,c,l] with w [o,c/groups,k], plus a bias of o elements. */
export function conv1d(
  x: Tensor,
  w: Tensor,
  options: {
    readonly bias?: Operand;
    readonly stride?: number;
    readonly padding?: number;
    readonly dilation?: number;
    readonly groups?: number;
  } = {},
): Tensor {
  const { bias, stride = 1, padding = 0, dilation = 1, groups } = options;
  if (x.shape.length !== 3 || w.shape.length < 3) {
    throw located(
      new ShapeError(
        `Cannot convolve x: ${printType(x)} with w: ${printType(w)}: x must be [n,c,l] and w ` +
          "[o,c/groups,k]",
      ),
      new Error("conv1d"),
    );
  }
  const flat = (t: Tensor) =>
    reshape(t, { shape: [...t.shape.slice(0, -1), 1, t.shape[t.shape.length - 1]] });
  const out = conv2d(flat(x), flat(w), {
    ...(bias === undefined ? {} : { bias }),
    ...(groups === undefined ? {} : { groups }),
    stride: [1, stride],
    padding: [0, padding],
    dilation: [1, dilation],
  });
  return reshape(out, { shape: [...out.shape.slice(0, 2), out.shape[3]] });
}
