/**
 * `doctor`: what this machine offers, measured, and what to install where there is no adapter.
 * @module
 */
import { open } from "../trace/open.ts";
import { peakOf } from "../trace/peak.ts";
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
  for (const name of ["webgpu", "wasm", "reference"] as const) {
    try {
      const machine = await open(name);
      const { gflops, gbps } = await peakOf(machine);
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
      "no WebGPU adapter: with a GPU, install its Vulkan driver; without one, wasm is the fastest, " +
      "and on Debian or Ubuntu apt-get install mesa-vulkan-drivers libvulkan1 gives a software adapter",
    ];
  }
  return adapter.info.isFallbackAdapter
    ? [
      "the adapter is software: auto takes wasm instead; a GPU's Vulkan driver makes WebGPU many " +
      "times faster",
    ]
    : [];
}
