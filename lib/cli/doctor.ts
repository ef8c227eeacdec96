/**
 * `doctor`: what this machine offers, measured, and what to install where there is no adapter.
 * @module
 */
import type { Host } from "../core/host.ts";
import type { Machine } from "../core/target.ts";
import { f32, type Type } from "../core/type.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { matmul } from "../ops/matmul.ts";
import { stage } from "../stage/stage.ts";
import { open } from "../trace/open.ts";
import { command } from "./command.ts";

/** What the doctor found. */
export interface Findings {
  readonly deno: string;
  readonly v8: string;
  readonly os: string;
  readonly cores: number;
  readonly adapter: null | {
    readonly description: string;
    readonly vendor: string;
    readonly fallback: boolean;
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
  };
  readonly targets: readonly {
    readonly name: string;
    readonly available: boolean;
    readonly description: string;
    /** Multiply-adds as two, in units of 1e9 a second. */
    readonly gflops: number | null;
    /** Bytes read and written, in units of 1e9 a second. */
    readonly gbps: number | null;
  }[];
  readonly advice: readonly string[];
}

const limitNames = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
  "minStorageBufferOffsetAlignment",
] as const;

/** The command. */
export const doctor: ReturnType<typeof command> = command({
  name: "doctor",
  summary: "what this machine offers, and what to install",
  usage: "[flags]",
  arity: [0, 0],
  example: ["", "--json"],
  json: true,
  permissions: "none",
  flags: {},
  async run({ print, document, colors }) {
    const found = await examine();
    await document(found);
    await print(
      `${colors.bold("Deno")}     ${found.deno}, V8 ${found.v8}, ${found.os}, ${found.cores} cores`,
    );
    if (found.adapter) {
      const { description, fallback, features, limits } = found.adapter;
      await print(`${colors.bold("adapter")}  ${description}${fallback ? " (software)" : ""}`);
      await print(`         features: ${features.join(" ") || "none"}`);
      for (const [name, value] of Object.entries(limits)) await print(`         ${name}: ${value}`);
    } else await print(`${colors.bold("adapter")}  none`);
    for (const { name, available, description, gflops, gbps } of found.targets) {
      const rates = gflops === null
        ? ""
        : `, ${gflops.toFixed(2)} GFLOP/s, ${gbps!.toFixed(2)} GB/s`;
      await print(
        `${colors.bold("target")}   ${name}: ${available ? description + rates : "absent"}`,
      );
    }
    for (const line of found.advice) await print(`${colors.bold("advice")}   ${line}`);
    return 0;
  },
});

/** Looks at the adapter and measures every target. */
export async function examine(): Promise<Findings> {
  const adapter = await navigator.gpu?.requestAdapter() ?? null;
  const targets: Findings["targets"][number][] = [];
  for (const name of ["webgpu", "reference"] as const) {
    try {
      const machine = await open(name);
      const size = name === "reference" ? 64 : 512;
      const elements = name === "reference" ? 1 << 16 : 1 << 22;
      const gflops = 2 * size ** 3 / await seconds(machine, (x) =>
        matmul(x, x), f32([size, size])) /
        1e9;
      const gbps = 8 * elements / await seconds(machine, (x) =>
        add(mul(x, 2), 1), f32([elements])) /
        1e9;
      targets.push({ name, available: true, description: machine.description, gflops, gbps });
      machine.dispose();
    } catch {
      targets.push({ name, available: false, description: "", gflops: null, gbps: null });
    }
  }
  const limits = adapter?.limits as unknown as Record<string, number> | undefined;
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    os: `${Deno.build.os} ${Deno.build.arch}`,
    cores: navigator.hardwareConcurrency,
    adapter: adapter && {
      description: adapter.info.description || adapter.info.device,
      vendor: adapter.info.vendor,
      fallback: adapter.info.isFallbackAdapter,
      features: [...adapter.features].sort(),
      limits: Object.fromEntries(limitNames.map((n) => [n, limits![n]])),
    },
    targets,
    advice: advice(adapter),
  };
}

function advice(adapter: GPUAdapter | null): string[] {
  if (!adapter) {
    return [
      "no WebGPU adapter: on Debian or Ubuntu, apt-get install mesa-vulkan-drivers libvulkan1; " +
      "elsewhere install your GPU's Vulkan driver",
    ];
  }
  return adapter.info.isFallbackAdapter
    ? ["the adapter is software: a GPU's Vulkan driver makes WebGPU many times faster"]
    : [];
}

/** Best of five runs after two, in seconds; a read of one element ends each. */
async function seconds(
  machine: Machine,
  f: (x: never) => unknown,
  type: Type,
): Promise<number> {
  const loaded = await machine.compile(stage(f as (...args: never[]) => unknown, [type]));
  const n = type.shape.reduce((a, b) => a * b, 1);
  const value: Host = { ...type, data: new Float32Array(n).fill(0.5) };
  const x = machine.upload(value);
  let best = Infinity;
  for (let i = 0; i < 7; i++) {
    const start = performance.now();
    const [out] = await loaded.run([x]);
    await out.read();
    out.dispose();
    if (i > 1) best = Math.min(best, performance.now() - start);
  }
  x.dispose();
  loaded.dispose();
  return best / 1000;
}
