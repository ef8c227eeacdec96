/**
 * What the steps of a plan do, for reports: the bytes they move and the arithmetic they make, as
 * their forms state it; a cache or a recomputation on the machine is not counted.
 * @module
 */
import { ownForm } from "../core/draft.ts";
import { type Form, generic } from "../core/form.ts";
import { orderOf } from "../core/graph.ts";
import type { Plan, Step } from "../core/plan.ts";
import type { Scalar } from "../core/scalar.ts";
import type { StepInfo } from "../core/target.ts";
import type { Node } from "../core/tensor.ts";
import { bytesOf, sizeOf } from "../core/type.ts";

/** Primitives of a value; those of addresses are not arithmetic that a user asked for. */
function operations(term: Scalar, seen: Set<Scalar> = new Set()): number {
  if (term.kind !== "call" || seen.has(term)) return 0;
  seen.add(term);
  return term.args.reduce((n, part) => n + operations(part, seen), 1);
}

/** Arithmetic operations of a form; a multiply-add is two, any other primitive one. */
export function flopsOf(form: Form): number {
  const after = form.outs.reduce((n, out) => n + operations(out.body), 0);
  switch (form.kind) {
    case "map":
      return sizeOf(form.shape) * after;
    case "reduce":
      return sizeOf(form.shape) * (sizeOf(form.over) * (1 + operations(form.body)) + after);
    case "rows": {
      const each = form.stages.reduce((n, { body }) => n + 1 + operations(body), after);
      return sizeOf(form.shape) * sizeOf(form.over) * each;
    }
    case "matmul":
      return sizeOf(form.batch) * form.m * form.n * (2 * form.k + after);
    case "conv": {
      const { shape, over } = generic(form) as {
        shape: readonly number[];
        over: readonly number[];
      };
      return sizeOf(shape) * (2 * sizeOf(over) + after);
    }
    default:
      throw new TypeError(`internal: unknown form ${form satisfies never}`);
  }
}

/** Arithmetic operations of one node by itself: those of its form, or of its composition. */
export function nodeFlops({ op, ins, attrs, outs }: Node): number {
  const form = ownForm(op, ins, attrs, outs);
  if (form) return flopsOf(form);
  if (!op.compose) return 0;
  const given = new Set(orderOf(ins));
  const inside = orderOf(op.compose(ins, attrs)).filter((node) => !given.has(node));
  return inside.filter(({ data }) => !data).reduce((n, node) => n + nodeFlops(node), 0);
}

/** The steps of a plan; `chosen` names the kernel of each and how it is dispatched. */
export function stepInfos(
  plan: Plan,
  chosen: (step: number) => Pick<StepInfo, "variant" | "dispatch"> = () => ({}),
): readonly StepInfo[] {
  return plan.steps.map((step, i) => ({ ...infoOf(plan, step), ...chosen(i) }));
}

function infoOf(plan: Plan, step: Step): StepInfo {
  const typeAt = (id: number) => plan.slots[id].type;
  if (step.kind === "copy") {
    const [from, to] = [typeAt(step.from), typeAt(step.to)];
    const bytes = bytesOf(from) + bytesOf(to);
    return { name: "copy", kind: "copy", sites: [], ins: [from], outs: [to], bytes, flops: 0 };
  }
  const { form, name, sites, slots } = step;
  const ins = slots.slice(0, form.ins.length).map(typeAt);
  const outs = slots.slice(form.ins.length).map(typeAt);
  const bytes = [...new Set(slots)].reduce((n, id) => n + bytesOf(typeAt(id)), 0);
  return { name, kind: form.kind, sites, ins, outs, bytes, flops: flopsOf(form) };
}
