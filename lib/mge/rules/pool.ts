/**
 * Pooling over windows of images [n,c,h,w].
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { div } from "../../ops/arithmetic.ts";
import { full } from "../../ops/create.ts";
import { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, maxPool2d } from "../../ops/pool.ts";
import { windowPlace, windowSpread, windowSum } from "../../ops/window.ts";
import { member, pairOf, refused, type Rule, type Rules, shapeIn, type Site } from "../rule.ts";

function dense(site: Site): void {
  const format = member(site, "format");
  if (format !== "NCHW") {
    throw refused(site, `its images are of format ${format}, only NCHW is read`);
  }
}

function windows(site: Site) {
  dense(site);
  return {
    kernel: pairOf(site, "window"),
    stride: pairOf(site, "stride"),
    padding: pairOf(site, "pad"),
  };
}

const pooling: Rule = (site) => {
  const [x] = site.ins;
  const at = windows(site);
  if (member(site, "mode") === "MAX") return [maxPool2d(x, at)];
  return [avgPool2d(x, { ...at, countIncludePad: member(site, "mode") === "AVERAGE" })];
};

/** Operands: the image, the pooled image, the cotangent of the latter. */
const poolingBackward: Rule = (site) => {
  const [x, out, ct] = site.ins;
  const at = windows(site);
  const { shape } = x;
  switch (member(site, "mode")) {
    case "MAX":
      return [windowPlace(x, out, ct, at)];
    case "AVERAGE":
      return [windowSpread(div(ct, at.kernel[0] * at.kernel[1]), { ...at, shape })];
    default: {
      const counts: Tensor = windowSum(full(shape, 1, x.dtype), at);
      return [windowSpread(div(ct, counts), { ...at, shape })];
    }
  }
};

const adaptive: Rule = (site) => {
  dense(site);
  const [h, w] = shapeIn(site, 1);
  const size = [h, w] as const;
  return [
    member(site, "mode") === "MAX"
      ? adaptiveMaxPool2d(site.ins[0], { size })
      : adaptiveAvgPool2d(site.ins[0], { size }),
  ];
};

/** Rules of pooling. */
export const poolRules: Rules = {
  PoolingV1: pooling,
  PoolingBackwardV1: poolingBackward,
  AdaptivePoolingV1: adaptive,
};
