/**
 * What a target and a machine are. A target turns forms into kernels and is pure; a machine holds
 * buffers and runs plans. A second target drops in by implementing these.
 * @module
 */
import type { Form, MapForm, Margin } from "./form.ts";
import type { Graph } from "./graph.ts";
import type { Host, HostArray, Resident } from "./host.ts";
import type { Plan, Recomputed } from "./plan.ts";
import type { DType, Type } from "./type.ts";

/** What bounds the plans and kernels of a target. */
export interface Limits {
  /** Operands plus results that one kernel can bind. */
  readonly bindings: number;
  /** Bytes that one binding, and so one arena, can have. */
  readonly bindingBytes: number;
  /** Alignment in bytes of slots within an arena. */
  readonly align: number;
  /** Work-groups along one dimension of a dispatch. */
  readonly workgroups: number;
  /** Invocations of one work-group. */
  readonly invocations: number;
  /** Bytes of memory that a work-group shares. */
  readonly sharedBytes: number;
  /** Loop iterations that one invocation may make in all; Infinity where nothing caps them. */
  readonly iterations: number;
}

/** A choice of tile shape, vector width and the like; plain data with a name. */
export interface Variant {
  readonly name: string;
  readonly [parameter: string]: number | string | boolean;
}

/** A form that reads packed operands, and the map that packs them. */
export interface Prepack {
  /** Packs; its operands are the form's `packs`, in order. */
  readonly pack: MapForm;
  readonly packs: readonly number[];
  /** The form with the packed operand last, after the operands `keeps`. */
  readonly form: Form;
  readonly keeps: readonly number[];
}

/** How a value lies in memory. */
export interface Layout {
  /** Its axes, outermost first. */
  readonly order: readonly number[];
  /** Zeros around each axis, by the axis' own number. */
  readonly margins: readonly Margin[];
  /** What its elements are kept as, where that is another dtype of the same kind. */
  readonly dtype?: DType;
}

/** What a layout may be wished for: `free` to choose at no cost, `fixed`, or never changing. */
export type Placement = "free" | "fixed" | "constant";

/** Forms to kernels of kind K. */
export interface Target<K> {
  readonly name: string;
  readonly limits: Limits;
  /** Variants that can compute the form, best guess first; `constants` names operands that never change. */
  variants(form: Form, constants?: readonly number[]): readonly Variant[];
  /** A packing of operands that this target reads several times faster, where there is one. */
  prepack?(form: Form): Prepack | undefined;
  /**
   * The layouts in which a form's operands, then its results, are read and written best, `undefined`
   * for any; `of` says what each may be.
   */
  layouts?(form: Form, of: (index: number) => Placement): readonly (Layout | undefined)[];
  /** The kernel of a form; equal kernels have equal text. */
  emit(form: Form, variant: Variant): K;
}

/** Memory saved by keeping borders of blocks and computing what is between them again. */
export interface SublinearMemory {
  /** Thresholds that are tried evenly, and again around the best of all; 10 by default. */
  readonly threshNrTry?: number;
  /** Rounds of mutation and crossover of where blocks end; 0 by default. */
  readonly geneticNrIter?: number;
  /** Cuts that each round starts from; 20 by default. */
  readonly geneticPoolSize?: number;
  /** MiB under which memory is given for speed: what is dearest is kept again; 0 by default. */
  readonly lbMemoryMb?: number;
  /** MegEngine's threads of the search; it takes one here, and gives the same for any number. */
  readonly numWorker?: number;
}

/** Memory bounded by giving up values and computing them again when they are read. */
export interface Dtr {
  /** Bytes that the values between steps may take together; arguments and results come on top. */
  readonly evictionThreshold: number;
  /** Bytes below which a value is never given up; 1 MiB by default. */
  readonly evicteeMinimumSize?: number;
  /** Exponent of the bytes that having a value again takes; 1 by default. */
  readonly recompMemoryFactor?: number;
  /** Exponent of the time that having a value again takes; 1 by default. */
  readonly recompTimeFactor?: number;
}

/** What a plan needs, in bytes. */
export interface MemoryReport {
  /** Arenas, constants, arguments and results together: all that is held while it runs. */
  readonly peakBytes: number;
  /** The arenas: values that live only while it runs. */
  readonly arenaBytes: number;
  /** The largest sum of values alive at one step; no placement takes less than this. */
  readonly lowerBound: number;
  /** Constants, parameters among them. */
  readonly constantBytes: number;
  /** Arguments that come with each call. */
  readonly argumentBytes: number;
  /** Results, which outlive the call. */
  readonly resultBytes: number;
  /** Bytes of the arenas that hold a live value at each step. */
  readonly timeline: readonly { readonly name: string; readonly liveBytes: number }[];
  /** With `sublinearMemory` or `dtr`: what is done again, and what that saves. */
  readonly recomputed?: Recomputed;
}

/** Fusions that are chosen by hand; what is unset the level decides. */
export interface GraphOpt {
  /**
   * Whether transposes and broadcasts are read in place by what uses them, or are kernels that
   * write what they give. Unset: in place.
   */
  readonly jitFuseDimshuffle?: boolean;
  /** Whether reductions compute their operands on the way. Unset: from level 2. */
  readonly jitFuseReduce?: boolean;
}

/** Options of compiling a graph. */
export interface CompileOptions {
  /** 0: what was written; 1: algebra, folding, sharing; 2: plus fusion; 3: plus measured kernels. */
  readonly optLevel?: 0 | 1 | 2 | 3;
  /** Fusions chosen by hand; the interpreter fuses nothing. */
  readonly graphOpt?: GraphOpt;
  /** Indices of arguments whose memory the results may take over. */
  readonly donate?: readonly number[];
  /** True if the graph will run a single time, for which it is not worth warming up. */
  readonly once?: boolean;
  /** Computes again instead of keeping; not together with `dtr`. */
  readonly sublinearMemory?: SublinearMemory;
  /** Keeps memory under a threshold; an OptionError names the least where that is not feasible. */
  readonly dtr?: Dtr;
}

/** One thing that a loaded graph does, for reports: a kernel, a copy, or one operation. */
export interface StepInfo {
  /** Operations computed here, outermost last, joined by `+`. */
  readonly name: string;
  /** The form's kind, `copy`, or `operation` where the interpreter runs one. */
  readonly kind: string;
  /** Where the author wrote them; parsed only when a message needs it. */
  readonly sites: readonly Error[];
  /** Types of the operands. */
  readonly ins: readonly Type[];
  /** Types of the results. */
  readonly outs: readonly Type[];
  /** The kernel that was chosen, where there was a choice. */
  readonly variant?: string;
  /** Work-groups, or parts of the work. */
  readonly dispatch?: readonly number[];
  /** Bytes of operands and results, each once. */
  readonly bytes: number;
  /** Arithmetic operations; a multiply-add is two. */
  readonly flops: number;
}

/** The time that one step took, in nanoseconds; starts count from the first step's. */
export interface StepTime {
  /** Index into the steps. */
  readonly step: number;
  /** When it began. */
  readonly start: number;
  /** How long it took. */
  readonly ns: number;
}

/** One run with every step timed. */
export interface Timed {
  /** What the run gave. */
  readonly outs: readonly Resident[];
  /** The device's own clock, or the host's, which counts what a step waits for as well. */
  readonly clock: "device" | "host";
  /** Milliseconds until the results were there; running steps again to time them is left out. */
  readonly ms: number;
  /** Steps that did work, in order. */
  readonly times: readonly StepTime[];
}

/** What making a graph ready took, in milliseconds. */
export interface Took {
  /** Passes, fusion, memory. */
  readonly plan: number;
  /** Kernels: their choice, their texts or modules, and what the driver or engine makes of them. */
  readonly compile: number;
  /** Constants, until the machine has taken them. */
  readonly upload: number;
}

/** A graph made ready on a machine. */
export interface Loaded {
  /** Runs once; arguments in the graph's order. */
  run(args: readonly (Host | Resident)[]): Promise<readonly Resident[]>;
  /** Runs once with every step timed, which is slower. */
  timed(args: readonly (Host | Resident)[]): Promise<Timed>;
  /** What it does, step by step. */
  steps(): readonly StepInfo[];
  /** What making it took. */
  readonly took: Took;
  /** What memory it needs. */
  memory(): MemoryReport;
  /** The plan, where the machine runs plans. */
  readonly plan?: Plan;
  /** Gives everything back. */
  dispose(): void;
}

/** Kernels chosen by measuring, by what they compute and where; JSON that can be stored. */
export type Tuning = Readonly<Record<string, TunedKernel>>;

/** A choice and what it was made by. */
export interface TunedKernel {
  /** The variant's name. */
  readonly variant: string;
  /** Nanoseconds of each variant that was measured. */
  readonly ns: Readonly<Record<string, number>>;
}

/** What `open` returns: a place where graphs run. */
export interface Machine {
  /** `webgpu`, `wasm` or `reference`. */
  readonly name: string;
  /** One line that says what it is, as the adapter's description. */
  readonly description: string;
  /** Makes a graph ready to run. */
  compile(graph: Graph, options?: CompileOptions): Promise<Loaded>;
  /** Puts a value on the machine. */
  upload(value: Host): Resident;
  /** Reads several residents in one batch, into arrays of the caller's where given. */
  read(
    values: readonly Resident[],
    into?: readonly (HostArray | undefined)[],
  ): Promise<readonly Host[]>;
  /** Kernel choices that `optLevel` 3 has measured here or was given; absent where none are made. */
  tuning?(): Tuning;
  /** Releases all that the machine holds. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
