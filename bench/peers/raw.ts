/**
 * The hand-written kernels as a runner: buffers, one recorded dispatch a row, and a completion that
 * does not pay Deno's 10 ms: `mapAsync` on a buffer mapped before returns once the queue is idle.
 *
 * @module
 */
import { weight } from "./cases.ts";
import type { ConvRow, Row } from "./cases.ts";
import type { Peer, Prepared } from "./peer.ts";
import { count, values } from "./spec.ts";
import { conv, depthwise } from "./raw_conv.ts";
import { layernorm, map, matmul, softmax } from "./raw_kernels.ts";
import type { Kernel } from "./raw_text.ts";

/** Packed weights: four values a texel. */
interface Texels {
  readonly width: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Hand-written WGSL as a runner of the single-operation rows. */
export const raw: Peer = {
  async prepare(row: Row): Promise<Prepared | undefined> {
    const kernel = choose(row);
    if (!kernel) return undefined;
    const device = await open();
    const size = 4 * count(row.output);
    const input = upload(device, values(row.input));
    const output = device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    });
    const texels = pack(row);
    const weights = texels ? texture(device, texels) : undefined;
    const module = device.createShaderModule({ code: kernel.code });
    const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: input } },
      { binding: 1, resource: { buffer: output } },
    ];
    if (weights) entries.push({ binding: 2, resource: weights.createView() });
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const probe = staging(device, 4);
    const infer = (to: GPUBuffer): void => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...kernel.groups);
      pass.end();
      encoder.copyBufferToBuffer(output, 0, to, 0, to.size);
      device.queue.submit([encoder.finish()]);
    };
    // Once awaited, later maps of this buffer are done when the call returns.
    await probe.mapAsync(GPUMapMode.READ);
    probe.unmap();
    return {
      run(): Promise<void> {
        infer(probe);
        probe.mapAsync(GPUMapMode.READ);
        probe.getMappedRange();
        probe.unmap();
        return Promise.resolve();
      },
      async result(): Promise<Float32Array> {
        const whole = staging(device, size);
        infer(whole);
        await whole.mapAsync(GPUMapMode.READ);
        const data = new Float32Array(whole.getMappedRange().slice(0));
        whole.destroy();
        return data;
      },
      dispose(): void {
        device.destroy();
      },
    };
  },
};

/** The tile shapes that were fastest within about 250 ms of compilation. */
function choose(row: Row): Kernel | undefined {
  switch (row.kind) {
    case "matmul":
      return matmul(row, 8, 16);
    case "conv":
      if (row.groups > 1) return depthwise(row, 4, 2);
      if (row.kernel === 1) return conv(row, 16, 1, 8);
      return row.stride === 1 ? conv(row, 16, 2, 4) : conv(row, 16, 1, 8);
    case "map":
      return map(row);
    case "softmax":
      return softmax(row);
    case "layernorm":
      return layernorm(row);
    case "encoder":
    case "net":
      return undefined;
    default:
      return row satisfies never;
  }
}

function pack(row: Row): Texels | undefined {
  if (row.kind === "matmul") return { width: row.n / 4, data: values(weight(row, "b")) };
  if (row.kind === "layernorm") {
    const data = new Float32Array(2 * row.columns);
    data.set(values(weight(row, "gamma")));
    data.set(values(weight(row, "beta")), row.columns);
    return { width: row.columns / 4, data };
  }
  if (row.kind !== "conv") return undefined;
  return row.groups > 1 ? packTaps(row) : packChannels(row);
}

/** [c][1][3][3] → nine taps and three zeros a channel. */
function packTaps(row: ConvRow): Texels {
  const from = values(weight(row, "w"));
  const data = new Float32Array(12 * row.channels);
  for (let c = 0; c < row.channels; c++) data.set(from.subarray(9 * c, 9 * c + 9), 12 * c);
  return { width: 3, data };
}

/** [o][c][ky][kx] → [c][ky][kx][o]. */
function packChannels(row: ConvRow): Texels {
  const from = values(weight(row, "w"));
  const taps = from.length / row.out;
  const data = new Float32Array(from.length);
  for (let o = 0; o < row.out; o++) {
    for (let t = 0; t < taps; t++) data[t * row.out + o] = from[o * taps + t];
  }
  return { width: row.out / 4, data };
}

async function open(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("raw found no WebGPU adapter; install mesa-vulkan-drivers");
  const device = await adapter.requestDevice();
  device.addEventListener("uncapturederror", (event) => {
    // Uncaptured errors are silent in Deno: without this line a bad kernel just gives zeros.
    console.error("raw:", (event as GPUUncapturedErrorEvent).error.message);
  });
  return device;
}

function upload(device: GPUDevice, data: Float32Array<ArrayBuffer>): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: data.byteLength, usage });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

function staging(device: GPUDevice, size: number): GPUBuffer {
  return device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
}

function texture(device: GPUDevice, { width, data }: Texels): GPUTexture {
  const size = { width, height: data.length / 4 / width };
  const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
  const made = device.createTexture({ size, format: "rgba32float", usage });
  device.queue.writeTexture({ texture: made }, data, { bytesPerRow: 16 * width }, size);
  return made;
}
