/**
 * Copies between slots as kernels, in pieces that threads share.
 * @module
 */
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
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
        const [start, length] = [code.local("i32"), code.local("i32")];
        code.get(first);
        code.i32(piece);
        code.op("i32.mul");
        code.set(start);
        // min(end · piece, bytes) − start
        code.get(end);
        code.i32(piece);
        code.op("i32.mul");
        code.tee(length);
        code.i32(bytes);
        code.get(length);
        code.i32(bytes);
        code.op("i32.lt_u");
        code.op("select");
        code.get(start);
        code.op("i32.sub");
        code.set(length);
        code.get(length);
        code.i32(0);
        code.op("i32.gt_s");
        code.when(() => {
          for (const pointer of [to, from]) {
            code.get(pointer);
            code.get(start);
            code.toAddress();
            code.addAddress();
          }
          code.get(length);
          code.toAddress();
          code.op("memory.copy", 0, 0);
        });
      });
    },
  };
}
