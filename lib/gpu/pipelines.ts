/**
 * WGSL text to compute pipelines, one for each text and device. Layouts are explicit, for automatic
 * ones drop bindings that a kernel does not use; every buffer is bound read_write, for WebGPU refuses
 * one as read and as read_write in a dispatch. Images are read only and hold constants.
 * @module
 */
import { DeviceError } from "../core/fault.ts";
import type { WgslKernel } from "../../kernels/wgsl/kernel.ts";
import type { Health } from "./health.ts";
import type { Queue } from "./queue.ts";
import { warmOf } from "./warm.ts";

/** A pipeline with the layout of its bind groups. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** The pipelines of one device. */
export interface Pipelines {
  /** A pipeline for each kernel; `names` say in messages what the kernels compute. */
  of(kernels: readonly WgslKernel[], names: readonly string[]): Promise<readonly Pipeline[]>;
  /** Pipelines made so far. */
  count(): number;
}

const imageEntry = {
  storageTexture: { access: "read-only", format: "rgba32float", viewDimension: "2d" },
} as const;

/** The pipelines of a device that is watched; they are compiled ahead where drivers are late. */
export function pipelinesOf(
  device: GPUDevice,
  queue: Queue,
  health: Health,
  compilesLate: boolean,
): Pipelines {
  const made = new Map<string, Pipeline>();
  const layouts = new Map<string, GPUBindGroupLayout>();
  const warm = compilesLate ? warmOf(device, queue) : undefined;

  function layoutOf({ bindings, images = [] }: WgslKernel): GPUBindGroupLayout {
    const key = `${bindings}:${[...images].sort((a, b) => a - b)}`;
    const known = layouts.get(key);
    if (known) return known;
    const visibility = GPUShaderStage.COMPUTE;
    const entries: GPUBindGroupLayoutEntry[] = Array.from({ length: bindings }, (_, binding) => ({
      binding,
      visibility,
      ...(images.includes(binding) ? imageEntry : { buffer: { type: "storage" } }),
    }));
    entries.push({ binding: bindings, visibility, buffer: { type: "uniform" } });
    const label = `${bindings} bindings${images.length ? `, ${images.length} of them images` : ""}`;
    const layout = device.createBindGroupLayout({ label, entries });
    layouts.set(key, layout);
    return layout;
  }

  function make(kernel: WgslKernel, label: string): { module: GPUShaderModule } & Pipeline {
    const module = device.createShaderModule({ label, code: kernel.text });
    const layout = layoutOf(kernel);
    const pipeline = device.createComputePipeline({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    return { module, layout, pipeline };
  }

  /** Makes what one kernel needs by itself, to find what is wrong with it. */
  async function explain(kernel: WgslKernel, name: string): Promise<void> {
    const { text } = kernel;
    const module =
      await health.scoped("compile", () => device.createShaderModule({ label: name, code: text }))
        .catch(() => undefined) ??
        ignoring(device, () => device.createShaderModule({ label: name, code: text }));
    const { messages } = await module.getCompilationInfo();
    const worst = messages.find((m) => m.type === "error");
    if (worst) {
      const line = text.split("\n")[worst.lineNum - 1]?.trim() ?? "";
      throw new DeviceError(
        `internal: the kernel of ${name} does not compile: ${worst.message.trim()}\n` +
          `  at line ${worst.lineNum}: ${line}`,
        { code: "device.kernel", values: { line: worst.lineNum, text } },
      );
    }
    try {
      await health.scoped(`make the pipeline of ${name}`, () => make(kernel, name));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new DeviceError(`internal: the kernel of ${name} makes no pipeline: ${why}`, {
        code: "device.kernel",
        values: { text },
      });
    }
  }

  async function of(
    kernels: readonly WgslKernel[],
    names: readonly string[],
  ): Promise<readonly Pipeline[]> {
    health.check("compile kernels");
    const fresh = new Map<string, number>();
    kernels.forEach((kernel, i) => {
      const key = keyOf(kernel);
      if (!made.has(key) && !fresh.has(key)) fresh.set(key, i);
    });
    if (fresh.size) {
      try {
        const pipelines = await health.scoped(
          "compile kernels",
          () => [...fresh].map(([key, i]) => [key, make(kernels[i], names[i])] as const),
        );
        for (const [key, { pipeline, layout }] of pipelines) made.set(key, { pipeline, layout });
        warm?.(pipelines.map(([key, made]) => [kernels[fresh.get(key)!], made]));
      } catch (error) {
        // A batch is compiled under one scope; only a failure is worth asking kernel by kernel.
        for (const i of fresh.values()) await explain(kernels[i], names[i]);
        throw error;
      }
    }
    return kernels.map((kernel) => made.get(keyOf(kernel))!);
  }

  return { of, count: () => made.size };
}

function keyOf(kernel: WgslKernel): string {
  return `${kernel.bindings}:${kernel.images ?? ""}:${kernel.text}`;
}

/** Runs a body whose errors are known and looked into elsewhere. */
function ignoring<T>(device: GPUDevice, body: () => T): T {
  device.pushErrorScope("validation");
  try {
    return body();
  } finally {
    device.popErrorScope().catch(() => {});
  }
}
