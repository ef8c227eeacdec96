/**
 * The steps of a plan made ready for a device: pipelines, parameters and bind groups that are
 * written once, so that a run only records dispatches.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import { placeOf } from "../core/fault.ts";
import type { Plan, Slot, SlotId, Step } from "../core/plan.ts";
import { sizeOf } from "../core/type.ts";
import { type Block, roundUp } from "./buffers.ts";
import type { Gpu } from "./device.ts";
import type { Image } from "./images.ts";
import type { Pipeline } from "./pipelines.ts";

/** The buffers of one run, by the index of the argument and of the result. */
export interface Frame {
  readonly args: readonly (Block | undefined)[];
  readonly results: readonly (Block | undefined)[];
}

/** What a step became. */
export type Action =
  | {
    readonly kind: "dispatch";
    readonly step: number;
    readonly pipeline: GPUComputePipeline;
    readonly workgroups: readonly [number, number, number];
    bind(frame: Frame): GPUBindGroup;
  }
  | {
    readonly kind: "copy";
    readonly step: number;
    readonly from: SlotId;
    readonly to: SlotId;
    readonly bytes: number;
  };

/** Where a slot is in a run. */
export type Place = (slot: SlotId, frame: Frame) => { block: Block; offset: number };

/** The image of a constant that a kernel reads as one. */
export type ImageOf = (slot: SlotId) => Image;

/** Copies of at most this many bytes stay inside the pass, as a dispatch; others split it. */
const copyInPass = 2 ** 20;

/** Bind groups that a step keeps for different buffers. */
const groupsKept = 64;

/** Invocations along x of the copy kernel's largest dispatch. */
const copyRow = 65_535 * 256;

const copyText = `@group(0) @binding(0) var<storage, read_write> src: array<u32>;
@group(0) @binding(1) var<storage, read_write> dst: array<u32>;
@group(0) @binding(2) var<uniform> words: array<vec4<i32>, 1>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.y * ${copyRow}u + id.x;
  if (i < u32(words[0].x)) { dst[i] = src[i]; }
}
`;

/** The kernel that copies dense bytes between two ranges, of one buffer too. */
export function copyKernel(bytes: number): WgslKernel {
  const words = Math.ceil(bytes / 4);
  const groups = Math.ceil(words / 256);
  const rows = Math.ceil(groups / 65_535);
  return {
    text: copyText,
    params: [words, 0, 0, 0],
    workgroups: [Math.min(groups, 65_535), rows, 1],
    bindings: 2,
  };
}

/** The kernel of each step, with copies that belong inside the pass turned into kernels. */
export function kernelsOf(
  plan: Plan,
  given: readonly (WgslKernel | undefined)[],
): readonly (WgslKernel | undefined)[] {
  const works = plan.steps.map((step) => step.kind === "kernel");
  const first = works.indexOf(true);
  const last = works.lastIndexOf(true);
  return plan.steps.map((step, i) => {
    if (step.kind === "kernel") return given[i];
    const [from, to] = [plan.slots[step.from], plan.slots[step.to]];
    // WebGPU copies only between different buffers.
    const same = from.kind === "arena" && to.kind === "arena" && from.arena === to.arena;
    const inside = i > first && i < last && from.bytes <= copyInPass;
    return same || inside ? copyKernel(from.bytes) : undefined;
  });
}

/** What a step is called in messages, with the author's line. */
export function titleOf(step: Step): string {
  if (step.kind === "copy") return "a copy";
  const place = placeOf(step.sites[step.sites.length - 1]);
  return place ? `${step.name} (${place})` : step.name;
}

/** The constants that steps read from buffers, or that are results, and those read from images. */
export function constantUses(
  plan: Plan,
  kernels: readonly (WgslKernel | undefined)[],
): { readonly buffers: ReadonlySet<SlotId>; readonly images: ReadonlySet<SlotId> } {
  const isConstant = (id: SlotId) => plan.slots[id].kind === "constant";
  const found = { buffers: new Set(plan.outs.filter(isConstant)), images: new Set<SlotId>() };
  plan.steps.forEach((step, i) => {
    slotsOf(step).forEach((id, operand) => {
      if (!isConstant(id)) return;
      (kernels[i]?.images?.includes(operand) ? found.images : found.buffers).add(id);
    });
  });
  return found;
}

/** The slots of a step: operands in order, then results. */
export function slotsOf(step: Step): readonly SlotId[] {
  return step.kind === "kernel" ? step.slots : [step.from, step.to];
}

/** True if nothing comes of a step, for its results have no elements. */
function isEmpty(plan: Plan, step: Step): boolean {
  const results = step.kind === "kernel" ? step.slots.slice(step.form.ins.length) : [step.to];
  return results.every((id) => sizeOf(plan.slots[id].type.shape) === 0);
}

/** The steps as actions; parameters go into one uniform buffer, which the caller destroys. */
export function actionsOf(
  gpu: Gpu,
  plan: Plan,
  kernels: readonly (WgslKernel | undefined)[],
  pipelines: readonly (Pipeline | undefined)[],
  place: Place,
  imageOf: ImageOf,
): { actions: readonly Action[]; params: Block } {
  const align = Math.max(16, gpu.device.limits.minUniformBufferOffsetAlignment);
  const offsets: number[] = [];
  let total = 0;
  for (const kernel of kernels) {
    offsets.push(total);
    if (kernel) total += roundUp(paramBytes(kernel), align);
  }
  const words = new Int32Array(Math.max(16, total) / 4);
  kernels.forEach((kernel, i) => kernel && words.set(kernel.params, offsets[i] / 4));
  const params = gpu.buffers.create(words.byteLength, 0x40 | 0x8, "parameters"); // UNIFORM | COPY_DST
  gpu.buffers.write(params, 0, new Uint8Array(words.buffer));

  const actions: Action[] = [];
  plan.steps.forEach((step, i) => {
    if (isEmpty(plan, step)) return;
    const kernel = kernels[i];
    if (kernel) {
      if (kernel.workgroups.includes(0)) return;
      const { pipeline, layout } = pipelines[i]!;
      const uniform = { buffer: params.buffer, offset: offsets[i], size: paramBytes(kernel) };
      const images = new Map(kernel.images?.map((at) => [at, imageOf(slotsOf(step)[at])]));
      const bind = binderOf(gpu, plan, slotsOf(step), images, layout, uniform, place);
      actions.push({ kind: "dispatch", step: i, pipeline, workgroups: kernel.workgroups, bind });
    } else if (step.kind === "copy") {
      const { from, to } = step;
      const bytes = roundUp(plan.slots[from].bytes, 4);
      actions.push({ kind: "copy", step: i, from, to, bytes });
    }
  });
  return { actions, params };
}

function paramBytes(kernel: WgslKernel): number {
  return Math.max(16, roundUp(kernel.params.length * 4, 16));
}

/** Finds the bind group of a step: one for good, or one for each set of buffers that come. */
function binderOf(
  gpu: Gpu,
  plan: Plan,
  slots: readonly SlotId[],
  images: ReadonlyMap<number, Image>,
  layout: GPUBindGroupLayout,
  uniform: GPUBufferBinding,
  place: Place,
): (frame: Frame) => GPUBindGroup {
  const resources = (frame: Frame): GPUBindingResource[] =>
    slots.map((id, operand) => {
      const image = images.get(operand);
      if (image) return image.view;
      const { bytes } = plan.slots[id];
      if (bytes === 0) return { buffer: gpu.buffers.nothing.buffer, size: 16 };
      const { block, offset } = place(id, frame);
      // A binding is a whole number of vec4: slots are aligned and buffers sized for it.
      return { buffer: block.buffer, offset, size: roundUp(bytes, 16) };
    });
  const make = (frame: Frame) =>
    gpu.device.createBindGroup({
      layout,
      entries: [...resources(frame), uniform].map((resource, binding) => ({ binding, resource })),
    });
  const moving = slots.filter((id) => isMoving(plan.slots[id]));
  if (moving.length === 0) {
    const group = make({ args: [], results: [] });
    return () => group;
  }
  const groups = new Map<string, GPUBindGroup>();
  return (frame) => {
    let key = "";
    for (const id of moving) key += place(id, frame).block.id + ",";
    const known = groups.get(key);
    if (known) return known;
    // Buffers that no longer come by would keep their groups for ever.
    if (groups.size >= groupsKept) groups.delete(groups.keys().next().value!);
    const group = make(frame);
    groups.set(key, group);
    return group;
  };
}

/** True if a slot's buffer differs from run to run. */
function isMoving(slot: Slot): boolean {
  return slot.bytes > 0 && (slot.kind === "arg" || slot.kind === "result");
}

/** Records actions: one pass, split only by copies that stand between dispatches. */
export function encode(
  encoder: GPUCommandEncoder,
  actions: readonly Action[],
  frame: Frame,
  place: Place,
  timestampWrites?: GPUComputePassTimestampWrites,
): void {
  let pass: GPUComputePassEncoder | undefined;
  let current: GPUComputePipeline | undefined;
  for (const action of actions) {
    switch (action.kind) {
      case "dispatch": {
        if (!pass) {
          pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
          current = undefined;
        }
        if (current !== action.pipeline) pass.setPipeline(current = action.pipeline);
        pass.setBindGroup(0, action.bind(frame));
        pass.dispatchWorkgroups(...action.workgroups);
        break;
      }
      case "copy": {
        pass?.end();
        pass = undefined;
        const from = place(action.from, frame);
        const to = place(action.to, frame);
        encoder.copyBufferToBuffer(
          from.block.buffer,
          from.offset,
          to.block.buffer,
          to.offset,
          action.bytes,
        );
        break;
      }
      default:
        throw new TypeError(`internal: unknown action ${action satisfies never}`);
    }
  }
  pass?.end();
}
