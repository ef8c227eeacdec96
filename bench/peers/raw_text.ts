/**
 * The pieces of WGSL that the hand-written kernels share.
 *
 * @module
 */

/** A kernel and its dispatch; binding 0 is the input, 1 the output, 2 the packed weights. */
export interface Kernel {
  readonly code: string;
  readonly groups: readonly [number, number, number];
}

/** Component names. */
export const LANES = "xyzw";
/** The input's binding. */
export const INPUT = "@group(0) @binding(0) var<storage, read> X: array<vec4f>;\n";
/** The output's binding. */
export const OUTPUT = "@group(0) @binding(1) var<storage, read_write> Y: array<vec4f>;\n";
/** The packed weights' binding. */
export const WEIGHTS = "@group(0) @binding(2) var W: texture_storage_2d<rgba32float, read>;\n";

/** A kernel with all bindings, `g` its invocation. */
export function kernel(lanes: number, body: string): string {
  return `${INPUT}${OUTPUT}${WEIGHTS}@compute @workgroup_size(${lanes})
fn main(@builtin(global_invocation_id) g: vec3u) {
${body}
}`;
}

/** The statement sum = a · b + sum. */
export function fma(sum: string, a: string, b: string): string {
  return `${sum} = fma(${a}, ${b}, ${sum});`;
}

/** 0 … length − 1. */
export function span(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
