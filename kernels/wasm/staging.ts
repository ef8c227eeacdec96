/**
 * Staging: the panel of a right operand that changes from run to run is copied into memory of the
 * thread, row after row, before the tiles that read it.
 * @module
 */
import type { ValueType } from "./code.ts";
import type { SumLoop } from "./contraction.ts";
import type { ModuleWriter } from "./module.ts";
import { repeated } from "./tile.ts";

/** The function that copies a panel: parameters are where it lies and where it goes. */
export function stageFunction(
  module: ModuleWriter,
  sums: readonly SumLoop[],
  columnStep: number,
  width: number,
  columns: number,
): number {
  const address: ValueType = module.features.wide ? "i64" : "i32";
  const steps = sums.map(({ extent, b }) => [extent, b]);
  const key = `stage ${JSON.stringify(steps)} ${columnStep} ${width} ${columns}`;
  return module.fn(key, `stage_${width}`, [address, address], (code) => {
    const [from, to] = [0, 1];
    const value = code.local("v128");
    const move = (pointer: number, bytes: number) => {
      if (bytes === 0) return;
      code.get(pointer);
      code.address(bytes);
      code.addAddress();
      code.set(pointer);
    };
    const row = () => {
      for (let v = 0; v < width / 4; v++) {
        const there = Math.max(0, Math.min(4, columns - 4 * v));
        if (columnStep === 1) {
          code.get(from);
          code.memory("v128.load", 16 * v);
          code.set(value);
        } else {
          code.v128(new Uint8Array(16));
          code.set(value);
          for (let lane = 0; lane < there; lane++) {
            const offset = (4 * v + lane) * columnStep * 4;
            if (offset >= 0) code.get(from);
            else {
              code.get(from);
              code.address(offset);
              code.addAddress();
            }
            code.get(value);
            code.memory("v128.load32_lane", Math.max(0, offset), lane);
            code.set(value);
          }
        }
        code.get(to);
        code.get(value);
        code.memory("v128.store", 16 * v);
      }
      move(to, width * 4);
    };
    const levels = (index: number): void => {
      const { extent, b } = sums[index];
      repeated(code, extent, () => {
        if (index < sums.length - 1) {
          const inner = sums[index + 1];
          levels(index + 1);
          move(from, (b - inner.extent * inner.b) * 4);
        } else {
          row();
          move(from, b * 4);
        }
      });
    };
    levels(0);
  });
}
