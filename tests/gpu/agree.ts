/**
 * Kernels of every variant that a form has, on a device, against the interpreter of forms.
 * @module
 */
import { wgsl } from "../../kernels/wgsl/target.ts";
import { type Form, printForm } from "../../lib/core/form.ts";
import { arrayOf, type Host } from "../../lib/core/host.ts";
import { addressOf } from "../../lib/core/index.ts";
import { kindOf, type Scalar } from "../../lib/core/scalar.ts";
import { sizeOf, type Type } from "../../lib/core/type.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";
import { fail } from "../std.ts";
import type { Bench } from "./run_kernel.ts";

/** Values that look random and are the same in every run. */
export function values(type: Type, seed = 1): Host {
  const data = arrayOf(type.dtype, sizeOf(type.shape));
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const unit = (state >>> 8) / 2 ** 24;
    data[i] = type.dtype === "f32" || type.dtype === "f16"
      ? unit * 4 - 2
      : type.dtype === "bool"
      ? Number(unit > 0.5)
      : Math.floor(unit * 200) - (type.dtype.startsWith("u") ? 0 : 100);
  }
  return { ...type, data };
}

/** The element of an operand at coordinates. */
export function load(operand: number, type: Type, coords: readonly Scalar[]): Scalar {
  const index = addressOf(coords, type.shape);
  return { kind: "load", type: kindOf(type.dtype), operand, index };
}

/** Runs every variant of a form for both classes of adapter and compares with the interpreter. */
export async function agree(
  { limits, run }: Bench,
  form: Form,
  ins: readonly Host[],
  tolerance: { rtol: number; atol: number } = { rtol: 2e-6, atol: 1e-6 },
): Promise<void> {
  const wanted = evaluateForm(form, ins);
  const texts = new Set<string>();
  for (const adapter of ["software", "gpu"] as const) {
    const target = wgsl(limits, adapter);
    for (const variant of target.variants(form)) {
      const kernel = target.emit(form, variant);
      if (texts.has(kernel.text)) continue;
      texts.add(kernel.text);
      const found = await run(form, kernel, ins);
      wanted.forEach((want, k) => {
        const got = found[k].data;
        for (let i = 0; i < want.data.length; i++) {
          const [a, b] = [Number(got[i]), Number(want.data[i])];
          if (a === b || (a !== a && b !== b)) continue;
          if (Math.abs(a - b) <= tolerance.atol + tolerance.rtol * Math.abs(b)) continue;
          fail(
            `${variant.name}: result ${k}[${i}] is ${a}, not ${b}\n${
              printForm(form)
            }\n${kernel.text}`,
          );
        }
      });
    }
  }
}
