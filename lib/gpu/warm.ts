/**
 * Compiling ahead on Mesa's software adapter. Its driver compiles a kernel at its first dispatch, on
 * a thread of its own, so empty dispatches as soon as the pipelines are there let it begin while the
 * rest of a plan is still being loaded. Chromium's software adapter gains nothing by it, and warns.
 * @module
 */
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Queue } from "./queue.ts";

/** Has the driver compile kernels; what goes wrong is left to the real dispatch. */
export type Warm = (kernels: readonly (readonly [WgslKernel, Pipeline])[]) => void;

/** Bytes of the buffers that stand in for operands and for parameters. */
const standIn = 4096;

/** Warms the kernels of a device. */
export function warmOf(device: GPUDevice, queue: Queue): Warm {
  // They stay as long as the device, which ends them.
  let operand: GPUBuffer | undefined;
  let words: GPUBuffer | undefined;
  let image: GPUTextureView | undefined;

  function groupFor({ bindings, images = [] }: WgslKernel, layout: GPUBindGroupLayout) {
    const label = "warm-up";
    operand ??= device.createBuffer({ label, size: standIn, usage: GPUBufferUsage.STORAGE });
    words ??= device.createBuffer({ label, size: standIn, usage: GPUBufferUsage.UNIFORM });
    // As with all images: a width that is a power of two, and a height that is none.
    if (images.length) {
      const usage = GPUTextureUsage.STORAGE_BINDING;
      const format = "rgba32float" as const;
      image ??= device.createTexture({ label, size: [1, 3], usage, format }).createView();
    }
    const entries: GPUBindGroupEntry[] = Array.from({ length: bindings }, (_, binding) => ({
      binding,
      resource: images.includes(binding) ? image! : { buffer: operand! },
    }));
    entries.push({ binding: bindings, resource: { buffer: words } });
    return device.createBindGroup({ label, layout, entries });
  }

  return (kernels) => {
    queue.flush();
    device.pushErrorScope("validation");
    try {
      // One submit for all: making a pipeline would wait for what runs.
      const encoder = device.createCommandEncoder({ label: "warm-up" });
      const pass = encoder.beginComputePass();
      for (const [kernel, { pipeline, layout }] of kernels) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groupFor(kernel, layout));
        pass.dispatchWorkgroups(0);
      }
      pass.end();
      queue.submit([encoder.finish()]);
    } finally {
      device.popErrorScope().catch(() => {});
    }
  };
}
