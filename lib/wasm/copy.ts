/**
 * Copies between slots as kernels, in pieces that threads share.
 * @module
 */
import { countedLoop, type WasmKernel } from "../../kernels/wasm/kernel.ts";
import type { Plan, Step } from "../core/plan.ts";

/** Bytes of a unit. */
const piece = 1 << 16;

/** The kernel of a copy. */
export function copyKernel(plan: Plan, step: Step): WasmKernel {
  if (step.kind !== "copy") throw new TypeError(`internal: no kernel was chosen for ${step.name}`);
  const { bytes } = plan.slots[step.from];
  const key = `copy ${bytes}`;
  return {
    key,
    name: "copy",
    units: Math.ceil(bytes / piece),
    cost: piece / 16,
    packs: [],
    write: (module) => {
      const address = module.features.wide ? "i64" as const : "i32" as const;
      return module.fn(key, "copy", ["i32", "i32", address, address], (code) => {
        const [first, end, from, to] = [0, 1, 2, 3];
        const unit = code.local("i32");
        const copied = (length: number) => {
          const body = code.piece();
          for (const pointer of [to, from]) {
            body.get(pointer);
            body.get(unit);
            body.toAddress();
            body.address(piece);
            body.mulAddress();
            body.addAddress();
          }
          body.address(length);
          body.op("memory.copy", 0, 0);
          return body;
        };
        const whole = Math.floor(bytes / piece);
        code.get(first);
        code.set(unit);
        // All that is whole of the range, then what is left at the end of the slot.
        const stop = code.local("i32");
        code.get(end);
        code.i32(whole);
        code.get(end);
        code.i32(whole);
        code.op("i32.lt_s");
        code.op("select");
        code.set(stop);
        countedLoop(code, unit, { local: stop }, 1, copied(piece));
        if (bytes % piece === 0) return;
        code.get(end);
        code.i32(whole);
        code.op("i32.gt_s");
        code.when(() => {
          code.i32(whole);
          code.set(unit);
          code.append(copied(bytes % piece));
        });
      });
    },
  };
}
