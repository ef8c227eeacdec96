/**
 * Opening a device: the largest limits the adapter has, what class of adapter it is, and the
 * caches that live and die with it. Everything a device remembers hangs on the value returned here.
 * @module
 */
import { DeviceError } from "../core/fault.ts";
import type { Limits } from "../core/target.ts";
import { type Block, type Buffers, buffersOf } from "./buffers.ts";
import { type Constants, constantsOf } from "./constants.ts";
import { type Health, watch } from "./health.ts";
import { type Images, imagesOf } from "./images.ts";
import { type Pipelines, pipelinesOf } from "./pipelines.ts";
import { type Queue, queueOf } from "./queue.ts";
import { isFastDeno, type Readback, readbackOf } from "./readback.ts";
import { type Pool, type Residents, residentsOf } from "../core/residents.ts";

/** What kernels are chosen by: a processor that plays a device, or a device. */
export type AdapterClass = "software" | "gpu";

/** An open device and all that it owns. */
export interface Gpu {
  readonly device: GPUDevice;
  /** The adapter's own words. */
  readonly description: string;
  readonly class: AdapterClass;
  readonly limits: Limits;
  /** Optional features that the device has, of those the library uses. */
  readonly features: ReadonlySet<"shader-f16" | "timestamp-query">;
  readonly health: Health;
  readonly queue: Queue;
  readonly buffers: Buffers;
  readonly images: Images;
  readonly pipelines: Pipelines;
  readonly readback: Readback;
  readonly residents: Residents<Block>;
  readonly constants: Constants;
  /** Destroys the device and everything on it; a second call does nothing. */
  dispose(): void;
}

/** Options of opening a device. */
export interface DeviceOptions {
  /** What the residents name as their owner; by default an object of the device's own. */
  readonly owner?: object;
  /** True refuses an adapter that is software. */
  readonly hardware?: boolean;
  /** False reads by the portable path even where the faster one is known to be safe. */
  readonly fastRead?: boolean;
}

/** Loop iterations after which Mesa's llvmpipe stops every loop of an invocation, with a margin. */
const llvmpipeIterations = 60_000;

/** Opens the default adapter's device; throws a DeviceError where there is none. */
export async function openDevice(options: DeviceOptions = {}): Promise<Gpu> {
  quiet();
  const adapter = await adapterOrFault();
  const description = wordsOf(adapter.info);
  const isSoftware = adapter.info.isFallbackAdapter === true ||
    /llvmpipe|SwiftShader/i.test(description);
  if (options.hardware && isSoftware) {
    throw new DeviceError(
      `Cannot open a hardware adapter: "${description}" is software\n` +
        '  try open("webgpu") to use it all the same, or open("wasm")',
      { code: "device.absent" },
    );
  }
  const features = wanted.filter((name) => adapter.features.has(name));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      label: "weft",
      requiredFeatures: [...features],
      requiredLimits: largest(adapter.limits),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DeviceError(
      `Cannot open a WebGPU device on "${description}": ${why}; try open("cpu")`,
      { code: "device.open" },
    );
  }
  const health = watch(device);
  const queue = queueOf(device, isSoftware);
  const buffers = buffersOf(device, queue, health);
  const images = imagesOf(device, queue, buffers, health);
  const version = typeof Deno === "undefined" ? undefined : Deno.version?.deno;
  const fast = (options.fastRead ?? true) && isFastDeno(version);
  const readback = readbackOf(device, queue, buffers, health, fast);
  const residents = residentsOf(options.owner, poolOf(buffers, readback, health));
  return {
    device,
    description,
    class: isSoftware ? "software" : "gpu",
    limits: limitsOf(device.limits, description),
    features: new Set(features),
    health,
    queue,
    buffers,
    images,
    pipelines: pipelinesOf(device, queue, health, /llvmpipe/i.test(description)),
    readback,
    residents,
    constants: constantsOf(device, queue, buffers, images, residents, health),
    dispose() {
      if (health.isGone() && buffers.counts().alive === 0) return;
      health.close();
      queue.close();
      images.dispose();
      buffers.dispose();
      device.destroy();
    },
  };
}

/** The device's buffers as what residents live in. */
function poolOf(buffers: Buffers, readback: Readback, health: Health): Pool<Block> {
  return {
    take: buffers.take,
    give: buffers.give,
    write: (block, bytes) => buffers.write(block, 0, bytes),
    async read(ranges, into = []) {
      const read = await readback.read(ranges.map((range) => ({ ...range, offset: 0 })));
      read.forEach((bytes, i) => into[i]?.set(bytes));
      return read;
    },
    check: health.check,
    isGone: health.isGone,
  };
}

/** Browsers leave the description empty and say vendor and architecture instead. */
function wordsOf({ description, vendor, architecture, device }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(" ") ||
    "unnamed adapter";
}

const wanted = ["shader-f16", "timestamp-query"] as const;

/** The limits that plans and kernels are bounded by. */
function limitsOf(limits: GPUSupportedLimits, description: string): Limits {
  return {
    bindings: limits.maxStorageBuffersPerShaderStage,
    // Kernels may view a binding as vec4, so sizes stay multiples of 16.
    bindingBytes: Math.floor(
      Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 16,
    ) * 16,
    align: Math.max(16, limits.minStorageBufferOffsetAlignment),
    workgroups: limits.maxComputeWorkgroupsPerDimension,
    invocations: Math.min(
      limits.maxComputeInvocationsPerWorkgroup,
      limits.maxComputeWorkgroupSizeX,
    ),
    sharedBytes: limits.maxComputeWorkgroupStorageSize,
    iterations: /llvmpipe/i.test(description) ? llvmpipeIterations : Infinity,
  };
}

/** What the adapter has of the limits that matter here; a device gets the defaults otherwise. */
function largest(limits: GPUSupportedLimits): Record<string, number> {
  const names = [
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
    "maxComputeWorkgroupSizeY",
    "maxComputeWorkgroupSizeZ",
    "maxComputeWorkgroupsPerDimension",
    "maxUniformBufferBindingSize",
    "maxTextureDimension2D",
    "maxStorageTexturesPerShaderStage",
    "minStorageBufferOffsetAlignment",
    "minUniformBufferOffsetAlignment",
  ] as const;
  const found: Record<string, number> = {};
  // An undefined limit makes requestDevice throw, so only what is stated is asked for.
  for (const name of names) if (limits[name] !== undefined) found[name] = limits[name];
  return found;
}

async function adapterOrFault(): Promise<GPUAdapter> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (adapter) return adapter;
  throw new DeviceError(`Cannot open WebGPU: ${whyAbsent(gpu)}`, { code: "device.absent" });
}

function whyAbsent(gpu: GPU | undefined): string {
  const isDeno = typeof Deno !== "undefined";
  if (gpu && isDeno) {
    return `no adapter was found; install a Vulkan driver and loader (on Debian and Ubuntu the ` +
      `packages mesa-vulkan-drivers and libvulkan1), or use open("cpu")`;
  }
  if (gpu) {
    return `this browser offers no adapter; the GPU's driver may be missing or blocked\n` +
      '  try open("cpu")';
  }
  if ((globalThis as { isSecureContext?: boolean }).isSecureContext === false) {
    return "browsers have it only on pages from https or localhost\n  try serving this one so";
  }
  return `this runtime has no navigator.gpu; use Deno 2.9 or a browser with WebGPU, or open("cpu")`;
}

/** Keeps the drivers from printing about a missing directory, where that needs no question. */
function quiet(): void {
  if (typeof Deno === "undefined" || Deno.build?.os !== "linux") return;
  const variable = "XDG_RUNTIME_DIR";
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return;
  if (!Deno.env.get(variable)) Deno.env.set(variable, "/tmp");
}
