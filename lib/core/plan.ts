/**
 * A plan: what a machine carries out, as plain data. Every size and address is known; nothing in it
 * refers to a device.
 * @module
 */
import type { Data } from "./host.ts";
import type { Form, Margin } from "./form.ts";
import type { Type } from "./type.ts";

/**
 * Where a value lives while a plan runs. Arena slots share memory by lifetime; arguments come with
 * each call; constants are filled once at load; results outlive the call.
 */
export type Slot =
  & {
    readonly type: Type;
    readonly bytes: number;
    /** Zeros around the value, by the axes of its type; a kernel writes only what is inside. */
    readonly border?: readonly Margin[];
  }
  & (
    | { readonly kind: "arena"; readonly arena: number; readonly offset: number }
    | { readonly kind: "arg"; readonly index: number }
    | { readonly kind: "constant"; readonly data: Data }
    | { readonly kind: "result"; readonly index: number }
  );

/** An index into `Plan.slots`. */
export type SlotId = number;

/** One step of a plan. */
export type Step =
  /** Runs a form; `slots` are its operands in order, then its results. */
  | {
    readonly kind: "kernel";
    readonly form: Form;
    readonly slots: readonly SlotId[];
    /** Operations computed here, outermost last, for reports. */
    readonly name: string;
    /** Where the author wrote them; parsed only when a message needs it. */
    readonly sites: readonly Error[];
  }
  /** Copies a dense value; types agree but for the shape. */
  | { readonly kind: "copy"; readonly from: SlotId; readonly to: SlotId };

/** What is done again to hold less at one time. */
export interface Recomputed {
  /** Steps that are done again. */
  readonly steps: number;
  /** Their arithmetic operations: what a run makes more. */
  readonly flops: number;
  /** Bytes of the arenas if nothing were done again. */
  readonly arenaBytesWithout: number;
}

/** A compiled graph: buffers, steps, and which slots are arguments and results. */
export interface Plan {
  /** Bytes of each arena; none is larger than a binding may be. */
  readonly arenas: readonly number[];
  /** Where each value lives. */
  readonly slots: readonly Slot[];
  /** What is done, in order. */
  readonly steps: readonly Step[];
  /** Slot of each argument of the graph, in order; -1 where nothing needs it. */
  readonly args: readonly SlotId[];
  /** Slot of each result; an argument's or a constant's slot where the result is that value. */
  readonly outs: readonly SlotId[];
  /** Largest sum of live arena bytes over the steps, and the arenas' total. */
  readonly memory: {
    readonly lowerBound: number;
    readonly arenaBytes: number;
    readonly constantBytes: number;
    readonly resultBytes: number;
    /** What was traded for fewer arena bytes. */
    readonly recomputed?: Recomputed;
  };
}
