/**
 * Several kernels as one: the units of each follow those of the one before. They read the same
 * operands; where one is packed, its packings lie one behind the other.
 * @module
 */
import type { Code } from "./code.ts";
import { endUnit, firstUnit, type WasmKernel } from "./kernel.ts";
import { packedSize, type Packing } from "./packing.ts";

/** True if kernels agree on which operands are packed. */
export function packAlike(kernels: readonly WasmKernel[]): boolean {
  return kernels.every(({ packs }) =>
    packs.every((packing, i) => Boolean(packing) === Boolean(kernels[0].packs[i]))
  );
}

/** The kernels of a step with so many operands and results, one after another. */
export function sequenceKernel(
  name: string,
  kernels: readonly WasmKernel[],
  addresses: number,
): WasmKernel {
  const units = kernels.reduce((n, k) => n + k.units, 0);
  const scratch = Math.max(...kernels.map((k) => k.scratch ?? 0));
  const key = `sequence ${kernels.map((k) => k.key).join(" | ")}`;
  const packs = kernels[0].packs.map((packing, i): Packing | undefined =>
    packing && { kind: "several", parts: kernels.map((k) => k.packs[i]!) }
  );
  return {
    ...{ key, name, units, packs, ...(scratch ? { scratch } : {}) },
    cost: kernels.reduce((n, k) => n + k.units * k.cost, 0) / Math.max(1, units),
    write: (module) => {
      const functions = kernels.map((k) => k.write(module));
      const address = module.features.wide ? "i64" as const : "i32" as const;
      const count = addresses + (scratch ? 1 : 0);
      const params = new Array(count).fill(address);
      return module.fn(key, name, ["i32", "i32", ...params], (code) => {
        let start = 0;
        const offsets = packs.map(() => 0);
        kernels.forEach((kernel, k) => {
          const end = start + kernel.units;
          if (kernel.units > 0) {
            within(code, start, end, (pushRange) => {
              if (kernel.scratch) belongsTo(code, 2 + addresses, k);
              pushRange();
              for (let i = 0; i < addresses; i++) {
                code.get(2 + i);
                if (!offsets[i]) continue;
                code.address(offsets[i]);
                code.addAddress();
              }
              if (kernel.scratch) code.get(2 + addresses);
              code.call(functions[k]);
            });
          }
          start = end;
          kernel.packs.forEach((packing, i) => {
            if (packing) offsets[i] += packedSize(packing) * 4;
          });
        });
      });
    },
  };
}

/** What a thread copied for another part of the sequence is of no use to this one. */
function belongsTo(code: Code, scratch: number, part: number): void {
  code.get(scratch);
  code.memory("i32.load", 4);
  code.i32(part);
  code.op("i32.ne");
  code.when(() => {
    for (const [at, value] of [[0, -1], [4, part]]) {
      code.get(scratch);
      code.i32(value);
      code.memory("i32.store", at);
    }
  });
}

/** Does `body`, which can push it, where there is a range of units inside `start` to `end`. */
function within(
  code: Code,
  start: number,
  end: number,
  body: (pushRange: () => void) => void,
): void {
  const [lo, hi] = [code.local("i32"), code.local("i32")];
  bounded(code, firstUnit, start, "i32.gt_s", lo);
  bounded(code, endUnit, end, "i32.lt_s", hi);
  code.get(lo);
  code.get(hi);
  code.op("i32.lt_s");
  code.when(() =>
    body(() => {
      for (const local of [lo, hi]) {
        code.get(local);
        code.i32(start);
        code.op("i32.sub");
      }
    })
  );
}

/** The larger or the smaller of a local and a number. */
function bounded(
  code: Code,
  local: number,
  bound: number,
  better: "i32.gt_s" | "i32.lt_s",
  into: number,
): void {
  code.get(local);
  code.i32(bound);
  code.get(local);
  code.i32(bound);
  code.op(better);
  code.op("select");
  code.set(into);
}
