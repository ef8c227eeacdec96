/**
 * Kernels of every variant that a form has, on a device, against the interpreter of forms.
 * @module
 */
import { wgsl } from "../../kernels/wgsl/target.ts";
import { printForm } from "../../lib/core/form.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";
import { difference, type Judge, operandsOf } from "../forms/values.ts";
import { fail } from "../std.ts";
import type { Bench } from "./run_kernel.ts";

/** Runs every variant of a form for both classes of adapter and compares with the interpreter. */
export function wgslJudge({ limits, run }: Bench): Judge {
  return async (one) => {
    const { form, tolerance = { rtol: 2e-6, atol: 1e-6 } } = one;
    const ins = operandsOf(one);
    const wanted = evaluateForm(form, ins);
    const texts = new Set<string>();
    for (const adapter of ["software", "gpu"] as const) {
      const target = wgsl(limits, adapter);
      for (const variant of target.variants(form)) {
        const kernel = target.emit(form, variant);
        if (texts.has(kernel.text)) continue;
        texts.add(kernel.text);
        const bad = difference(await run(form, kernel, ins), wanted, tolerance, one.signed);
        if (bad) fail(`${variant.name}: ${bad}\n${printForm(form)}\n${kernel.text}`);
      }
    }
  };
}
