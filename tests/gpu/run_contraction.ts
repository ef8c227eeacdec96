/**
 * Runs one kernel on a device: uploads, dispatches, reads back. It is the smallest runner there is,
 * so that kernels can be judged without the machine around them.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Form } from "../../lib/core/form.ts";
import { arrayOf, bytesIn, type Host, type HostArray } from "../../lib/core/host.ts";
import { bytesOf, sizeOf, type Type } from "../../lib/core/type.ts";

/** A device for tests, or `undefined` where there is no adapter. */
export async function testDevice(): Promise<GPUDevice | undefined> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return undefined;
  const device = await adapter.requestDevice({
    requiredLimits: {
      maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage,
    },
  });
  return device;
}

/** A kernel with its buffers, ready to be dispatched. */
export interface Ready {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly number[];
  readonly outs: readonly GPUBuffer[];
  dispose(): void;
}

const visibility = 4; // GPUShaderStage.COMPUTE

/** Uploads operands and makes the pipeline. */
export function prepare(
  device: GPUDevice,
  kernel: WgslKernel,
  ins: readonly Host[],
  outs: readonly Type[],
): Ready {
  const held: (GPUBuffer | GPUTexture)[] = [];
  const images = new Set(kernel.images ?? []);
  const layout: GPUBindGroupLayoutEntry[] = [];
  const entries: GPUBindGroupEntry[] = [];
  const buffer = (bytes: number, usage: number) => {
    const made = device.createBuffer({ size: Math.ceil(Math.max(bytes, 4) / 16) * 16, usage });
    held.push(made);
    return made;
  };
  const storage = 128 | 4 | 8; // STORAGE | COPY_SRC | COPY_DST
  ins.forEach((value, binding) => {
    if (images.has(binding)) {
      const rows = Math.max(1, Math.ceil(sizeOf(value.shape) / 4096));
      const texture = device.createTexture({
        size: [1024, rows],
        format: "rgba32float",
        usage: 2 | 8, // COPY_DST | STORAGE_BINDING
      });
      const padded = new Float32Array(rows * 4096);
      padded.set(value.data as Float32Array);
      device.queue.writeTexture({ texture }, padded, { bytesPerRow: 16384 }, [1024, rows]);
      held.push(texture);
      const format = "rgba32float";
      layout.push({ binding, visibility, storageTexture: { access: "read-only", format } });
      entries.push({ binding, resource: texture.createView() });
      return;
    }
    const made = buffer(bytesOf(value), storage);
    const bytes = bytesIn(value.data);
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    if (padded.length) device.queue.writeBuffer(made, 0, padded);
    layout.push({ binding, visibility, buffer: { type: "storage" } });
    entries.push({ binding, resource: { buffer: made } });
  });
  const results = outs.map((type, k) => {
    const made = buffer(bytesOf(type), storage);
    const binding = ins.length + k;
    layout.push({ binding, visibility, buffer: { type: "storage" } });
    entries.push({ binding, resource: { buffer: made } });
    return made;
  });
  const params = buffer(kernel.params.length * 4, 64 | 8); // UNIFORM | COPY_DST
  device.queue.writeBuffer(params, 0, new Int32Array(kernel.params));
  const binding = ins.length + outs.length;
  layout.push({ binding, visibility, buffer: { type: "uniform" } });
  entries.push({ binding, resource: { buffer: params } });
  const groupLayout = device.createBindGroupLayout({ entries: layout });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [groupLayout] }),
    compute: { module: device.createShaderModule({ code: kernel.text }), entryPoint: "main" },
  });
  const group = device.createBindGroup({ layout: groupLayout, entries });
  return {
    pipeline,
    group,
    workgroups: kernel.workgroups,
    outs: results,
    dispose: () => held.forEach((h) => h.destroy()),
  };
}

/** Dispatches a kernel `times` times and waits; gives milliseconds. */
export async function dispatch(device: GPUDevice, ready: Ready, times = 1): Promise<number> {
  const start = performance.now();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(ready.pipeline);
  pass.setBindGroup(0, ready.group);
  const [x, y, z] = ready.workgroups;
  for (let i = 0; i < times; i++) pass.dispatchWorkgroups(x, y, z);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const done = device.queue.onSubmittedWorkDone();
  // The call has waited by now; the promise settles ten milliseconds later.
  const ms = performance.now() - start;
  await done;
  return ms;
}

/** What a kernel computes from operands. */
export async function runKernel(
  device: GPUDevice,
  kernel: WgslKernel,
  form: Form,
  ins: readonly Host[],
): Promise<Host[]> {
  const types = form.outs.map((o) => o.type);
  device.pushErrorScope("validation");
  const ready = prepare(device, kernel, ins, types);
  await dispatch(device, ready);
  const hosts: Host[] = [];
  for (const [k, type] of types.entries()) {
    const size = ready.outs[k].size;
    const staging = device.createBuffer({ size, usage: 1 | 8 }); // MAP_READ | COPY_DST
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(ready.outs[k], 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(1);
    const bytes = new Uint8Array(staging.getMappedRange().slice(0));
    staging.destroy();
    const data = arrayOf(type.dtype, sizeOf(type.shape)) as HostArray;
    bytesIn(data).set(bytes.subarray(0, bytesOf(type)));
    hosts.push({ ...type, data } as Host);
  }
  ready.dispose();
  const error = await device.popErrorScope();
  if (error) throw new Error(`${error.message}\n${kernel.text}`);
  return hosts;
}
