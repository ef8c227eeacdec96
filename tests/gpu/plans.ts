/**
 * Plans written by hand, with kernels of a few lines, so that the device room is tested by itself.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Form } from "../../lib/core/form.ts";
import type { Data } from "../../lib/core/host.ts";
import type { Plan, Slot, Step } from "../../lib/core/plan.ts";
import { constant } from "../../lib/core/index.ts";
import { bytesOf, f32, sizeOf, type Type } from "../../lib/core/type.ts";

/** A plan under construction. */
export interface Sketch {
  /** Adds a slot and gives its number. */
  arena(type: Type, offset: number, arena?: number): number;
  arg(type: Type): number;
  constant(type: Type, data: Data): number;
  result(type: Type): number;
  /** Adds a step. */
  kernel(kernel: WgslKernel, ins: readonly number[], outs: readonly number[], name?: string): void;
  copy(from: number, to: number): void;
  /** The plan and its kernels. */
  done(outs: readonly number[], arenas?: readonly number[]): {
    plan: Plan;
    kernels: (WgslKernel | undefined)[];
  };
}

/** Starts a plan. */
export function sketch(): Sketch {
  const slots: Slot[] = [];
  const steps: Step[] = [];
  const args: number[] = [];
  const kernels: (WgslKernel | undefined)[] = [];
  let results = 0;
  const add = (slot: Slot) => slots.push(slot) - 1;
  return {
    arena: (type, offset, arena = 0) =>
      add({ kind: "arena", type, bytes: bytesOf(type), arena, offset }),
    arg(type) {
      const id = add({ kind: "arg", type, bytes: bytesOf(type), index: args.length });
      args.push(id);
      return id;
    },
    constant: (type, data) => add({ kind: "constant", type, bytes: bytesOf(type), data }),
    result: (type) => add({ kind: "result", type, bytes: bytesOf(type), index: results++ }),
    kernel(kernel, ins, outs, name = "test") {
      const form: Form = {
        kind: "map",
        shape: slots[outs[0]].type.shape,
        ins: ins.map((id) => slots[id].type),
        outs: outs.map((id) => ({
          type: slots[id].type,
          index: constant(0),
          body: constant(0),
        })),
      };
      steps.push({ kind: "kernel", form, slots: [...ins, ...outs], name, sites: [new Error()] });
      kernels.push(kernel);
    },
    copy(from, to) {
      steps.push({ kind: "copy", from, to });
      kernels.push(undefined);
    },
    done(outs, arenas = []) {
      const memory = { lowerBound: 0, arenaBytes: 0, constantBytes: 0, resultBytes: 0 };
      return { plan: { arenas, slots, steps, args, outs, memory }, kernels };
    },
  };
}

/** A kernel over `n` elements whose result is an expression of `a` (and `b`) at `i` and of `p`. */
export function mapKernel(
  expression: string,
  n: number,
  operands: 1 | 2 = 1,
  params: readonly number[] = [],
): WgslKernel {
  const names = operands === 2 ? ["a", "b", "out"] : ["a", "out"];
  const bindings = names.map((name, i) =>
    `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<f32>;\n`
  );
  const text = `${bindings.join("")}
@group(0) @binding(${names.length}) var<uniform> p: array<vec4<i32>, 1>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= u32(p[0].x)) { return; }
  out[i] = ${expression};
}
`;
  return {
    text,
    params: [n, ...params, 0, 0, 0].slice(0, 4),
    workgroups: [Math.ceil(n / 64), 1, 1],
    bindings: names.length,
  };
}

/** A vector of f32 as a host value. */
export function vector(...values: number[]): { dtype: "f32"; shape: number[]; data: Float32Array } {
  return { dtype: "f32", shape: [values.length], data: new Float32Array(values) };
}

/** Steps of `out = a + 1`, as many as asked, through two alternating halves of an arena. */
export function chain(n: number, steps: number): ReturnType<Sketch["done"]> {
  const draft = sketch();
  const type = f32([n]);
  const half = Math.ceil(sizeOf(type.shape) * 4 / 256) * 256;
  const halves = [draft.arena(type, 0), draft.arena(type, half)];
  let from = draft.arg(type);
  const out = draft.result(type);
  for (let i = 0; i < steps; i++) {
    const to = i === steps - 1 ? out : halves[i % 2];
    draft.kernel(mapKernel("a[i] + 1.0", n), [from], [to], `add ${i}`);
    from = to;
  }
  return draft.done([out], [2 * half]);
}
