/**
 * Image geometry against what MegEngine itself computed, values and gradients.
 * @module
 */
import type { Tensor } from "../../lib/core/tensor.ts";
import { remap, warpAffine, warpPerspective } from "../../lib/ops/remap.ts";
import { resize } from "../../lib/ops/resize.ts";
import { transpose } from "../../lib/ops/shape.ts";
import type { Border, SampleOptions, Sampling } from "../../lib/ops/taps.ts";
import type { Pair } from "../../lib/ops/window.ts";
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
    await t.step(c.id, () => agree(corpus, c, ours[c.op]));
  }
  const known = new Set(corpus.cases.map((c) => c.op));
  for (const name of Object.keys(ours)) assert(known.has(name), `no case of ${name}`);
  assertEquals(seen, 20, "cases that were compared");
});
