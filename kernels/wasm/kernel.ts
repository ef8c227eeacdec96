/**
 * What a kernel of the WebAssembly target is: a function of a range of units and of addresses, which
 * does one step of a plan. Units are independent parts of the work, so that threads may share them
 * in any way without changing a result.
 * @module
 */
import type { Common } from "../../lib/core/form.ts";
import type { Scalar } from "../../lib/core/scalar.ts";
import { sizeOf } from "../../lib/core/type.ts";
import type { Code, Local } from "./code.ts";
import type { ModuleWriter } from "./module.ts";
import type { Packing } from "./packing.ts";
import { type Operand, rootScope, type Scope } from "./scope.ts";

/** A kernel. */
export interface WasmKernel {
  /** Equal kernels have equal keys. */
  readonly key: string;
  /** What it is called in a module's text. */
  readonly name: string;
  /** How many independent parts the work has. */
  readonly units: number;
  /** What one unit costs, about, in multiply-adds. */
  readonly cost: number;
  /** Operands that it reads packed, where they never change; others are as they lie. */
  readonly packs: readonly (Packing | undefined)[];
  /**
   * Bytes of memory that each thread needs for itself; an address of them comes last. The first word
   * is -1 when a step begins.
   */
  readonly scratch?: number;
  /**
   * The function in a module, by its index. Its parameters are the first unit and the one after the
   * last (i32), then the addresses of operands and results.
   */
  write(module: ModuleWriter): number;
}

/** The first parameters of a kernel's function. */
export const firstUnit: Local = 0;
export const endUnit: Local = 1;

/** Operands and results of a form, as the parameters of its function. */
export function operandsOf(form: Common): Operand[] {
  return [...form.ins, ...form.outs.map((o) => o.type)].map((type, i) => ({
    pointer: 2 + i,
    dtype: type.dtype,
    size: sizeOf(type.shape),
  }));
}

/** Writes a function whose body is written into an outermost block for these terms. */
export function kernelFunction(
  module: ModuleWriter,
  key: string,
  name: string,
  form: Common,
  terms: readonly Scalar[],
  write: (scope: Scope, code: Code, scratch: Local | undefined) => void,
  hasScratch: boolean = false,
): number {
  const operands = operandsOf(form);
  const address = module.features.wide ? "i64" as const : "i32" as const;
  const params = operands.map(() => address);
  const scratch = hasScratch ? 2 + operands.length : undefined;
  if (hasScratch) params.push(address);
  return module.fn(key, name, ["i32", "i32", ...params], (code) => {
    write(rootScope(code, module, operands, terms), code, scratch);
  });
}

/** A loop over `local` from what it holds up to `end`, in steps; `end` is a local or a number. */
export function countedLoop(
  code: Code,
  local: Local,
  end: { readonly local: Local } | number,
  step: number,
  body: Code,
): void {
  const pushEnd = () => typeof end === "number" ? code.i32(end) : code.get(end.local);
  code.get(local);
  pushEnd();
  code.op("i32.lt_s");
  code.when(() =>
    code.loop(() => {
      code.append(body);
      code.get(local);
      code.i32(step);
      code.op("i32.add");
      code.tee(local);
      pushEnd();
      code.op("i32.lt_s");
      code.op("br_if", 0);
    })
  );
}
