/**
 * Elements put in other places, and channels weighed by their neighbours, against what MegEngine
 * itself computed, values and gradients.
 * @module
 */
import { diag, meshgrid, padEdge, pixelShuffle } from "../../lib/ops/arrange.ts";
import { iota } from "../../lib/ops/create.ts";
import { setIndex } from "../../lib/ops/indexing.ts";
import { pad } from "../../lib/ops/pad.ts";
import { localResponseNorm } from "../../lib/ops/response.ts";
import { assert, assertEquals } from "../std.ts";
import { agree, openCorpus, type Ours } from "./functional_corpus.ts";

const ours: Readonly<Record<string, Ours>> = {
  "diag": ({ inp }, k) => diag(inp, { k: k.k as number | undefined }),
  "meshgrid": (i, k) =>
    meshgrid([i["args.0"], i["args.1"]], { indexing: k.indexing as "ij" | undefined }),
  "nn.pixel_shuffle": ({ inp }, k) => pixelShuffle(inp, { factor: k.upscale_factor as number }),
  "nn.pad": ({ src }, k) => {
    const width = k.pad_width as readonly (readonly [number, number])[];
    const [before, after] = [0, 1].map((side) => width.map((pair) => pair[side]));
    const mode = k.mode as "reflect" | "replicate" | undefined;
    if (mode) return padEdge(src, { before, after, mode });
    return pad(src, { before, after, value: k.constant_value as number | undefined });
  },
  "scatter": ({ inp, index, source }, k) => {
    const places = index.shape.map((_, axis) =>
      axis === k.axis ? index : iota({ shape: index.shape, axis })
    );
    return setIndex(inp, places, source);
  },
  "nn.local_response_norm": ({ inp }, k) =>
    localResponseNorm(inp, {
      size: k.kernel_size as number | undefined,
      ...{ k: k.k as number | undefined, alpha: k.alpha as number | undefined },
      beta: k.beta as number | undefined,
    }),
};

Deno.test("rearranging agrees with MegEngine's recorded results", async (t) => {
  const corpus = await openCorpus();
  let seen = 0;
  for (const c of corpus.cases) {
    if (!ours[c.op]) continue;
    seen++;
    await t.step(c.id, () => agree(corpus, c, ours[c.op]));
  }
  const known = new Set(corpus.cases.map((c) => c.op));
  for (const name of Object.keys(ours)) assert(known.has(name), `no case of ${name}`);
  assertEquals(seen, 18, "cases that were compared");
});
