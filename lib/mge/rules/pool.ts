/**
 * Pooling over windows of images [n,c,h,w].
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { div } from "../../ops/arithmetic.ts";
import { full } from "../../ops/create.ts";
import { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, maxPool2d } from "../../ops/pool.ts";
import { windowPlace, windowSpread, windowSum } from "../../ops/window.ts";
import { imagePackings, packed, type Packing, unpacked } from "../packing.ts";
import { member, pairOf, refused, type Rule, type Rules, shapeIn, type Site } from "../rule.ts";

/** The packing of an operator's images. */
export function packingOf(site: Site): Packing {
  const format = member(site, "format");
  const packing = imagePackings[format];
  if (!packing || site.ins[0].shape.length !== packing.order.length) {
    throw refused(site, `its image is [${site.ins[0].shape}] of format ${format}`);
  }
  return packing;
}

function windows(site: Site) {
  return {
    kernel: pairOf(site, "window"),
    stride: pairOf(site, "stride"),
    padding: pairOf(site, "pad"),
  };
}

const pooling: Rule = (site) => {
  const packing = packingOf(site);
  const x = unpacked(site.ins[0], packing);
  const at = windows(site);
  const mode = member(site, "mode");
  const out = mode === "MAX"
    ? maxPool2d(x, at)
    : avgPool2d(x, { ...at, countIncludePad: mode === "AVERAGE" });
  return [packed(out, packing)];
};

/** Operands: the image, the pooled image, the cotangent of the latter. */
const poolingBackward: Rule = (site) => {
  const packing = packingOf(site);
  const [x, out, ct] = site.ins.map((t) => unpacked(t, packing));
  return [packed(towardsImage(site, x, out, ct), packing)];
};

function towardsImage(site: Site, x: Tensor, out: Tensor, ct: Tensor): Tensor {
  const at = windows(site);
  const { shape } = x;
  switch (member(site, "mode")) {
    case "MAX":
      return windowPlace(x, out, ct, at);
    case "AVERAGE":
      return windowSpread(div(ct, at.kernel[0] * at.kernel[1]), { ...at, shape });
    default: {
      const counts: Tensor = windowSum(full(shape, 1, x.dtype), at);
      return windowSpread(div(ct, counts), { ...at, shape });
    }
  }
}

const adaptive: Rule = (site) => {
  const packing = packingOf(site);
  const x = unpacked(site.ins[0], packing);
  const [h, w] = shapeIn(site, 1);
  const size = [h, w] as const;
  const pool = member(site, "mode") === "MAX" ? adaptiveMaxPool2d : adaptiveAvgPool2d;
  return [packed(pool(x, { size }), packing)];
};

/** Rules of pooling. */
export const poolRules: Rules = {
  PoolingV1: pooling,
  PoolingBackwardV1: poolingBackward,
  AdaptivePoolingV1: adaptive,
};
