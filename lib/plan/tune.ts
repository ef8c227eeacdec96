/**
 * Choosing kernels by measuring: each variant of a form runs by itself on the machine, and the
 * fastest is remembered under what it computes, so that a choice serves every plan and can be kept
 * for the next process.
 * @module
 */
import { printForm } from "../core/form.ts";
import { xxh64 } from "../core/hash.ts";
import type { Plan, Slot, Step } from "../core/plan.ts";
import type { TunedKernel, Tuning, Variant } from "../core/target.ts";

/** Chooses among variants. */
export interface Tuner {
  /** What was given and what was measured. */
  known(): Tuning;
  /** One variant a step, of those that can compute it; measured where nothing is known of it. */
  choose(
    plan: Plan,
    choices: readonly (readonly Variant[])[],
    measure: boolean,
  ): Promise<readonly (Variant | undefined)[]>;
}

/** Nanoseconds of a plan of one step with a variant. */
export type TimeOf = (
  alone: Plan,
  step: Step & { readonly kind: "kernel" },
  variant: Variant,
) => Promise<number>;

/** The tuner of a machine with some description, which starts with some choices. */
export function tunerOf(description: string, timeOf: TimeOf, given: Tuning = {}): Tuner {
  const known = new Map<string, TunedKernel>(Object.entries(given));

  async function measured(
    plan: Plan,
    step: Step & { readonly kind: "kernel" },
    variants: readonly Variant[],
  ): Promise<TunedKernel> {
    const ns: Record<string, number> = {};
    for (const variant of variants) {
      ns[variant.name] = await timeOf(stepAlone(plan, step), step, variant);
    }
    const [variant] = Object.keys(ns).sort((a, b) => ns[a] - ns[b]);
    return { variant, ns };
  }

  return {
    known: () => Object.fromEntries(known),
    async choose(plan, choices, measure) {
      const chosen: (Variant | undefined)[] = [];
      for (const [i, variants] of choices.entries()) {
        const step = plan.steps[i];
        if (variants.length < 2 || step.kind === "copy") {
          chosen.push(variants[0]);
          continue;
        }
        if (known.size === 0 && !measure) {
          chosen.push(variants[0]);
          continue;
        }
        const key = keyOf(description, step, variants);
        let found = known.get(key);
        if (!found && measure) known.set(key, found = await measured(plan, step, variants));
        chosen.push(variants.find(({ name }) => name === found?.variant) ?? variants[0]);
      }
      return chosen;
    },
  };
}

/** The device, what is computed, and what there was to choose from. */
function keyOf(
  description: string,
  step: Step & { readonly kind: "kernel" },
  variants: readonly Variant[],
): string {
  const text = printForm(step.form);
  const names = variants.map((v) => JSON.stringify(v)).join();
  const hash = xxh64(new TextEncoder().encode(`${text}\n${names}`), 0n).toString(16);
  return `${description}: ${text.slice(0, text.indexOf("\n"))} #${hash}`;
}

/** A plan of one step; what other steps gave comes as arguments, constants stay what they are. */
function stepAlone(plan: Plan, step: Step & { readonly kind: "kernel" }): Plan {
  const ids = [...new Set(step.slots)];
  const results = new Set(step.slots.slice(step.form.ins.length));
  const slots: Slot[] = [];
  const args: number[] = [];
  const outs: number[] = [];
  for (const id of ids) {
    const { type, bytes, ...slot } = plan.slots[id];
    if (results.has(id)) {
      outs.push(slots.push({ type, bytes, kind: "result", index: outs.length }) - 1);
    } else if (slot.kind === "constant") slots.push({ type, bytes, ...slot });
    else args.push(slots.push({ type, bytes, kind: "arg", index: args.length }) - 1);
  }
  const alone = { ...step, slots: step.slots.map((id) => ids.indexOf(id)) };
  const memory = { lowerBound: 0, arenaBytes: 0, constantBytes: 0, resultBytes: 0 };
  return { arenas: [], slots, steps: [alone], args, outs, memory };
}
