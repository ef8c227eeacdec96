/**
 * What a target and a machine are. A target turns forms into kernels and is pure; a machine holds
 * buffers and runs plans. A second target drops in by implementing these.
 * @module
 */
import type { Form, MapForm } from "./form.ts";
import type { Graph } from "./graph.ts";
import type { Host, Resident } from "./host.ts";
import type { Plan } from "./plan.ts";

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

/** Forms to kernels of kind K. */
export interface Target<K> {
  readonly name: string;
  readonly limits: Limits;
  /** Variants that can compute the form, best guess first; `constants` names operands that never change. */
  variants(form: Form, constants?: readonly number[]): readonly Variant[];
  /** A layout of operands that this target reads several times faster, where there is one. */
  prepack?(form: Form): Prepack | undefined;
  /** The kernel of a form; equal kernels have equal text. */
  emit(form: Form, variant: Variant): K;
}

/** Options of compiling a graph. */
export interface CompileOptions {
  /** 0: what was written; 1: algebra, folding, sharing; 2: plus fusion; 3: plus measured kernels. */
  readonly optLevel?: 0 | 1 | 2 | 3;
  /** Indices of arguments whose memory the results may take over. */
  readonly donate?: readonly number[];
}

/** A graph made ready on a machine. */
export interface Loaded {
  /** Runs once; arguments in the graph's order. */
  run(args: readonly (Host | Resident)[]): Promise<readonly Resident[]>;
  /** The plan, where the machine runs plans. */
  readonly plan?: Plan;
  /** Gives everything back. */
  dispose(): void;
}

/** What `open` returns: a place where graphs run. */
export interface Machine {
  /** `webgpu` or `reference`. */
  readonly name: string;
  /** One line that says what it is, as the adapter's description. */
  readonly description: string;
  /** Makes a graph ready to run. */
  compile(graph: Graph, options?: CompileOptions): Promise<Loaded>;
  /** Puts a value on the machine. */
  upload(value: Host): Resident;
  /** Reads several residents in one batch. */
  read(values: readonly Resident[]): Promise<readonly Host[]>;
  /** Releases all that the machine holds. */
  dispose(): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
