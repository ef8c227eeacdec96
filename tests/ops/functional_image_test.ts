/**
 * Image geometry against what MegEngine itself computed, values and gradients.
 * @module
 */
import type { Tensor } from "../../lib/core/tensor.ts";
import { remap, warpAffine, warpPerspective } from "../../lib/ops/remap.ts";
import { resize } from "../../lib/ops/resize.ts";
import { type ColorMode, cvtColor } from "../../lib/ops/color.ts";
import { correlation, slidingWindow, slidingWindowTranspose } from "../../lib/ops/sliding.ts";
import { roiAlign } from "../../lib/ops/roi_align.ts";
import { roiPooling } from "../../lib/ops/roi_pool.ts";
import { transpose } from "../../lib/ops/shape.ts";
import type { Border, SampleOptions, Sampling } from "../../lib/ops/taps.ts";
import type { Pair } from "../../lib/ops/window_taps.ts";
import { agree, openCorpus, type Ours, type Recorded } from "./functional_corpus.ts";
import { assert, assertEquals } from "../std.ts";

type Kwargs = Recorded["kwargs"];

function sampling(k: Kwargs): SampleOptions {
  return {
    mode: (k.interp_mode ?? "linear") as Sampling,
    border: String(k.border_mode ?? "replicate").replace("_", "") as Border,
    value: (k.border_val ?? k.scalar ?? 0) as number,
  };
}

/** MegEngine's kernels for [n,h,w,c] round positions as OpenCV does. */
function laidOut(k: Kwargs, x: Tensor, run: (x: Tensor, parts: number) => Tensor): Tensor {
  if (k.format !== "NHWC") return run(x, 0);
  const image = transpose(x, { perm: [0, 3, 1, 2] });
  return transpose(run(image, 32), { perm: [0, 2, 3, 1] });
}

/** Recorded gradients that we do not follow, with the reason; the values are compared. */
const apart: Readonly<Record<string, string>> = {
  "vision.correlation.1": "MegEngine's gradient is not what its own values' differences give",
  "vision.correlation.2": "MegEngine's gradient is not what its own values' differences give",
};

/** MegEngine's modes say how many axes they are for. */
const modes: Readonly<Record<string, Sampling>> = {
  linear: "linear",
  bilinear: "linear",
  bicubic: "cubic",
  nearest: "nearest",
};

const ours: Readonly<Record<string, Ours>> = {
  "vision.interpolate": ({ inp }, k) =>
    resize(inp, {
      ...(k.size === undefined ? {} : { size: k.size as number[] }),
      ...(k.scale_factor === undefined ? {} : { scale: k.scale_factor as number }),
      mode: modes[k.mode as string],
      alignCorners: (k.align_corners ?? false) as boolean,
    }),
  "vision.roi_align": ({ inp, rois }, k) =>
    roiAlign(inp, rois, {
      size: k.output_shape as Pair,
      mode: (k.mode ?? "average") as "max",
      offset: k.aligned === false ? 0 : 0.5,
    }),
  "vision.roi_pooling": ({ inp, rois }, k) =>
    roiPooling(inp, rois, { size: k.output_shape as Pair, mode: (k.mode ?? "max") as "max" }),
  "vision.cvt_color": ({ inp }, k) => cvtColor(inp, { mode: k.mode as ColorMode, axis: 3 }),
  "vision.correlation": ({ data1, data2 }, k) =>
    correlation(data1, data2, {
      kernel: k.kernel_size as number | undefined,
      displacement: k.max_displacement as number | undefined,
      padding: k.pad_size as number | undefined,
    }),
  "nn.sliding_window": ({ inp }, k) =>
    slidingWindow(inp, {
      kernel: k.kernel_size as Pair,
      stride: k.stride as Pair | undefined,
      padding: k.padding as Pair | undefined,
    }),
  "nn.sliding_window_transpose": ({ inp }, k) =>
    slidingWindowTranspose(inp, {
      size: k.output_size as Pair,
      stride: k.stride as Pair | undefined,
    }),
  "vision.remap": ({ inp, map_xy }, k) => remap(inp, map_xy, sampling(k)),
  "vision.warp_affine": ({ inp, mat }, k) =>
    laidOut(
      k,
      inp,
      (x, parts) => warpAffine(x, mat, { size: k.out_shape as Pair, ...sampling(k), parts }),
    ),
  "vision.warp_perspective": ({ inp, mat }, k) =>
    laidOut(
      k,
      inp,
      (x, parts) => warpPerspective(x, mat, { size: k.out_shape as Pair, ...sampling(k), parts }),
    ),
};

Deno.test("image geometry agrees with MegEngine's recorded results", async (t) => {
  const corpus = await openCorpus();
  let seen = 0;
  for (const c of corpus.cases) {
    if (!ours[c.op]) continue;
    seen++;
    const one = apart[c.id] ? { ...c, grads: undefined } : c;
    await t.step(c.id, () => agree(corpus, one, ours[c.op]));
  }
  const known = new Set(corpus.cases.map((c) => c.op));
  for (const name of Object.keys(ours)) assert(known.has(name), `no case of ${name}`);
  assertEquals(seen, 37, "cases that were compared");
});
