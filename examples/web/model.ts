/**
 * The model file of the page and the digits to try it on. The trained parameters hold the running
 * statistics of a training that had only begun, with which the network reads 37 of the 50 digits; so
 * they are set first to the statistics of the 50 digits themselves, and it reads 49.
 * @module
 */
import { type Host, key, open, read, softmax, type Tensor, tensor, trace } from "@weft/weft";
import { loadParams, openSafetensors } from "@weft/weft/io";
import * as nn from "@weft/weft/nn";
import { type Digits, digits, inputs, spec } from "../digits.ts";

const data = new URL("../data/digits/", import.meta.url);

/** Real digits: images [n,1,28,28] with values k/256, and what they are. */
export interface Samples {
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array;
}

/** The fifty digits. */
export async function fiftyDigits(): Promise<Samples> {
  const { tensors } = await openSafetensors(new URL("batch.safetensors", data));
  const bytes = async (name: string) => {
    const chunks = await Array.fromAsync(tensors.get(name)!.open(), (chunk) => chunk.slice());
    return await new Blob(chunks as BlobPart[]).arrayBuffer();
  };
  return {
    images: new Float32Array(await bytes("data")),
    labels: new Int32Array(await bytes("label")),
  };
}

/** The trained parameters with the statistics of the digits. */
export async function parameters({ images }: Samples): Promise<Digits> {
  const p = await loadParams(spec, new URL("net_init.safetensors", data));
  await using on = await open("reference");
  // With momentum 0 the running statistics become the batch's own at once.
  const moved = trace(
    (image: Tensor) => nn.updated(p, digits(p, nn.training(key(0)), { momentum: 0 })(image)),
    { on },
  );
  const found = await moved(tensor(images, [images.length / 784, 1, 28, 28]));
  const values = new Map<string, Host>();
  for (const { name, value } of nn.namedLeaves(found)) values.set(name, await read(value));
  return nn.fill(spec, (name) => values.get(name)!);
}

/** Writes the model file: images to the probabilities of the ten digits. */
export async function writeModel(path: string, p: Digits): Promise<number> {
  const model = trace(
    (image: Tensor) => ({ probability: softmax(digits(p)(image)) }),
    { captureAsConst: true, recordOnly: true },
  );
  const { totBytes } = await model.dump(path, { types: inputs, format: "FBS_V2" });
  return totBytes;
}
