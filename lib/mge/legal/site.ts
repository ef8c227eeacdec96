/**
 * What a writing rule sees: one node of a graph, its operands as variables of the file, and the
 * format that is written.
 * @module
 */
import type { Attrs } from "../../core/op.ts";
import type { Node, Tensor } from "../../core/tensor.ts";
import type { Type } from "../../core/type.ts";
import type { Emitter, Var } from "../emitter.ts";

/** Which container is written; V1 readers know fewer operators. */
export type Container = "V1" | "V2";

/** One node while it is written. */
export interface Writing {
  readonly e: Emitter;
  readonly node: Node;
  readonly ins: readonly Var[];
  readonly attrs: Attrs;
  /** Type of the first result, rank 0 as it is. */
  readonly out: Type;
  readonly container: Container;
}

/** How an operation stands in a file. */
export interface WritingRule {
  /** False where this node has no such operators and is composed instead. */
  readonly takes?: (node: Node, container: Container) => boolean;
  /** Adds the operators and gives the result, or all results of a node with several. */
  readonly write: (site: Writing) => Var | readonly Var[];
}

/** Writing rules by name of operation. */
export type WritingRules = Readonly<Record<string, WritingRule>>;

/**
 * An equal tensor made of operations that files have; `undefined` to leave the node alone. It is
 * asked for each result of a node.
 */
export type Lowering = (t: Tensor) => Tensor | undefined;

/** Lowerings by name of operation. */
export type Lowerings = Readonly<Record<string, Lowering>>;
