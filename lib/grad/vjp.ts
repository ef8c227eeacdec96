/**
 * Gradients as functions on functions. The result is an ordinary term, so gradients nest to any
 * order. Each call puts fresh marks around what it differentiates by.
 * @module
 */
import { DTypeError, ShapeError, StageError } from "../core/fault.ts";
import { orderOf } from "../core/graph.ts";
import { mark } from "../core/leaf.ts";
import { isTensor, located, type Node, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree } from "../core/tree.ts";
import { isFloat, printType, sameShape, sameType } from "../core/type.ts";
import { add } from "../ops/arithmetic.ts";
import { ones } from "../ops/create.ts";
import { sumTo } from "../ops/shape.ts";
import { zero } from "../ops/zero.ts";

/**
 * Cotangents of `targets` for cotangents of `outs`: for each target the term, or `undefined` where
 * nothing flows to it.
 */
export function backward(
  outs: readonly Tensor[],
  cts: readonly (Tensor | undefined)[],
  targets: readonly Tensor[],
): readonly (Tensor | undefined)[] {
  const order = orderOf(outs);
  const reaches = new Set<Node>(targets.map((t) => t.node));
  for (const node of order) if (node.ins.some((t) => reaches.has(t.node))) reaches.add(node);
  const pending = new Map<Node, (Tensor | undefined)[]>();
  const give = (to: Tensor, ct: Tensor) => {
    const list = pending.get(to.node) ?? to.node.outs.map(() => undefined);
    const before = list[to.out];
    list[to.out] = before ? add(before, ct) : ct;
    pending.set(to.node, list);
  };
  outs.forEach((out, i) => {
    const ct = cts[i];
    if (ct && reaches.has(out.node)) give(out, ct);
  });
  const stops = new Set(targets.map((t) => t.node));
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    const list = pending.get(node);
    if (!list || stops.has(node) || !reaches.has(node)) continue;
    pullThrough(node, list, reaches).forEach((ct, k) => {
      const to = node.ins[k];
      if (ct && reaches.has(to.node)) give(to, fitted(ct, to, node));
    });
  }
  return targets.map((t) => pending.get(t.node)?.[t.out]);
}

/** Applies one operation's rule, or differentiates its composition. */
function pullThrough(
  node: Node,
  cts: readonly (Tensor | undefined)[],
  reaches: ReadonlySet<Node>,
): readonly (Tensor | undefined)[] {
  const { op, ins, attrs, results } = node;
  const ct = cts.find((c) => c !== undefined)!;
  const needs = ins.map((t) => reaches.has(t.node));
  if (op.vjp) return op.vjp({ ct, cts, out: results[0], outs: results, ins, attrs, needs });
  if (op.compose) {
    const marks = ins.map((t, k) => needs[k] ? mark(t) : t);
    const outs = op.compose(marks, attrs);
    const wanted = marks.filter((_, k) => needs[k]);
    const got = backward(outs, cts, wanted);
    let at = 0;
    return ins.map((_, k) => needs[k] ? got[at++] : undefined);
  }
  if (!isFloat(node.outs[0].dtype)) return ins.map(() => undefined);
  throw located(
    new StageError(`Cannot differentiate ${op.name}: it has no gradient`, {
      code: "stage.gradient",
    }),
    node.site,
  );
}

/** Operands of an elementwise operation broadcast; their cotangents are summed back, here only. */
function fitted(ct: Tensor, to: Tensor, node: Node): Tensor {
  const summed = node.op.scalar && !sameShape(ct.shape, to.shape) ? sumTo(ct, to.shape) : ct;
  if (!sameType(summed, to)) {
    throw new TypeError(
      `internal: the gradient of ${node.op.name} gives ${printType(ct)} for ${printType(to)}`,
    );
  }
  return summed;
}

function isPromise(value: unknown): boolean {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}

function scalarLoss(value: unknown): Tensor {
  if (isPromise(value)) {
    throw new StageError(
      "Cannot differentiate a function that returns a promise: models and losses are synchronous",
      { code: "stage.async" },
    );
  }
  if (!isTensor(value)) {
    throw new StageError("Cannot differentiate this function: it must return one tensor");
  }
  if (!isFloat(value.dtype)) {
    throw new DTypeError(`Cannot differentiate ${printType(value)}: it must be f32 or f16`);
  }
  if (value.shape.some((extent) => extent !== 1)) {
    throw new ShapeError(
      `Cannot take the gradient of ${printType(value)}: it must be one number\n` +
        "  try sum() or mean() on it, or vjp() with a cotangent",
    );
  }
  return value;
}

function lossAt(value: unknown, site: Error): Tensor {
  try {
    return scalarLoss(value);
  } catch (error) {
    throw located(error, site);
  }
}

/**
 * The value of a function of one number's result, and its gradient with respect to the first
 * argument, a tensor or a tree of them. Leaves that the value does not depend on, and integer
 * leaves, get zeros.
 */
export function valueAndGrad<P = Tensor, A extends readonly unknown[] = []>(
  f: (p: P, ...rest: A) => Tensor,
): (p: P, ...rest: A) => [Tensor, P] {
  return (p: P, ...rest: A): [Tensor, P] => {
    const marked = mapTree(p, isTensor, (t) => isFloat(t.dtype) ? mark(t) : t) as P;
    const value = lossAt(f(marked, ...rest), new Error("grad"));
    const leaves = leavesOf(marked, isTensor).map(({ leaf }) => leaf);
    const targets = leaves.filter((t) => isFloat(t.dtype));
    const got = backward([value], [ones(value.shape, value.dtype)], targets);
    const found = new Map(targets.map((t, i) => [t, got[i]]));
    const grads = mapTree(
      marked,
      isTensor,
      (t) => found.get(t) ?? zero({ dtype: t.dtype, shape: t.shape }),
    );
    return [value, grads as P];
  };
}

/** The gradient of a function of one number's result with respect to its first argument, a tree. */
export function grad<P = Tensor, A extends readonly unknown[] = []>(
  f: (p: P, ...rest: A) => Tensor,
): (p: P, ...rest: A) => P {
  const both = valueAndGrad(f);
  return (p: P, ...rest: A): P => both(p, ...rest)[1];
}

/**
 * The result of a function on some tensors, and the function from a cotangent of the result to
 * the cotangents of those tensors.
 */
export function vjp<A extends readonly Tensor[]>(
  f: (...args: A) => Tensor,
  ...args: A
): [Tensor, (ct: Tensor) => Tensor[]] {
  const marked = args.map((t) => isFloat(t.dtype) ? mark(t) : t);
  const out = f(...marked as unknown as A);
  const pull = (ct: Tensor): Tensor[] => {
    if (!sameType(ct, out)) {
      throw located(
        new ShapeError(`Cannot pull back ${printType(ct)}: the result is ${printType(out)}`),
        new Error("vjp"),
      );
    }
    const got = backward([out], [ct], marked);
    return marked.map((t, i) => got[i] ?? zero({ dtype: t.dtype, shape: t.shape }));
  };
  return [out, pull];
}
