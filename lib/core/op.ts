/**
 * The record of an operation. It carries its meaning, type rule, lowering, gradient, documentation
 * and examples; nodes hold the record itself, so compiling looks nothing up.
 * @module
 */
// deno-lint-ignore-file no-explicit-any -- attributes are erased here; declare.ts types them
import type { Combine, ConvGeometry } from "./form.ts";
import type { Host } from "./host.ts";
import type { Scalar } from "./scalar.ts";
import type { Tensor } from "./tensor.ts";
import type { Type } from "./type.ts";

/** Plain data that says how an operation is applied; checked and normalised by its fields. */
export type Attrs = Readonly<Record<string, any>>;

/** What an attribute holds, so that printing, documentation and file mapping know. */
export type FieldKind =
  | "axis"
  | "axes"
  | "shape"
  | "perm"
  | "pair"
  | "choice"
  | "number"
  | "integer"
  | "flag"
  | "dtype"
  | "list"
  | "text";

/** One attribute: its kind, its fallback, and the check that normalises what the author gave. */
export interface Field<T = any> {
  /** What it holds. */
  readonly kind: FieldKind;
  /** What it is, in a few words. */
  readonly doc: string;
  /** Present when the attribute may be left out. */
  readonly fallback?: { readonly value: T };
  /** The normalised value; throws an OptionError that names `name`. */
  check(value: unknown, ins: readonly Type[], name: string): T;
}

/** Reads element `coords` of operand `input` of an operation, as a term of the operand's kind. */
export type At = (input: number, coords: readonly Scalar[]) => Scalar;

/**
 * How an operation computes, with its operands behind `At`. `coords` are the coordinates of the
 * result in terms of the iteration's axes; left out, they are the axes themselves.
 */
export type Draft =
  | { readonly kind: "map"; readonly shape: readonly number[]; readonly body: Scalar }
  | {
    readonly kind: "reduce";
    readonly shape: readonly number[];
    readonly over: readonly number[];
    readonly combine: Combine;
    readonly body: Scalar;
    /** Of `acc0`; left out, `acc0` itself. */
    readonly out?: Scalar;
    readonly coords?: readonly Scalar[];
  }
  | {
    readonly kind: "rows";
    readonly shape: readonly number[];
    readonly over: readonly number[];
    readonly stages: readonly { readonly combine: Combine; readonly body: Scalar }[];
    readonly out: Scalar;
    readonly coords: readonly Scalar[];
  }
  | {
    readonly kind: "matmul";
    readonly batch: readonly number[];
    readonly m: number;
    readonly n: number;
    readonly k: number;
    readonly a: Scalar;
    readonly b: Scalar;
    readonly coords?: readonly Scalar[];
  }
  | ({ readonly kind: "conv"; readonly x: Scalar; readonly w: Scalar } & ConvGeometry);

/** What a gradient rule gets. */
export interface VjpArgs {
  /** Cotangent of the first output. */
  readonly ct: Tensor;
  /** Cotangents of all outputs; absent where nothing depends on one. */
  readonly cts: readonly (Tensor | undefined)[];
  /** The first output, and all of them. */
  readonly out: Tensor;
  /** All outputs. */
  readonly outs: readonly Tensor[];
  /** The operands. */
  readonly ins: readonly Tensor[];
  /** Attributes by name. */
  readonly attrs: Attrs;
  /** Which operands need a gradient at all. */
  readonly needs: readonly boolean[];
}

/** How an operation stands in a model file, where it is exactly one file operator. */
export interface Wire {
  /** The file operator's registry alias, such as `Elemwise`. */
  readonly opr: string;
  /** The mode, for operators that have one, such as `TANH`. */
  readonly mode?: string;
}

/** One example of an operation: operand types or generators by name, attributes by name. */
export interface Case {
  /** Operands in order, as types with a range or as values. */
  readonly ins: readonly CaseInput[];
  /** Attributes by name. */
  readonly attrs?: Attrs;
  /** Tolerance between targets: |a - b| <= atol + rtol·|b|; exact for integers and truth. */
  readonly tolerance?: { readonly rtol: number; readonly atol: number };
  /** False where differences say nothing, as at jumps; a list of operands where only these count. */
  readonly gradient?: boolean | readonly number[];
  /** Part of the benches. */
  readonly bench?: boolean;
}

/** An operand of a case: seeded numbers of a type within a range, or the values themselves. */
export type CaseInput =
  | { readonly type: Type; readonly from: number; readonly to: number }
  | Host;

/** An operation. Exactly one of `scalar`, `view`, `eval`, `compose` is its meaning. */
export interface Op {
  /** The name in texts, errors and tables. */
  readonly name: string;
  /** One sentence; equals the docstring's first. */
  readonly doc: string;
  /** Operand names; `?` marks an optional one, `...` a list. */
  readonly ins: readonly string[];
  /** Attributes that it takes, by name. */
  readonly fields: Readonly<Record<string, Field>>;
  /** Types of the outputs; throws ShapeError or DTypeError. */
  infer(ins: readonly Type[], attrs: Attrs): readonly Type[];
  /** Body of an elementwise operation, in f32, i32 or bool; operands broadcast. */
  readonly scalar?: (ins: readonly Scalar[], attrs: Attrs, types: readonly Type[]) => Scalar;
  /** Coordinates of the operand element that each result coordinate shows; a pure rearrangement. */
  readonly view?: (
    coords: readonly Scalar[],
    ins: readonly Type[],
    attrs: Attrs,
  ) => readonly Scalar[];
  /** The meaning on host values, for operations that no other part defines. */
  readonly eval?: (ins: readonly Host[], attrs: Attrs, outs: readonly Type[]) => readonly Host[];
  /** The meaning as a composition of other operations. */
  readonly compose?: (ins: readonly Tensor[], attrs: Attrs) => readonly Tensor[];
  /** The form that computes it; without one a composition is decomposed. */
  readonly lower?: (
    at: At,
    ins: readonly Type[],
    attrs: Attrs,
    outs: readonly Type[],
  ) => Draft | undefined;
  /** Cotangents of the operands, linear in `ct`; `undefined` for none. */
  readonly vjp?: (args: VjpArgs) => readonly (Tensor | undefined)[];
  /** Laws local to this operation: a simpler equal tensor, or `undefined`. */
  readonly simplify?: (out: Tensor) => Tensor | undefined;
  /** The one file operator that it is, if it is one. */
  readonly wire?: Wire;
  /** Examples: its conformance suite. */
  readonly cases: readonly Case[];
}
