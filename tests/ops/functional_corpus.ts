/**
 * MegEngine's own results (tests/data/functional): the cases of some operations, and the check of
 * a function of ours against their values and gradients within the recorded tolerances.
 * @module
 */
import { collect, type Host } from "../../lib/core/host.ts";
import { constant, mark } from "../../lib/core/leaf.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { isFloat } from "../../lib/core/type.ts";
import { evaluateNow } from "../../lib/cpu/evaluate.ts";
import { backward } from "../../lib/grad/vjp.ts";
import { zeros } from "../../lib/ops/create.ts";
import { openSafetensors, type Safetensors } from "../../lib/io/safetensors.ts";
import { assert, assertEquals } from "../std.ts";
import { worst } from "./case_values.ts";

interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** One recorded call of a MegEngine function. */
export interface Recorded {
  readonly id: string;
  readonly op: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly inputs: readonly { readonly name: string; readonly tensor: string }[];
  readonly outputs: readonly { readonly tensor: string }[];
  readonly tolerance: Tolerance;
  readonly cotangents?: readonly { readonly output: number; readonly tensor: string }[];
  readonly grads?: readonly { readonly name: string; readonly tensor: string | null }[];
  readonly grad_tolerance?: Tolerance;
  readonly note?: string;
}

/** The recorded calls and the file of their tensors. */
export interface Corpus {
  readonly cases: readonly Recorded[];
  readonly file: Safetensors;
}

/** Opens the corpus. */
export async function openCorpus(): Promise<Corpus> {
  const home = new URL("../data/functional/", import.meta.url);
  const packed = await Deno.readFile(new URL("cases.jsonl.gz", home));
  const lines = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(lines).text();
  const cases = text.trim().split("\n").map((line) => JSON.parse(line) as Recorded);
  const file = await openSafetensors(await Deno.readFile(new URL("tensors.safetensors", home)));
  return { cases, file };
}

/** One of ours under MegEngine's inputs, by name, and its keyword arguments. */
export type Ours = (
  inputs: Readonly<Record<string, Tensor>>,
  kwargs: Recorded["kwargs"],
) => Tensor | readonly Tensor[];

/** Fails unless values and gradients of ours agree with one recorded call. */
export async function agree(corpus: Corpus, c: Recorded, ours: Ours): Promise<void> {
  const read = (name: string) => collect(corpus.file.tensors.get(name)!);
  const inputs: Record<string, Tensor> = {};
  for (const { name, tensor } of c.inputs) {
    const leaf = constant(await read(tensor));
    inputs[name] = isFloat(leaf.dtype) ? mark(leaf) : leaf;
  }
  const outs = [ours(inputs, c.kwargs)].flat() as readonly Tensor[];
  assertEquals(outs.length, c.outputs.length, `${c.id}: number of results`);
  for (const [k, got] of evaluateNow(outs).entries()) {
    check(`${c.id} result ${k}`, got, await read(c.outputs[k].tensor), c.tolerance);
  }
  if (!c.grads || !c.cotangents) return;
  const cts: (Tensor | undefined)[] = outs.map(() => undefined);
  for (const { output, tensor } of c.cotangents) cts[output] = constant(await read(tensor));
  for (const { name, tensor } of c.grads) {
    const [found] = backward(outs, cts, [inputs[name]]);
    if (tensor === null) continue;
    const want = await read(tensor);
    const { dtype, shape } = inputs[name];
    // where nothing flows MegEngine has zeros
    const got = found ?? zeros(shape, dtype);
    check(`${c.id} gradient of ${name}`, evaluateNow([got])[0], want, c.grad_tolerance!);
  }
}

function check(what: string, got: Host, want: Host, tolerance: Tolerance): void {
  assertEquals(`${got.dtype}[${got.shape}]`, `${want.dtype}[${want.shape}]`, what);
  const bad = worst(got, want, tolerance.rtol, tolerance.atol);
  assert(!bad, `${what}: element ${bad?.index} is ${bad?.got}, MegEngine has ${bad?.want}`);
}
