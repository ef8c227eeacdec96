/**
 * The WebAssembly machine: graphs become plans, forms become functions, and all threads of one
 * memory run them.
 * @module
 */
import { tableRoom, tableStart } from "../../kernels/wasm/control.ts";
import type { WasmKernel } from "../../kernels/wasm/kernel.ts";
import { newTable } from "../../kernels/wasm/module.ts";
import { packedSize } from "../../kernels/wasm/packing.ts";
import { wasm, wasmLimits } from "../../kernels/wasm/target.ts";
import { DeviceError } from "../core/fault.ts";
import type { Form } from "../core/form.ts";
import type { Graph } from "../core/graph.ts";
import { arrayOf, type Host, type HostArray, type Resident } from "../core/host.ts";
import type { Plan } from "../core/plan.ts";
import { type Pool, residentsOf } from "../core/residents.ts";
import type { CompileOptions, Loaded, Machine, Target, Tuning, Variant } from "../core/target.ts";
import { sizeOf, type Type } from "../core/type.ts";
import { compilePlan } from "../plan/compile.ts";
import { tunerOf } from "../plan/tune.ts";
import { flopsOf } from "../plan/work.ts";
import { constantsOf } from "./constants.ts";
import { engine } from "./features.ts";
import { type Block, type Heap, newHeap } from "./heap.ts";
import { packerOf } from "./packer.ts";
import { broughtBytes } from "./room.ts";
import { loadPlan, type Place } from "./run.ts";
import { startThreads } from "./threads.ts";

/** How the target is opened. */
export interface WasmOptions {
  /**
   * Threads, this one among them, where memory can be shared; as many as cores by default, and those
   * start with the first plan that computes long, or behind the second run. With a number, or where
   * `worker` is stated, they start at once.
   */
  readonly threads?: number;
  /** A file of the page's own origin that holds the worker, where `blob:` workers are forbidden. */
  readonly worker?: string | URL;
  /** False leaves out fused multiply-adds even where there are some. */
  readonly madd?: boolean;
  /** Milliseconds after which a thread that does not come is taken for dead; 30,000 by default. */
  readonly patience?: number;
  /**
   * Bytes that the memory with addresses of 32 bits may have, by default 4 GiB; what does not fit
   * goes to a second one of 64 bits, where the engine has that.
   */
  readonly mostBytes?: number;
  /** Kernel choices that were measured before. */
  readonly tuning?: Tuning;
}

/** A machine that runs plans as WebAssembly. */
export interface WasmMachine extends Machine {
  /** True once a thread of it has died, which ends it. */
  isLost(): boolean;
  /** Its memories, with what is in them: one, and a second where the first is too small. */
  places(): readonly Place[];
}

/** Pages of the largest memory with addresses of 64 bits that engines make. */
const mostWidePages = 2 ** 18;
/** Operations from which a run is sooner done if threads are started for it. */
const long = 1e9;
/** Runs that are timed for a choice; the least counts. */
const rounds = 3;

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
  const count = Math.max(1, Math.min(options.threads ?? cores, cores));
  const machine = {} as WasmMachine;
  let open = true;
  const check = (tried: string) => {
    if (!open) throw new DeviceError(`Cannot ${tried}: the WebAssembly target was disposed`);
  };
  /** A memory and its threads; what is wide has addresses of 64 bits. */
  const placeOf = (wide: boolean, pages: number): Place => {
    const heap = newHeap(found.threads && count > 1, wide, pages);
    const { worker, patience } = options;
    const features = { madd: (options.madd ?? true) && found.madd, wide, shared: heap.shared };
    return {
      ...{
        heap,
        features,
        residents,
        check,
        constants: constantsOf(heap, packerOf(heap, features)),
      },
      threads: startThreads(heap, {
        count,
        worker,
        patience,
        later: !options.threads && !worker,
      }),
      table: newTable(tableStart, tableRoom),
    };
  };
  let wide: Place | undefined;
  /** Where so many bytes have room: what the first memory cannot hold goes to one of 64 bits. */
  const placeFor = (bytes: number): Place =>
    first.heap.hasRoom(bytes) || !found.wide ? first : wide ??= placeOf(true, mostWidePages);
  const residents = residentsOf(
    machine,
    poolOf((bytes) => placeFor(bytes).heap, check, () => !open),
  );
  const first = placeOf(false, Math.floor((options.mostBytes ?? 2 ** 32) / 65536));
  const places = () => wide ? [first, wide] : [first];
  const target = wasm(wasmLimits((found.wide ? mostWidePages : first.heap.most) * 65536));
  const tuner = tunerOf(describe(first), timeOf, options.tuning);

  async function timeOf(alone: Plan, { form }: { form: Form }, variant: Variant): Promise<number> {
    const kernels = [target.emit(form, variant)];
    const loaded = await loadPlan(placeFor(needOf(alone, kernels)), alone, kernels);
    const args = alone.args.map((id) => residents.upload(zeros(alone.slots[id].type)));
    try {
      let least = Infinity;
      for (let i = 0; i < rounds; i++) {
        const { outs, times } = await loaded.timed(args);
        least = Math.min(least, times.reduce((sum, { ns }) => sum + ns, 0));
        outs.forEach((out) => out.dispose());
      }
      return least;
    } finally {
      args.forEach((value) => value.dispose());
      loaded.dispose();
    }
  }

  const dispose = () => {
    open = false;
    for (const { threads } of places()) threads.dispose();
  };
  const own: WasmMachine = {
    name: "wasm",
    /** Whether other threads could be started is known once a first plan is there. */
    get description() {
      return describe(first);
    },
    async compile(graph: Graph, how: CompileOptions = {}): Promise<Loaded> {
      check("compile");
      const begun = performance.now();
      const { heap, threads, constants } = first;
      const grown = heap.reserve(broughtBytes(constants, graph));
      const isTouched = !grown || threads.touch(grown);
      const plan = compilePlan(graph, target.limits, how, target);
      if (isLong(plan)) threads.start();
      if (!isTouched) threads.touch(grown);
      const planned = performance.now();
      const choices = choicesOf(plan, target);
      const chosen = await tuner.choose(plan, choices, how.optLevel === 3);
      const kernels = plan.steps.map((step, i) =>
        step.kind === "copy" ? undefined : target.emit(step.form, chosen[i]!)
      );
      check("compile");
      return await loadPlan(placeFor(needOf(plan, kernels)), plan, kernels, {
        donate: how.donate,
        once: how.once,
        variants: chosen.map((variant) => variant?.name),
        took: { plan: planned - begun, emit: performance.now() - planned },
      });
    },
    upload: (value: Host): Resident => residents.upload(value),
    read: (values: readonly Resident[], into?: readonly (HostArray | undefined)[]) =>
      residents.read(values, into),
    tuning: tuner.known,
    isLost: () => places().some(({ threads }) => threads.isLost()),
    places,
    dispose,
    [Symbol.asyncDispose](): Promise<void> {
      dispose();
      return Promise.resolve();
    },
  };
  return Object.defineProperties(machine, Object.getOwnPropertyDescriptors(own));
}

function describe({ threads: { count, refusal }, features: { madd } }: Place): string {
  return `WebAssembly SIMD, ${count} thread${count > 1 ? "s" : ""}` +
    (refusal ? ` (others could not be started: ${refusal})` : "") +
    (madd ? ", fused multiply-add" : "");
}

/** True for plans that run long enough to be worth starting threads for. */
function isLong({ steps }: Plan): boolean {
  const work = steps.reduce((n, step) => n + (step.kind === "copy" ? 0 : flopsOf(step.form)), 0);
  return work >= long;
}

/** What can compute each step, best guess first; none for copies. */
function choicesOf(plan: Plan, target: Target<WasmKernel>): readonly (readonly Variant[])[] {
  return plan.steps.map((step) => {
    if (step.kind === "copy") return [];
    const constants = step.form.ins.flatMap((_, i) =>
      plan.slots[step.slots[i]].kind === "constant" ? [i] : []
    );
    return target.variants(step.form, constants);
  });
}

/** Bytes that a plan takes at most, each of its values in a block of its own. */
function needOf(plan: Plan, kernels: readonly (WasmKernel | undefined)[]): number {
  const slots = plan.slots.filter(({ kind }) => kind !== "arena");
  const packed = kernels.flatMap((kernel) => kernel?.packs.filter((p) => p !== undefined) ?? []);
  const room = (bytes: number) => Math.ceil(bytes / 64) * 64 + 64;
  return plan.arenas.reduce((n, bytes) => n + room(bytes), 0) +
    slots.reduce((n, { bytes }) => n + room(bytes), 0) +
    packed.reduce((n, packing) => n + room(4 * packedSize(packing)), 0);
}

function zeros({ dtype, shape }: Type): Host {
  return { dtype, shape, data: arrayOf(dtype, sizeOf(shape)) };
}

/** Blocks of whichever memory has room, as what residents live in. */
function poolOf(
  heapFor: (bytes: number) => Heap,
  check: (tried: string) => void,
  isGone: () => boolean,
): Pool<Block> {
  return {
    take(bytes, what) {
      check("upload");
      return heapFor(bytes).take(bytes, what);
    },
    give: (block) => block.heap.give(block),
    write: ({ heap, address }, bytes) => heap.bytes(address, bytes.byteLength).set(bytes),
    read: (ranges, into = []) =>
      Promise.resolve(ranges.map(({ block: { heap, address }, bytes }, i) => {
        const from = heap.bytes(address, bytes);
        const own = into[i];
        if (!own) return from.slice();
        own.set(from);
        return own as Uint8Array<ArrayBuffer>;
      })),
    check,
    isGone,
  };
}
