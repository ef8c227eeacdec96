/**
 * What blocks of code are: which axes and accumulators are named in them, and how terms get there.
 * @module
 */
import type { Scalar } from "../../lib/core/scalar.ts";
import type { DType } from "../../lib/core/type.ts";
import type { Code, Local } from "./code.ts";
import type { ModuleWriter } from "./module.ts";

/** What a kernel knows of an operand. */
export interface Operand {
  /** The local that holds its address. */
  readonly pointer: Local;
  readonly dtype: DType;
  /** Elements that it has. */
  readonly size: number;
}

/** What is named in a block: axes by i32 locals, accumulators by v128 locals. */
export interface Names {
  readonly axes?: ReadonlyMap<number, Local>;
  readonly accs?: ReadonlyMap<number, Local>;
  /** The axis along which four neighbours are computed; its local is the first's coordinate. */
  readonly lanes?: number;
  /** How many of the four are there; 4 unless stated. Nothing is gathered for the others. */
  readonly alive?: number;
  /** Steps by which coordinates lie beyond their locals here. */
  readonly shift?: ReadonlyMap<number, number>;
}

/** A block. */
export interface Scope {
  readonly code: Code;
  readonly module: ModuleWriter;
  readonly operands: readonly Operand[];
  /** The axis of the four neighbours here, if there is one. */
  readonly lanes: number | undefined;
  readonly alive: number;
  /** Pushes a term's value for four neighbours, all equal where it does not depend on them. */
  vector(term: Scalar): void;
  /** Pushes an i32 or truth, for the neighbour `lane`. */
  scalar(term: Scalar, lane?: number): void;
  /** The locals of an axis and an accumulator. */
  axis(axis: number): Local | undefined;
  acc(index: number): Local | undefined;
  /** By how much a coordinate lies beyond its axis' local. */
  shift(axis: number): number;
  /** True if the term differs between neighbours here. */
  varies(term: Scalar): boolean;
  /**
   * A local with the address of an element, and the constant bytes to add to it; `undefined` for
   * the pointer where the address differs between neighbours otherwise than by `step` elements.
   */
  address(operand: number, index: Scalar): Address | undefined;
  /** The same for one neighbour by itself, whatever its address looks like. */
  single(operand: number, index: Scalar, lane: number): Address;
  /** A local that holds a term's value: four, or that of the first neighbour. */
  kept(term: Scalar, form: Form): Local;
  /** A block inside this one; its code is the caller's to append. */
  child(names: Names): Scope;
  /** The same block for further terms, whose parts are counted anew. */
  within(terms: readonly Scalar[]): Scope;
}

/** How a value is kept. */
export type Form = "vector" | "scalar";

/** Where an element is. */
export interface Address {
  readonly pointer: Local;
  /** Constant bytes behind it; never negative. */
  readonly offset: number;
  /** Elements from one neighbour to the next. */
  readonly step: number;
}
