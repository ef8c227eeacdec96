/**
 * Runs recorded cases through the import and compares what comes out with MegEngine's values.
 * @module
 */
import { type Host, hostFromBytes } from "../../lib/core/host.ts";
import { arg } from "../../lib/core/leaf.ts";
import { type DType, isFloat, sizeOf } from "../../lib/core/type.ts";
import { evaluate } from "../../lib/cpu/evaluate.ts";
import { arrayBytes } from "../../lib/io/bytes.ts";
import { type Imported, importModel } from "../../lib/mge/import.ts";
import { readModel } from "../../lib/mge/open_file.ts";
import type { CaseTensor, RecordedCase } from "../tools/unpack_cases.ts";

/** What became of a case. */
export interface Outcome {
  readonly name: string;
  readonly result: "agrees" | "differs" | "refused";
  /** Why it was refused, or which value differs. */
  readonly reason?: string;
  readonly error?: Error;
}

/** A recorded array as a host value. */
export function hostOf({ dtype, shape, bytes }: CaseTensor): Host {
  return hostFromBytes({ dtype: dtype as DType, shape }, bytes.slice());
}

/** The first difference between two values beyond a tolerance, in words. */
export function difference(
  got: Host,
  want: Host,
  { rtol, atol }: { readonly rtol: number; readonly atol: number },
): string | undefined {
  const flat = (shape: readonly number[]) => shape.length ? shape : [1];
  if (got.dtype !== want.dtype || String(flat(got.shape)) !== String(flat(want.shape))) {
    return `is ${got.dtype}[${got.shape}], wanted ${want.dtype}[${want.shape}]`;
  }
  for (let i = 0; i < sizeOf(want.shape); i++) {
    const [a, b] = [Number(got.data[i]), Number(want.data[i])];
    const near = Object.is(a, b) || a === b ||
      isFloat(want.dtype) && Math.abs(a - b) <= atol + rtol * Math.abs(b);
    if (!near) return `[${i}] is ${a}, wanted ${b}`;
  }
  return undefined;
}

/** The function of a case's file. */
export async function imported(one: RecordedCase): Promise<Imported> {
  const file = await readModel(arrayBytes(one.model));
  return await importModel(file.models[0], one.name);
}

/** Runs a case on the reference. */
export async function runCase(one: RecordedCase): Promise<Outcome> {
  const { name } = one;
  try {
    const model = await imported(one);
    const args = model.inputs.map((input, i) =>
      arg({ dtype: input.dtype as DType, shape: one.inputs[i].shape }, input.name)
    );
    const { outputs } = model.call(args);
    const given = new Map(args.map((t, i) => [t.node, hostOf(one.inputs[i])]));
    const values = await evaluate(outputs, given);
    for (const want of one.outputs) {
      const found = difference(values[want.position], hostOf(want), one.tolerance);
      if (found) return { name, result: "differs", reason: `${want.name} ${found}` };
    }
    return { name, result: "agrees" };
  } catch (error) {
    return { name, result: "refused", reason: (error as Error).message, error: error as Error };
  }
}
