/**
 * A kernel as text, and the module that gathers its parts: parameter words, bindings and their
 * accessors, helper functions. Sizes and strides are parameters, so one text serves many steps.
 * @module
 */
import type { Limits } from "../../lib/core/target.ts";
import type { Type } from "../../lib/core/type.ts";
import { type Access, type Accessors, accessors } from "./storage.ts";
import { type Helper, helperText } from "./math.ts";

/** A kernel and how it is dispatched; equal texts share one pipeline. */
export interface WgslKernel {
  /** The WGSL; its entry point is `main`. */
  readonly text: string;
  /** The i32 words of the step's uniform block: a multiple of four, at least four. */
  readonly params: readonly number[];
  readonly workgroups: readonly [number, number, number];
  /**
   * Operands, then results: binding i of group 0, all `read_write` storage. The uniform block is
   * binding `bindings`, an `array<vec4<i32>, N>`.
   */
  readonly bindings: number;
  /** Operands that are bound as images instead, see `imageWidth`; absent: none. */
  readonly images?: readonly number[];
}

/** Invocations that one thread computes side by side: one, or four in a vec4. */
export type Width = 1 | 4;

/** A kernel being written. */
export interface Module {
  readonly ins: readonly Type[];
  readonly outs: readonly Type[];
  /** A fresh parameter word, as an i32 expression. */
  param(value: number): string;
  /** A fresh parameter word that holds a float, as an f32 expression. */
  paramF32(value: number): string;
  /** A fresh local name. */
  name(): string;
  /** The name of a helper function, which will be part of the text. */
  helper(name: Helper, width?: Width): string;
  /** Reads an element, or four from an address divisible by 4, as an expression of its kind. */
  load(operand: number, index: string, width?: Width): string;
  /** Writes an element, or four at an address divisible by 4, as a statement. */
  store(out: number, index: string, value: string, width?: Width): string;
  /** A module-level declaration, as of workgroup memory. */
  declare(text: string): void;
  /** The finished kernel. */
  finish(main: Main): WgslKernel;
}

/** What is left to say of a kernel once its body is written. */
export interface Main {
  /** Statements of the entry point, which see `gid`, `lid` and `wid` (vec3<u32>). */
  readonly body: readonly string[];
  readonly group: readonly [number, number, number];
  readonly workgroups: readonly [number, number, number];
  /** Upper bound of the loop iterations that one invocation makes. */
  readonly iterations: number;
}

/** An empty module for operands and results of these types. */
export function moduleOf(
  ins: readonly Type[],
  outs: readonly Type[],
  limits: Limits,
  images: readonly number[] = [],
): Module {
  const words: number[] = [];
  const helpers = new Map<string, string>();
  const declared: string[] = [];
  const used: (Accessors | undefined)[] = [];
  let names = 0;

  const param = (value: number) => {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
      throw new RangeError(`internal: a kernel parameter must be an i32, found ${value}`);
    }
    const at = words.push(value) - 1;
    return `p[${at >> 2}].${"xyzw"[at & 3]}`;
  };
  const access = (binding: number, what: Access) => {
    const type = binding < ins.length ? ins[binding] : outs[binding - ins.length];
    return (used[binding] ??= accessors(type.dtype, binding, images.includes(binding))).of(what);
  };
  const module: Module = {
    ins,
    outs,
    param,
    paramF32: (value) => `bitcast<f32>(${param(bitsOf(value))})`,
    name: () => `t${names++}`,
    helper(name, width = 1) {
      const full = `${name}${width}`;
      if (!helpers.has(full)) {
        helpers.set(full, "");
        // What a helper calls is placed before it, so that texts read from the ground up.
        const text = helperText(name, width, module.helper);
        helpers.delete(full);
        helpers.set(full, text);
      }
      return full;
    },
    load: (operand, index, width = 1) =>
      `${access(operand, width === 4 ? "load4" : "load1")}(${index})`,
    store: (out, index, value, width = 1) =>
      `${access(ins.length + out, width === 4 ? "store4" : "store1")}(${index}, ${value});`,
    declare: (text) => {
      declared.push(text);
    },
    finish({ body, group, workgroups, iterations }) {
      check(limits, ins.length + outs.length, group, workgroups, iterations);
      while (words.length === 0 || words.length % 4) words.push(0);
      const bindings = ins.length + outs.length;
      const views = Array.from({ length: bindings }, (_, i) => {
        const type = i < ins.length ? ins[i] : outs[i - ins.length];
        return (used[i] ?? accessors(type.dtype, i, images.includes(i))).text();
      });
      const text = [
        ...views,
        `@group(0) @binding(${bindings}) var<uniform> p: array<vec4<i32>, ${words.length / 4}>;`,
        ...declared,
        ...helpers.values(),
        `@compute @workgroup_size(${group.join(", ")})`,
        `fn main(@builtin(global_invocation_id) gid: vec3<u32>,`,
        `    @builtin(local_invocation_id) lid: vec3<u32>,`,
        `    @builtin(workgroup_id) wid: vec3<u32>) {`,
        ...body.map((line) => `  ${line}`),
        `}`,
        ``,
      ].join("\n");
      const kernel = { text, params: [...words], workgroups, bindings };
      return images.length ? { ...kernel, images: [...images] } : kernel;
    },
  };
  return module;
}

/** The bits of a number as an f32, as an i32. */
export function bitsOf(value: number): number {
  return new Int32Array(new Float32Array([value]).buffer)[0];
}

/** Lines one level deeper. */
export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Work-groups along x and y for so many groups in all; the last row may be ragged. */
export function spreadGroups(groups: number, limits: Limits): [number, number, number] {
  const rows = Math.max(1, Math.ceil(groups / limits.workgroups));
  return [Math.ceil(groups / rows), rows, 1];
}

function check(
  limits: Limits,
  bindings: number,
  group: readonly number[],
  workgroups: readonly number[],
  iterations: number,
): void {
  const clash = bindings > limits.bindings
    ? `${bindings} bindings, at most ${limits.bindings} fit`
    : group[0] * group[1] * group[2] > limits.invocations
    ? `work-groups of ${group.join(" x ")}, at most ${limits.invocations} fit`
    : workgroups.some((n) => n > limits.workgroups)
    ? `${workgroups.join(" x ")} work-groups, at most ${limits.workgroups} go along a dimension`
    : iterations > limits.iterations
    ? `${iterations} loop iterations an invocation, at most ${limits.iterations} are safe`
    : undefined;
  if (clash) throw new RangeError(`internal: a kernel needs ${clash}`);
}
