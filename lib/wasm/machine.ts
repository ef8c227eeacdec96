/**
 * The WebAssembly machine: graphs become plans, forms become functions, and all threads of one
 * memory run them.
 * @module
 */
import { tableRoom, tableStart } from "../../kernels/wasm/control.ts";
import { newTable } from "../../kernels/wasm/module.ts";
import { wasm, wasmLimits } from "../../kernels/wasm/target.ts";
import { DeviceError } from "../core/fault.ts";
import type { Graph } from "../core/graph.ts";
import type { Host, HostArray, Resident } from "../core/host.ts";
import { type Pool, residentsOf } from "../core/residents.ts";
import type { CompileOptions, Loaded, Machine, Tuning } from "../core/target.ts";
import { compilePlan } from "../plan/compile.ts";
import { constantsOf } from "./constants.ts";
import { engine } from "./features.ts";
import { type Block, newHeap } from "./heap.ts";
import { loadPlan, type Place } from "./run.ts";
import { startThreads } from "./threads.ts";

/** How the target is opened. */
export interface WasmOptions {
  /** Threads, this one among them; by default as many as cores, where memory can be shared. */
  readonly threads?: number;
  /** A file of the page's own origin that holds the worker, where `blob:` workers are forbidden. */
  readonly worker?: string | URL;
  /** False leaves out fused multiply-adds even where there are some. */
  readonly madd?: boolean;
  /** Milliseconds after which a thread that does not come is taken for dead. */
  readonly patience?: number;
  /** Kernel choices that were measured before. */
  readonly tuning?: Tuning;
}

/** A machine that runs plans as WebAssembly. */
export interface WasmMachine extends Machine {
  /** Where its plans run: one memory and its threads. */
  readonly place: Place;
  /** True once a thread of it has died, which ends it. */
  isLost(): boolean;
}

/** Pages of the largest memory with addresses of 32 bits. */
const mostPages = 65536;

/** Opens the target; throws a DeviceError where WebAssembly has no vectors, or is forbidden. */
export function openWasm(options: WasmOptions = {}): WasmMachine {
  const found = engine();
  if (!found.allowed) {
    throw new DeviceError(
      `Cannot open "wasm": the Content-Security-Policy of this page forbids WebAssembly\n` +
        `  try adding 'wasm-unsafe-eval' to its script-src, or open("reference")`,
      { code: "device.forbidden" },
    );
  }
  if (!found.simd) {
    throw new DeviceError(
      'Cannot open "wasm": this engine has no WebAssembly SIMD\n  try open("reference")',
      { code: "device.absent" },
    );
  }
  const cores = typeof navigator === "undefined" ? 1 : navigator.hardwareConcurrency ?? 1;
  const wanted = Math.max(1, Math.min(options.threads ?? cores, cores));
  const shared = found.threads && wanted > 1;
  const heap = newHeap(shared, false, mostPages);
  const threads = startThreads(heap, {
    count: wanted,
    worker: options.worker,
    patience: options.patience,
  });
  const features = { madd: (options.madd ?? true) && found.madd, wide: false, shared };
  let open = true;
  const check = (tried: string) => {
    if (!open) throw new DeviceError(`Cannot ${tried}: the WebAssembly target was disposed`);
  };
  const pool: Pool<Block> = {
    take: heap.take,
    give: heap.give,
    write: (block, bytes) => heap.bytes(block.address, bytes.byteLength).set(bytes),
    read: (ranges, into = []) =>
      Promise.resolve(ranges.map(({ block, bytes }, i) => {
        const from = heap.bytes(block.address, bytes);
        const own = into[i];
        if (!own) return from.slice();
        own.set(from);
        return own as Uint8Array<ArrayBuffer>;
      })),
    check,
    isGone: () => !open,
  };
  const machine = {} as WasmMachine;
  const residents = residentsOf(machine, pool);
  const target = wasm(wasmLimits(mostPages * 65536));
  const place: Place = {
    ...{ heap, threads, constants: constantsOf(heap), residents, features, check },
    table: newTable(tableStart, tableRoom),
  };
  const dispose = () => {
    open = false;
    threads.dispose();
  };
  const own: WasmMachine = {
    name: "wasm",
    /** Whether other threads could be started is known once a first plan is there. */
    get description() {
      const { count, refusal } = threads;
      return `WebAssembly SIMD, ${count} thread${count > 1 ? "s" : ""}` +
        (refusal ? ` (others could not be started: ${refusal})` : "") +
        (features.madd ? ", fused multiply-add" : "");
    },
    place,
    async compile(graph: Graph, how: CompileOptions = {}): Promise<Loaded> {
      check("compile");
      const begun = performance.now();
      const plan = compilePlan(graph, target.limits, how, target);
      const planned = performance.now();
      const chosen = plan.steps.map((step) => {
        if (step.kind === "copy") return undefined;
        const constants = step.form.ins.flatMap((_, i) =>
          plan.slots[step.slots[i]].kind === "constant" ? [i] : []
        );
        return target.variants(step.form, constants)[0];
      });
      const kernels = plan.steps.map((step, i) =>
        step.kind === "copy" ? undefined : target.emit(step.form, chosen[i]!)
      );
      return await loadPlan(place, plan, kernels, {
        donate: how.donate,
        once: how.once,
        variants: chosen.map((variant) => variant?.name),
        took: { plan: planned - begun, emit: performance.now() - planned },
      });
    },
    upload: (value: Host): Resident => residents.upload(value),
    read: (values: readonly Resident[], into?: readonly (HostArray | undefined)[]) =>
      residents.read(values, into),
    isLost: threads.isLost,
    dispose,
    [Symbol.asyncDispose](): Promise<void> {
      dispose();
      return Promise.resolve();
    },
  };
  return Object.defineProperties(machine, Object.getOwnPropertyDescriptors(own));
}
