/**
 * Clearing of the zeros around a value whose memory other values use as well: only what the kernels
 * leave out is written.
 * @module
 */
import type { Code, Local } from "../../kernels/wasm/code.ts";
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
import { countedLoop } from "../../kernels/wasm/kernel.ts";
import type { Margin } from "../core/form.ts";
import type { Plan, SlotId } from "../core/plan.ts";
import { itemBytes } from "../core/type.ts";
import { slotLives } from "../plan/memory.ts";

/** The slots with borders that other slots overlap in memory. */
export function sharedBorders(plan: Plan): ReadonlySet<SlotId> {
  const lives = slotLives(plan.steps);
  const found = new Set<SlotId>();
  plan.slots.forEach((slot, id) => {
    if (slot.kind !== "arena" || !slot.border || !lives.has(id)) return;
    const meets = plan.slots.some((other, k) =>
      k !== id && other.kind === "arena" && other.arena === slot.arena && lives.has(k) &&
      other.offset < slot.offset + slot.bytes && slot.offset < other.offset + other.bytes
    );
    if (meets) found.add(id);
  });
  return found;
}

/** The kernel that clears the border of a slot. */
export function borderKernel(plan: Plan, id: SlotId): WasmKernel {
  const { type: { shape, dtype }, border } = plan.slots[id];
  const key = `border ${shape} ${JSON.stringify(border)} ${dtype}`;
  const address = (wide: boolean) => wide ? "i64" as const : "i32" as const;
  return {
    ...{ key, name: "border", units: 1, cost: 0, packs: [] },
    write: (module) =>
      module.fn(key, "border", ["i32", "i32", address(module.features.wide)], (code) => {
        code.get(0);
        code.get(1);
        code.op("i32.lt_s");
        code.when(() => clear(code, shape, border!, itemBytes(dtype), 2));
      }),
  };
}

/** Clears the border of the value at an address, axis by axis. */
function clear(
  code: Code,
  shape: readonly number[],
  border: readonly Margin[],
  size: number,
  at: Local,
): void {
  if (!border.some(({ before, after }) => before + after > 0)) return;
  const inner = shape.slice(1).reduce((a, b) => a * b, size);
  const [{ before, after }] = border;
  const extent = shape[0] - before - after;
  const fill = (offset: number, bytes: number) => {
    if (bytes === 0) return;
    pushMoved(code, at, offset);
    code.i32(0);
    code.i32(bytes);
    code.toAddress();
    code.op("memory.fill", 0);
  };
  fill(0, before * inner);
  fill((before + extent) * inner, after * inner);
  if (!border.slice(1).some((m) => m.before + m.after > 0)) return;
  const [i, place] = [code.local("i32"), code.pointer()];
  pushMoved(code, at, before * inner);
  code.set(place);
  code.i32(0);
  code.set(i);
  const body = code.piece();
  clear(body, shape.slice(1), border.slice(1), size, place);
  pushMoved(body, place, inner);
  body.set(place);
  countedLoop(code, i, extent, 1, body);
}

function pushMoved(code: Code, at: Local, bytes: number): void {
  code.get(at);
  if (bytes === 0) return;
  code.address(bytes);
  code.addAddress();
}
