/**
 * The WebGPU target: which kernels can compute a form, and their texts. Pure; what it must know of
 * the device comes as limits and as the class of the adapter.
 * @module
 */
import { type Form, generic } from "../../lib/core/form.ts";
import type { Limits, Target, Variant } from "../../lib/core/target.ts";
import { convVariants, emitConv } from "./conv.ts";
import type { WgslKernel } from "./kernel.ts";
import { emitMap, mapVariants } from "./map.ts";
import { emitMatmul, matmulVariants } from "./matmul.ts";
import { prepack } from "./prepack.ts";
import { emitReduce, reduceVariants } from "./reduce.ts";
import { emitRows, rowsVariants } from "./rows.ts";

/** The target for a device of these limits. */
export function wgsl(limits: Limits, adapter: "software" | "gpu"): Target<WgslKernel> {
  return {
    name: "wgsl",
    limits,
    variants: (form, constants = []) => variantsOf(form, limits, adapter, constants),
    prepack: adapter === "software" ? prepack : undefined,
    emit: (form, variant) => emitForm(form, variant, limits),
  };
}

function variantsOf(
  form: Form,
  limits: Limits,
  adapter: "software" | "gpu",
  constants: readonly number[],
): readonly Variant[] {
  switch (form.kind) {
    case "map":
      return mapVariants(form, adapter);
    case "reduce":
      return reduceVariants(form, adapter, limits);
    case "rows":
      return rowsVariants(form, adapter, limits, constants);
    case "matmul":
      return [...matmulVariants(form, adapter, constants), ...plain(form, limits, adapter)];
    case "conv":
      return [...convVariants(form, adapter, constants), ...plain(form, limits, adapter)];
    default:
      throw new TypeError(`internal: unknown form ${form satisfies never}`);
  }
}

/** The variants of the loop nest that a contraction means. */
function plain(form: Form, limits: Limits, adapter: "software" | "gpu"): readonly Variant[] {
  return variantsOf(generic(form), limits, adapter, []).map((variant) => ({
    ...variant,
    name: `generic-${variant.name}`,
    generic: true,
  }));
}

function emitForm(form: Form, variant: Variant, limits: Limits): WgslKernel {
  const one = variant.generic ? generic(form) : form;
  switch (one.kind) {
    case "map":
      return emitMap(one, variant, limits);
    case "reduce":
      return emitReduce(one, variant, limits);
    case "rows":
      return emitRows(one, variant, limits);
    case "matmul":
      return emitMatmul(one, variant, limits);
    case "conv":
      return emitConv(one, variant, limits);
    default:
      throw new TypeError(`internal: unknown form ${one satisfies never}`);
  }
}
