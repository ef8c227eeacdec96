/**
 * The WebAssembly target: which kernels can compute a form, and the functions they are. Pure; what
 * it must know of the engine comes as features when a module is written.
 * @module
 */
import {
  type ConvForm,
  type Form,
  generic,
  type MatmulForm,
  type ReduceForm,
} from "../../lib/core/form.ts";
import { axesOf, plusIndex, substitute, timesIndex } from "../../lib/core/index.ts";
import { s, type Scalar } from "../../lib/core/scalar.ts";
import type { Limits, Target, Variant } from "../../lib/core/target.ts";
import { contractKernel } from "./contract.ts";
import { type Contraction, contractionOf } from "./contraction.ts";
import type { WasmKernel } from "./kernel.ts";
import { depthwiseKernel, depthwiseOf } from "./depthwise.ts";
import { layouts } from "./layouts.ts";
import { mapKernel } from "./map.ts";
import { hasMargin, phasesOf } from "./products.ts";
import { reduceKernel } from "./reduce.ts";
import { rowsKernel } from "./rows.ts";
import { packAlike, sequenceKernel } from "./sequence.ts";

/** What bounds plans for WebAssembly; `bytes` is what one memory can hold. */
export function wasmLimits(bytes: number): Limits {
  return {
    // Parameters of a function; engines allow a thousand.
    ...{ bindings: 200, bindingBytes: bytes, align: 64, workgroups: 2 ** 30, invocations: 1 },
    ...{ sharedBytes: 0, iterations: Infinity },
  };
}

/** The target. */
export function wasm(limits: Limits): Target<WasmKernel> {
  const known = new WeakMap<Form, Map<string, Contraction | undefined>>();
  /** The normal form of a contraction, found once for choosing a kernel and for writing it. */
  const find: Find = (form, constants) => {
    let own = known.get(form);
    if (!own) known.set(form, own = new Map());
    const key = constants.join();
    if (!own.has(key)) own.set(key, contractionOf(form, constants));
    return own.get(key);
  };
  return {
    name: "wasm",
    limits,
    variants: (form, constants = []) => variantsOf(form, constants, find),
    layouts,
    emit: (form, variant) => emitForm(form, variant, find),
  };
}

type Find = (
  form: MatmulForm | ConvForm,
  constants: readonly number[],
) => Contraction | undefined;

function variantsOf(form: Form, constants: readonly number[], find: Find): readonly Variant[] {
  const list = constants.join();
  if (form.kind === "conv" && phasesOf(form).length > 1) {
    return [{ name: "phases", constants: list }];
  }
  if (form.kind === "conv" && depthwiseOf(form, constants)) {
    return [{ name: "depthwise", constants: list }];
  }
  if (form.kind === "matmul" || form.kind === "conv") {
    const found = find(form, constants);
    if (!found) return [{ name: "loops", constants: list }];
    const tiles: Variant = { name: "tiles", split: "auto", constants: list };
    return found.right.widths.length > 1
      ? [
        tiles,
        { name: "tiles-rows", split: "rows", constants: list },
        { name: "tiles-panels", split: "panels", constants: list },
      ]
      : [tiles];
  }
  return [{ name: "loops", constants: list }];
}

function emitForm(form: Form, variant: Variant, find: Find): WasmKernel {
  switch (form.kind) {
    case "map":
      return mapKernel(form, variant);
    case "reduce":
      return reduceKernel(form, variant);
    case "rows":
      return rowsKernel(form, variant);
    case "matmul":
    case "conv": {
      if (variant.name === "loops") return reduceKernel(loopNest(form), variant);
      const constants = String(variant.constants).split(",").filter(Boolean).map(Number);
      if (form.kind === "conv" && variant.name === "phases") {
        return phasesKernel(form, constants, find);
      }
      if (form.kind === "conv" && variant.name === "depthwise") {
        return depthwiseKernel(form, depthwiseOf(form, constants)!);
      }
      return contractKernel(form, find(form, constants)!, variant);
    }
    default:
      throw new TypeError(`internal: unknown form ${form satisfies never}`);
  }
}

/** The kernels of all phases; they pack an operand all or none of them. */
function phasesKernel(form: ConvForm, constants: readonly number[], find: Find): WasmKernel {
  const phases = phasesOf(form);
  const made = (own: readonly number[]) =>
    phases.map((phase) => emitForm(phase, variantsOf(phase, own, find)[0], find));
  const kernels = made(constants);
  return sequenceKernel(
    "conv_phases",
    packAlike(kernels) ? kernels : made([]),
    form.ins.length + form.outs.length,
  );
}

/** The plain loops of a contraction; zeros that lie around an input are read without a question. */
function loopNest(form: Form): ReduceForm {
  if (form.kind !== "conv" || !hasMargin(form)) return generic(form) as ReduceForm;
  const shape = [form.n, form.g, form.o, ...form.output];
  const over = [form.c, ...form.kernel];
  const [n, g, o, oh, ow] = axesOf(shape);
  const [c, kh, kw] = axesOf(over, 5);
  const x = substitute(form.x, [n, g, c, tap(form, 0, oh, kh), tap(form, 1, ow, kw)]);
  const w = substitute(form.w, [g, o, c, kh, kw]);
  const { ins, outs } = form;
  return { kind: "reduce", shape, over, combine: "sum", body: s.mul(x, w), ins, outs };
}

/** Where a tap of the kernel reads along an axis. */
function tap(form: ConvForm, i: 0 | 1, at: Scalar, k: Scalar): Scalar {
  const moved = plusIndex(timesIndex(at, form.stride[i]), timesIndex(k, form.dilate[i]));
  return plusIndex(moved, -form.pad[i]);
}
