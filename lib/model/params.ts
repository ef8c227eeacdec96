/**
 * Parameters: a spec is a tree of leaves that say type and first value; `init` makes the tree of
 * tensors. Paths in the tree are the names in files.
 * @module
 */
import { constant, detach } from "../core/leaf.ts";
import { ShapeError } from "../core/fault.ts";
import type { Data } from "../core/host.ts";
import { orderOf } from "../core/graph.ts";
import { isTensor, type Node, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, type Path, pathText } from "../core/tree.ts";
import { f32, printType, sameShape, type Type } from "../core/type.ts";
import { evaluateNow } from "../cpu/evaluate.ts";
import { splitKey } from "../ops/random.ts";
import type { Initializer } from "./initializers.ts";

/** One parameter of a spec: its type and how it begins. */
export interface Leaf {
  /** Tells leaves from branches. */
  readonly kind: "parameter";
  /** Type of the tensor. */
  readonly type: Type;
  /** How it begins. */
  readonly initial: Initializer;
  /** True for running statistics and the like, which are not trained. */
  readonly buffer: boolean;
}

/** The tree of tensors that a spec describes. */
export type Params<S> = S extends Leaf ? Tensor : { readonly [K in keyof S]: Params<S[K]> };

/** A parameter of a shape. */
export function parameter(shape: readonly number[], initial: Initializer): Leaf {
  return { kind: "parameter", type: f32(shape), initial, buffer: false };
}

/** A state of a shape that is not trained. */
export function buffer(shape: readonly number[], initial: Initializer): Leaf {
  return { kind: "parameter", type: f32(shape), initial, buffer: true };
}

/** True for a leaf of a spec. */
export function isSpecLeaf(value: unknown): value is Leaf {
  return typeof value === "object" && value !== null && (value as Leaf).kind === "parameter";
}

/**
 * Seeded first values for a spec, on the host; the same key gives the same values everywhere. The
 * leaves carry their paths as names.
 */
export function init<S>(spec: S, key: Tensor): Params<S> {
  const leaves = leavesOf(spec, isSpecLeaf);
  const keys = splitKey(key, Math.max(1, leaves.length));
  let at = 0;
  return mapTree(spec, isSpecLeaf, (leaf, path) => {
    const [value] = evaluateNow([leaf.initial(keys[at++], leaf.type)]);
    return constant(value, pathText(path));
  }) as Params<S>;
}

/**
 * The tree of a spec filled by name: `find` gives each path's data. Shapes may differ by axes of
 * extent 1 only: [1,20,1,1] fills [20]. Throws ShapeError naming the parameter.
 */
export function fill<S>(spec: S, find: (name: string) => Data): Params<S> {
  return mapTree(spec, isSpecLeaf, (leaf, path) => {
    const name = pathText(path);
    return constant(fitted(find(name), leaf.type, name), name);
  }) as Params<S>;
}

function fitted(data: Data, type: Type, name: string): Data {
  const bare = (shape: readonly number[]) => shape.filter((e) => e !== 1);
  if (data.dtype !== type.dtype || !sameShape(bare(data.shape), bare(type.shape))) {
    throw new ShapeError(
      `Cannot fill parameter ${name}: ${printType(type)} with ${printType(data)}: they differ`,
    );
  }
  return sameShape(data.shape, type.shape) ? data : { ...data, shape: type.shape };
}

/** The path of every leaf of a parameter tree with its tensor, in order. */
export function namedLeaves(tree: unknown): { readonly name: string; readonly value: Tensor }[] {
  return leavesOf(tree, isTensor).map(({ leaf, path }) => ({ name: pathText(path), value: leaf }));
}

/** Looks through the marks that gradients put around parameters. */
function unmarked(t: Tensor): Tensor {
  return t.node.op.name === "mark" ? unmarked(t.node.ins[0]) : t;
}

/**
 * A parameter tree in which states that `term` updates have their new values: those that layers
 * in training mode recorded, such as running statistics. Other leaves stay the same.
 */
export function updated<P>(p: P, term: Tensor): P {
  const next = new Map<Node, Tensor>();
  for (const node of orderOf([term])) {
    if (node.op.name === "updates") next.set(unmarked(node.ins[1]).node, detach(node.ins[2]));
  }
  return mapTree(p, isTensor, (t: Tensor, _path: Path) => next.get(unmarked(t).node) ?? t) as P;
}
