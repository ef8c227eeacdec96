/**
 * What a plan says about its arguments: their types, and whose memory a result may take over.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import type { Host, Resident } from "../core/host.ts";
import type { Plan } from "../core/plan.ts";
import { printType, sameType } from "../core/type.ts";
import { slotLives } from "./memory.ts";

/** Throws where arguments are not those that the plan was made for. */
export function checkArgs(plan: Plan, args: readonly (Host | Resident)[]): void {
  if (args.length !== plan.args.length) {
    throw new ShapeError(
      `Cannot run with ${args.length} arguments: ${plan.args.length} are needed`,
    );
  }
  args.forEach((value, i) => {
    if (plan.args[i] < 0) return;
    const { type } = plan.slots[plan.args[i]];
    if (!sameType(value, type)) {
      throw new ShapeError(
        `Cannot run with argument ${i} of ${printType(value)}: the plan was made for ` +
          `${printType(type)}; stage the function again for this type`,
      );
    }
  });
}

/**
 * Which result takes over the buffer of which donated argument: the last step that reads the
 * argument comes before the first that writes the result. Within one step the two would overlap,
 * which browsers refuse; such arguments go back to the pool after the run instead. `isFit` compares
 * bytes.
 */
export function takeovers(
  plan: Plan,
  donate: readonly number[],
  isFit: (argument: number, result: number) => boolean,
): ReadonlyMap<number, number> {
  const lives = slotLives(plan.steps);
  const pairs = new Map<number, number>();
  const open = new Set(
    donate.filter((i) => plan.args[i] >= 0 && !plan.outs.includes(plan.args[i])),
  );
  for (const [id, slot] of plan.slots.entries()) {
    if (slot.kind !== "result" || pairs.has(slot.index)) continue;
    for (const arg of open) {
      const source = plan.args[arg];
      const isFree = (lives.get(source)?.to ?? -1) < (lives.get(id)?.from ?? Infinity);
      if (!isFree || !isFit(plan.slots[source].bytes, slot.bytes)) continue;
      pairs.set(slot.index, arg);
      open.delete(arg);
      break;
    }
  }
  return pairs;
}
