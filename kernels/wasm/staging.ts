/**
 * Staging: the panel of a right operand that changes from run to run is copied into memory of the
 * thread, row after row, before the tiles that read it.
 * @module
 */
import type { Code, Local, ValueType } from "./code.ts";
import type { SumLoop } from "./contraction.ts";
import type { ModuleWriter } from "./module.ts";
import { move, repeated } from "./tile.ts";
import { turn } from "./turned.ts";

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
      move(code, to, width * 4);
    };
    /** Four rows at once: four columns of four neighbours are turned in registers. */
    const fourRows = () => {
      const [a, b, c, d] = [0, 1, 2, 3].map(() => code.local("v128"));
      for (let v = 0; v < width / 4; v++) {
        const there = Math.max(0, Math.min(4, columns - 4 * v));
        [a, b, c, d].forEach((local, lane) => {
          if (lane < there) loadAt(code, from, (4 * v + lane) * columnStep * 4, "v128.load");
          else code.v128(new Uint8Array(16));
          code.set(local);
        });
        turn(code, [a, b, c, d]).forEach((value, r) => {
          code.get(to);
          code.get(value);
          code.memory("v128.store", r * width * 4 + 16 * v);
        });
      }
      move(code, to, 4 * width * 4);
      move(code, from, 16);
    };
    const levels = (index: number): void => {
      const { extent, b } = sums[index];
      if (index < sums.length - 1) {
        const inner = sums[index + 1];
        return repeated(code, extent, () => {
          levels(index + 1);
          move(code, from, (b - inner.extent * inner.b) * 4);
        });
      }
      const turned = b === 1 && columnStep !== 1 ? Math.floor(extent / 4) : 0;
      if (turned) repeated(code, turned, fourRows);
      if (extent - 4 * turned === 0) return;
      repeated(code, extent - 4 * turned, () => {
        row();
        move(code, from, b * 4);
      });
    };
    levels(0);
  });
}

/** Loads at an offset that may be negative. */
function loadAt(code: Code, from: Local, offset: number, name: "v128.load"): void {
  code.get(from);
  if (offset < 0) {
    code.address(offset);
    code.addAddress();
  }
  code.memory(name, Math.max(0, offset));
}
