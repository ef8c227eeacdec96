/**
 * Sorting, selecting and indexing against what MegEngine itself computed, values and gradients.
 * @module
 */
import { collect } from "../../lib/core/host.ts";
import { constant } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { eq } from "../../lib/ops/compare.ts";
import { type Index, index, setIndex } from "../../lib/ops/indexing.ts";
import { nms } from "../../lib/ops/nms.ts";
import { any, mean } from "../../lib/ops/reduce.ts";
import { cumsum } from "../../lib/ops/scan.ts";
import { condTake } from "../../lib/ops/search.ts";
import { as } from "../../lib/ops/select.ts";
import { expandDims } from "../../lib/ops/shape.ts";
import { slice } from "../../lib/ops/slice.ts";
import { argsort, sort, topk } from "../../lib/ops/sort.ts";
import { agree, openCorpus, type Ours } from "./functional_corpus.ts";
import { assert, assertEquals } from "../std.ts";

/** MegEngine's index as ours. */
function items(list: unknown, inputs: Readonly<Record<string, Tensor>>): readonly Index[] {
  return (list as readonly unknown[]).map((item): Index => {
    if (typeof item === "number" || item === null || item === "...") return item;
    const { tensor, slice } = item as { tensor?: string; slice?: readonly (number | null)[] };
    if (tensor !== undefined) return inputs[tensor];
    const [begin, end, step] = slice!.map((n) => n ?? undefined);
    return [begin, end, step];
  });
}

/** How many boxes MegEngine kept: its result has that extent, ours has room for `maxOutput`. */
const kept: Readonly<Record<number, number>> = { 8: 7, 15: 11, 6: 6 };

const ours: Readonly<Record<string, Ours>> = {
  "cumsum": ({ inp }, k) => cumsum(inp, { axis: k.axis as number }),
  "argsort": ({ inp }, k) => argsort(inp, { descending: k.descending as boolean | undefined }),
  "sort": ({ inp }, k) => {
    const { values, indices } = sort(inp, { descending: k.descending as boolean | undefined });
    return [values, indices];
  },
  "topk": ({ inp }, k) => {
    const { values, indices } = topk(inp, {
      k: k.k as number,
      descending: k.descending as boolean | undefined,
      kthOnly: k.kth_only as boolean | undefined,
      noSort: k.no_sort as boolean | undefined,
    });
    return [values, indices];
  },
  "cond_take": ({ mask, x }) => {
    const { values, indices } = condTake(x, mask);
    return [values, indices];
  },
  "vision.nms": ({ boxes, scores }, k) => {
    const { indices, count } = nms(boxes, scores, {
      iouThresh: k.iou_thresh as number,
      maxOutput: (k.max_output ?? undefined) as number | undefined,
    });
    const n = kept[boxes.shape[0]];
    assertEquals(Number(evaluateNow([count])[0].data[0]), n);
    return slice(indices, [0, n]);
  },
  "Tensor.__getitem__": (inputs, k) => index(inputs.self, items(k.index, inputs)),
  "Tensor.__setitem__": (inputs, k) => setIndex(inputs.self, items(k.index, inputs), inputs.value),
  "metric.topk_accuracy": ({ logits, target }, k) =>
    [k.topk as number | number[]].flat().map((n) => {
      const { indices } = topk(logits, { k: n });
      return mean(as(any(eq(indices, expandDims(target, { axis: 1 })), { axis: 1 }), "f32"));
    }),
};

/** Cases whose order is not stated: compared as sets by the test below. */
const unordered: ReadonlySet<string> = new Set(["topk.4"]);

Deno.test("sorting and selecting agree with MegEngine's recorded results", async (t) => {
  const corpus = await openCorpus();
  let seen = 0;
  for (const c of corpus.cases) {
    if (!ours[c.op] || unordered.has(c.id)) continue;
    seen++;
    await t.step(c.id, () => agree(corpus, c, ours[c.op]));
  }
  const known = new Set(corpus.cases.map((c) => c.op));
  for (const name of Object.keys(ours)) assert(known.has(name), `no case of ${name}`);
  assertEquals(seen, 42, "cases that were compared");
});

Deno.test("topk in any order takes the elements that MegEngine took", async () => {
  const corpus = await openCorpus();
  for (const id of unordered) {
    const c = corpus.cases.find((one) => one.id === id)!;
    const read = async (name: string) => await collect(corpus.file.tensors.get(name)!);
    const inp = constant(await read(c.inputs[0].tensor));
    const found = evaluateNow([ours[c.op]({ inp }, c.kwargs)].flat() as Tensor[]);
    for (const [k, got] of found.entries()) {
      const want = await read(c.outputs[k].tensor);
      const [rows, n] = got.shape;
      for (let r = 0; r < rows; r++) {
        const set = (data: ArrayLike<number>) =>
          Array.from(data).slice(r * n, (r + 1) * n).sort((a, b) => a - b);
        assertEquals(set(got.data), set(want.data), `${id} row ${r}`);
      }
    }
  }
});
