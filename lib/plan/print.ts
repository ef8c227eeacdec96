/**
 * The canonical text of a plan.
 * @module
 */
import { printForm } from "../core/form.ts";
import type { Plan, Slot } from "../core/plan.ts";
import { printType } from "../core/type.ts";

function printSlot(slot: Slot): string {
  const type = printType(slot.type);
  switch (slot.kind) {
    case "arena":
      return `${type} arena ${slot.arena}+${slot.offset}`;
    case "arg":
    case "result":
      return `${type} ${slot.kind} ${slot.index}`;
    case "constant":
      return `${type} constant`;
    default:
      throw new TypeError(`internal: unknown slot ${slot satisfies never}`);
  }
}

/** A plan as text: slots, then steps with their forms. */
export function printPlan(plan: Plan): string {
  const { arenaBytes, lowerBound, constantBytes, resultBytes } = plan.memory;
  const lines = [
    `plan arenas=${arenaBytes} lowerBound=${lowerBound} constants=${constantBytes} results=${resultBytes}`,
    ...plan.slots.map((slot, i) => `  $${i}: ${printSlot(slot)}`),
  ];
  for (const step of plan.steps) {
    if (step.kind === "copy") lines.push(`  copy $${step.from} -> $${step.to}`);
    else {
      lines.push(`  ${step.name}(${step.slots.map((id) => `$${id}`).join(", ")})`);
      lines.push(...printForm(step.form).split("\n").map((line) => `    ${line}`));
    }
  }
  return lines.join("\n");
}
