/**
 * The main job on real data: the digit network from function to graph, to numbers, to a file and
 * back, and one step of training beside MegEngine's own record of it.
 *
 * `deno task demo`, or `deno run -A examples/demo.ts [--device NAME] [--svg FILE]`.
 */
import { f32, key, load, named, open, read, stage, type Tensor, tensor, trace } from "@weft/weft";
import { loadParams, openSafetensors, writeNpy } from "@weft/weft/io";
import * as nn from "@weft/weft/nn";
import { type Batch, type Digits, digits, spec, trainStep } from "./digits.ts";
import { art, picture } from "./digits_picture.ts";

const here = new URL("./data/digits/", import.meta.url);
const option = (name: string) => {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
};
const say = (text = "") => console.log(text);
/** Runs some work and says what it took. */
const timed = async <T>(work: () => Promise<T>): Promise<[T, string]> => {
  const since = performance.now();
  return [await work(), `${(performance.now() - since).toFixed(0)} ms`];
};
const began = performance.now();

// The trained parameters, 50 real digits, and the device.
const trainingMode = nn.training(key(0));
const p = await loadParams(spec, new URL("net_init.safetensors", here));
const file = await openSafetensors(new URL("batch.safetensors", here));
const batch: Batch = { data: await leaf("data"), label: await leaf("label") };
await using device = await open((option("--device") ?? "auto") as "auto");
say(`device: ${device.name} (${device.description})`);

// 1. Stage the function: the graph is what remains of it.
const one = named("image", f32([1, 1, 28, 28]));
say("\nThe network staged for one image:");
say(String(stage(digits(p), [one])).split("\n").map((line) => `  ${line}`).join("\n"));

// 2. Run it.
const classify = trace(digits(p), { on: device, captureAsConst: true });
const batchwise = trace(
  ({ p, data }: { p: Digits; data: Tensor }) => digits(p, trainingMode)(data),
  { on: device },
);
const [scores, first] = await timed(async () => await read(await classify(batch.data)));
const [, again] = await timed(async () => await read(await classify(batch.data)));
const labels = (await read(batch.label)).data;
const found = argmaxOf(scores.data as Float32Array);
const right = found.filter((digit, i) => digit === labels[i]).length;
const pixels = (await read(batch.data)).data as Float32Array;
say(`\n50 digits read in ${first} the first time, ${again} the second: ${right} of 50 right with`);
say(
  "the running statistics that the file holds (recorded early in training); with the batch's own",
);
const own = argmaxOf((await read(await batchwise({ p, data: batch.data }))).data as Float32Array);
const rightOwn = own.filter((digit, i) => digit === labels[i]).length;
say(`statistics, as the network was trained, ${rightOwn} of 50:\n`);
say(art(pixels, own, labels, 10));
const svg = option("--svg");
if (svg) await Deno.writeTextFile(svg, picture(pixels, own, labels));

// 3. Write it as MegEngine files with embedded test cases, and read them back.
const folder = await Deno.makeTempDir();
const fifty = named("image", f32([50, 1, 28, 28]));
await Deno.writeFile(`${folder}/digits.npy`, writeNpy(await read(batch.data)));
for (const format of ["FBS_V2", "FBS"] as const) {
  const path = `${folder}/digits.${format}.mge`;
  const traced = trace(digits(p), { captureAsConst: true, recordOnly: true });
  const [info, took] = await timed(() =>
    traced.dump(path, {
      types: [fifty],
      format,
      inputData: [`${folder}/digits.npy`],
      keepParamName: true,
    })
  );
  say(
    `\n${format}: ${info.totBytes} bytes, ${info.nrOpr} operators, inputs ${info.inputs}, ` +
      `outputs ${info.outputs}, written in ${took}`,
  );
  await using model = await load(path, { on: device });
  const [output] = Object.values(await model({ image: batch.data }));
  const gap = largestGap((await read(output)).data as Float32Array, scores.data as Float32Array);
  const passed = (await Promise.all(model.testcases.map((c) => c.run()))).filter((r) => r.passed);
  const operators = Object.entries(model.operators).map(([type, n]) => `${type} ${n}`).join(", ");
  say(`  it holds ${model.params.length} parameters and ${operators}`);
  say(
    `  loaded back: ${passed.length} of ${model.testcases.length} embedded test cases pass; ` +
      `on the 50 digits it differs from the function by at most ${gap}`,
  );
}
await Deno.remove(folder, { recursive: true });

// 4. One step of training, beside MegEngine's own parameters after it.
const meta = JSON.parse(await Deno.readTextFile(new URL("meta.json", here)));
const step = trainStep(meta.sgd_lr, trainingMode, { on: device });
const [{ state, loss }, stepTook] = await timed(() => step({ p, opt: [] }, batch));
const got = (await read(loss)).data[0] as number;
say(
  `\none step of training in ${stepTook}: loss ${got.toFixed(6)}, MegEngine ${
    meta.loss.toFixed(6)
  }`,
);
const wanted = await loadParams(spec, new URL("net_updated.safetensors", here));
const gaps = await Promise.all(
  nn.namedLeaves(state.p).map(async ({ name, value }, i) => {
    const want = nn.namedLeaves(wanted)[i].value;
    const a = (await read(value)).data as Float32Array, b = (await read(want)).data as Float32Array;
    return { name, gap: largestGap(a, b) };
  }),
);
for (const { name, gap } of gaps) {
  say(`  ${name.padEnd(18)} differs by at most ${gap.toExponential(1)}`);
}
const most = Math.max(Math.abs(got - meta.loss), ...gaps.map(({ gap }) => gap));
say(`  largest difference ${most.toExponential(1)}, MegEngine's own tolerance 5e-5`);
say(`\nall of it in ${((performance.now() - began) / 1000).toFixed(1)} s`);
if (most > 5e-5 || rightOwn < 45) Deno.exit(1);

async function leaf(name: string): Promise<Tensor> {
  const source = file.tensors.get(name)!;
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.open()) chunks.push(chunk.slice());
  const bytes = await new Blob(chunks as BlobPart[]).arrayBuffer();
  return source.dtype === "i32"
    ? tensor(new Int32Array(bytes), source.shape)
    : tensor(new Float32Array(bytes), source.shape);
}

function argmaxOf(values: Float32Array): number[] {
  return Array.from({ length: values.length / 10 }, (_, i) => {
    const row = values.subarray(i * 10, i * 10 + 10);
    return row.indexOf(Math.max(...row));
  });
}

function largestGap(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

export type { Digits };
