/**
 * Dumps a model of 4 GiB of parameters, made on the fly, as V1 to a disk: prints the rate and the
 * most memory that the process held. `deno run -A bench/dump_large.ts [GIBIBYTES] [PATH]`.
 * @module
 */
import type { Source } from "../lib/core/host.ts";
import { constant } from "../lib/core/leaf.ts";
import { f32 } from "../lib/core/type.ts";
import { add, type Tensor, trace } from "../mod.ts";

const gibibytes = Number(Deno.args[0] ?? 4);
const path = Deno.args[1] ?? await Deno.makeTempFile({ suffix: ".mge" });
const part = 2 ** 29;

/** Half a gibibyte of numbers, made a mebibyte at a time. */
function weights(seed: number): Source {
  return {
    ...f32([part / 4]),
    async *open() {
      const chunk = new Float32Array(1 << 18).fill(seed);
      for (let at = 0; at < part; at += chunk.byteLength) yield new Uint8Array(chunk.buffer);
    },
  };
}

const all = Array.from(
  { length: gibibytes * 2 },
  (_, i) => constant(weights(i), `layer${i}.weight`),
);
let most = 0;
const watch = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss), 20);
const model = (x: Tensor) => all.reduce((sum, w) => add(sum, w), x);
const began = performance.now();
const info = await trace(model, { captureAsConst: true, recordOnly: true })
  .dump(path, { types: [f32([part / 4])], format: "FBS", keepParamName: true });
const seconds = (performance.now() - began) / 1000;
clearInterval(watch);
console.log(
  `${info.totBytes} bytes in ${seconds.toFixed(1)} s, ${
    (info.totBytes / seconds / 1e6).toFixed(0)
  } MB/s, ` +
    `most memory ${(most / 2 ** 20).toFixed(0)} MiB`,
);
if (!Deno.args[1]) await Deno.remove(path);
