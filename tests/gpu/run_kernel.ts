/**
 * The smallest runner of kernels: uploads operands, dispatches once, reads the results back.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Form } from "../../lib/core/form.ts";
import { arrayOf, bytesIn, type Host, hostFromBytes } from "../../lib/core/host.ts";
import type { Limits } from "../../lib/core/target.ts";
import { bytesOf, sizeOf } from "../../lib/core/type.ts";

/** A device for tests. */
export interface Bench {
  readonly device: GPUDevice;
  readonly limits: Limits;
  /** Runs a kernel of a form; results come back in order. */
  run(form: Form, kernel: WgslKernel, ins: readonly Host[]): Promise<Host[]>;
  /** Milliseconds of one dispatch: the first, and the mean of so many more. */
  time(
    form: Form,
    kernel: WgslKernel,
    ins: readonly Host[],
    times: number,
  ): Promise<{ first: number; each: number }>;
  dispose(): void;
}

const usage = { storage: 0x80 | 0x8 | 0x4, uniform: 0x40 | 0x8, read: 0x1 | 0x8 };

/** Opens the default adapter, or gives nothing where there is none. */
export async function openBench(): Promise<Bench | undefined> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return undefined;
  const { limits: has } = adapter;
  const device = await adapter.requestDevice({
    requiredLimits: {
      maxStorageBuffersPerShaderStage: has.maxStorageBuffersPerShaderStage,
      maxComputeInvocationsPerWorkgroup: has.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: has.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupStorageSize: has.maxComputeWorkgroupStorageSize,
    },
  });
  const faults: string[] = [];
  device.addEventListener("uncapturederror", (event) => {
    faults.push((event as GPUUncapturedErrorEvent).error.message);
  });
  const isCapped = /llvmpipe/i.test(adapter.info.description);
  const limits: Limits = {
    bindings: device.limits.maxStorageBuffersPerShaderStage,
    bindingBytes: device.limits.maxStorageBufferBindingSize,
    align: 256,
    workgroups: device.limits.maxComputeWorkgroupsPerDimension,
    invocations: device.limits.maxComputeInvocationsPerWorkgroup,
    sharedBytes: device.limits.maxComputeWorkgroupStorageSize,
    iterations: isCapped ? 60_000 : Infinity,
  };

  function prepare(form: Form, kernel: WgslKernel, ins: readonly Host[]) {
    const types = [...form.ins, ...form.outs.map((o) => o.type)];
    const buffers = types.map((type) =>
      device.createBuffer({
        size: Math.max(16, Math.ceil(bytesOf(type) / 16) * 16),
        usage: usage.storage,
      })
    );
    ins.forEach((host, i) => {
      const bytes = new Uint8Array(Math.ceil(host.data.byteLength / 4) * 4);
      bytes.set(bytesIn(host.data));
      if (bytes.length) device.queue.writeBuffer(buffers[i], 0, bytes);
    });
    const words = device.createBuffer({ size: kernel.params.length * 4, usage: usage.uniform });
    device.queue.writeBuffer(words, 0, new Int32Array(kernel.params));
    const layout = device.createBindGroupLayout({
      entries: [...buffers, words].map((_, binding) => ({
        binding,
        visibility: 4,
        buffer: { type: binding < kernel.bindings ? "storage" : "uniform" },
      })),
    });
    const pipeline = device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: {
        module: device.createShaderModule({ code: kernel.text }),
        entryPoint: "main",
      },
    });
    const group = device.createBindGroup({
      layout,
      entries: [...buffers, words].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const submit = (times: number) => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(...kernel.workgroups);
      pass.end();
      device.queue.submit([encoder.finish()]);
    };
    const check = () => {
      if (faults.length) throw new Error(`${faults.splice(0).join("\n")}\n${kernel.text}`);
    };
    return { buffers, words, submit, check };
  }

  return {
    device,
    limits,
    async run(form, kernel, ins) {
      const { buffers, words, submit, check } = prepare(form, kernel, ins);
      const results = buffers.slice(form.ins.length);
      submit(1);
      const reads = results.map(({ size }) => device.createBuffer({ size, usage: usage.read }));
      const encoder = device.createCommandEncoder();
      results.forEach((b, i) => encoder.copyBufferToBuffer(b, 0, reads[i], 0, b.size));
      device.queue.submit([encoder.finish()]);
      await Promise.all(reads.map((b) => b.mapAsync(1)));
      check();
      const hosts = form.outs.map(({ type }, i) => {
        if (sizeOf(type.shape) === 0) return { ...type, data: arrayOf(type.dtype, 0) };
        return hostFromBytes(
          type,
          new Uint8Array(reads[i].getMappedRange(), 0, bytesOf(type)).slice(),
        );
      });
      [...buffers, ...reads, words].forEach((b) => b.destroy());
      return hosts;
    },
    async time(form, kernel, ins, times) {
      const { buffers, words, submit, check } = prepare(form, kernel, ins);
      const measure = async (n: number) => {
        const start = performance.now();
        submit(n);
        await device.queue.onSubmittedWorkDone();
        return performance.now() - start - 10;
      };
      const first = await measure(1);
      await measure(1);
      const each = await measure(times) / times;
      check();
      [...buffers, words].forEach((b) => b.destroy());
      return { first, each };
    },
    dispose: () => device.destroy(),
  };
}
