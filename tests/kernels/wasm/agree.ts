/**
 * Kernels of every variant that a form has, as WebAssembly, against the interpreter of forms. Bits
 * are the same however units are shared, and whether addresses have 32 bits or 64.
 * @module
 */
import type { Features } from "../../../kernels/wasm/module.ts";
import { wasm, wasmLimits } from "../../../kernels/wasm/target.ts";
import { printForm } from "../../../lib/core/form.ts";
import { bytesIn, type Host } from "../../../lib/core/host.ts";
import type { Variant } from "../../../lib/core/target.ts";
import { evaluateForm } from "../../../lib/cpu/form.ts";
import { difference, type FormCase, operandsOf } from "../../forms/values.ts";
import { fail } from "../../std.ts";
import { newRunner, sharesOf } from "./run_kernel.ts";

/** What is tried of a form: all, or what a long list of forms has time for. */
export type Thorough = "all" | "some";

const engines: readonly Features[] = [
  { madd: true, wide: false, shared: false },
  { madd: true, wide: true, shared: true },
  { madd: false, wide: false, shared: true },
  { madd: false, wide: true, shared: false },
];

/** A judge that runs every variant with the operands as they come, and with `constants` packed. */
export function wasmJudge(
  { constants = [1], thorough = "all", seen }: {
    readonly constants?: readonly number[];
    readonly thorough?: Thorough;
    /** Hears the name of each variant that ran. */
    readonly seen?: (variant: Variant) => void;
  } = {},
): (one: FormCase) => void {
  const target = wasm(wasmLimits(2 ** 32));
  const runner = newRunner();
  let turn = 0;
  return (one) => {
    const { form, tolerance = { rtol: 2e-6, atol: 1e-6 } } = one;
    const ins = operandsOf(one);
    const wanted = evaluateForm(form, ins);
    const there = constants.filter((i) => i < form.ins.length);
    const variants = [[], ...(there.length ? [there] : [])]
      .flatMap((list) => target.variants(form, list));
    // Tiles sum in the same order however they are split.
    const families = new Map<string, string>();
    for (const variant of variants) {
      seen?.(variant);
      const kernel = target.emit(form, variant);
      const shares = sharesOf(kernel.units);
      const tried = thorough === "all" ? engines : [engines[0], engines[1 + turn++ % 3]];
      for (const features of tried) {
        const { madd, wide } = features;
        const name = `${variant.name} of constants [${variant.constants}], ` +
          `${madd ? "fused" : "not fused"}, ${wide ? 64 : 32} bits`;
        const all = runner.run(form, kernel, features, ins, shares);
        const bad = difference(all[0], wanted, tolerance, one.signed);
        if (bad) fail(`${name}: ${bad}\n${printForm(form)}`);
        for (const [i, got] of all.entries()) {
          const family = `${variant.name.split("-")[0]} ${variant.constants} ${madd}`;
          const known = families.get(family) ?? bitsOf(all[0]);
          families.set(family, known);
          if (bitsOf(got) === known) continue;
          fail(
            `${name}: other bits when shared as ${JSON.stringify(shares[i])}\n${printForm(form)}`,
          );
        }
      }
    }
  };
}

function bitsOf(values: readonly Host[]): string {
  return values.map(({ data }) => bytesIn(data).toHex()).join();
}
