/**
 * Single kernels of contractions on a device against the interpreter of forms.
 * @module
 */
import type { WgslKernel } from "../../../kernels/wgsl/kernel.ts";
import type { Form } from "../../../lib/core/form.ts";
import type { Limits, Variant } from "../../../lib/core/target.ts";
import { evaluateForm } from "../../../lib/cpu/form.ts";
import { difference, values } from "../../forms/values.ts";
import { runKernel } from "../../gpu/run_contraction.ts";
import { assert } from "../../std.ts";

/** The limits for which kernels are emitted in tests. */
export const limits: Limits = {
  bindings: 8,
  bindingBytes: 2 ** 27,
  align: 256,
  workgroups: 65535,
  invocations: 256,
  sharedBytes: 16384,
  iterations: 60_000,
};

/** Fails unless a kernel of the form computes what the plain loop nest does. */
export async function agrees(
  device: GPUDevice,
  form: Form,
  variant: Variant,
  kernel: WgslKernel,
  tolerance: number = 1e-5,
): Promise<void> {
  const ins = form.ins.map((type, i) => values(type, i + 1));
  const actual = await runKernel(device, kernel, form, ins);
  const near = { rtol: tolerance, atol: tolerance };
  const bad = difference(actual, evaluateForm(form, ins), near);
  assert(!bad, `${variant.name}: ${bad}\n${kernel.text}`);
}
