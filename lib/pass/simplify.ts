/**
 * Laws that hold for any operands. Those local to one operation stand with the operation; here are
 * the identities that staging leaves and the algebra that crosses operations.
 * @module
 */
import type { Graph } from "../core/graph.ts";
import { scalarOf, type Tensor } from "../core/tensor.ts";
import { isFloat, sameType, sizeOf } from "../core/type.ts";
import { full } from "../ops/create.ts";
import { logAddExp } from "../ops/math.ts";
import { broadcastTo } from "../ops/shape.ts";
import { as } from "../ops/select.ts";
import { type Law, rewrite, type Seen } from "./rewrite.ts";

/** mark x → x, detach x → x, updates(x, …) → x: staging is over, so nothing looks for them. */
export function withoutIdentity(t: Tensor): Tensor | undefined {
  const { name } = t.node.op;
  return name === "mark" || name === "detach" || name === "updates" ? t.node.ins[0] : undefined;
}

/** What the operation itself knows. */
export function ownLaw(t: Tensor): Tensor | undefined {
  return t.node.op.simplify?.(t);
}

/** The operand that is left when the other is neutral, broadcast if need be. */
function left(x: Tensor, t: Tensor): Tensor | undefined {
  if (x.dtype !== t.dtype) return undefined;
  return sameType(x, t) ? x : broadcastTo(x, { shape: t.shape });
}

/** The number that every element of a constant is, seen through broadcasts and reshapes. */
export function uniformOf(t: Tensor): number | undefined {
  const { op, ins } = t.node;
  return op.name === "broadcastTo" || op.name === "reshape" ? uniformOf(ins[0]) : scalarOf(t);
}

/** x + 0 → x, x − 0 → x, x · 1 → x, x / 1 → x; of −0 + 0 the sign stays, which IEEE drops. */
export function neutral(t: Tensor): Tensor | undefined {
  const [a, b] = t.node.ins;
  switch (t.node.op.name) {
    case "add":
      if (uniformOf(b) === 0) return left(a, t);
      return uniformOf(a) === 0 ? left(b, t) : undefined;
    case "sub":
      return uniformOf(b) === 0 ? left(a, t) : undefined;
    case "mul":
      if (uniformOf(b) === 1) return left(a, t);
      return uniformOf(a) === 1 ? left(b, t) : undefined;
    case "div":
      return uniformOf(b) === 1 ? left(a, t) : undefined;
    default:
      return undefined;
  }
}

/** y / y → 1. */
export function quotientOfSame(t: Tensor): Tensor | undefined {
  const [a, b] = t.node.ins;
  return t.node.op.name === "div" && a === b && isFloat(t.dtype) && sizeOf(t.shape) > 0
    ? full(t.shape, 1, t.dtype)
    : undefined;
}

/** log(exp x) → x. */
export function logOfExp(t: Tensor): Tensor | undefined {
  const [x] = t.node.ins;
  return t.node.op.name === "log" && x.node.op.name === "exp" ? x.node.ins[0] : undefined;
}

/** log(exp x + exp y) → logAddExp(x, y), which does not overflow. */
export function logOfExps(t: Tensor): Tensor | undefined {
  const [sum] = t.node.ins;
  if (t.node.op.name !== "log" || sum.node.op.name !== "add") return undefined;
  const [a, b] = sum.node.ins.map(({ node }) => node);
  return a.op.name === "exp" && b.op.name === "exp" ? logAddExp(a.ins[0], b.ins[0]) : undefined;
}

/** neg(neg x) → x. */
export function doubleNegation(t: Tensor): Tensor | undefined {
  const [x] = t.node.ins;
  return t.node.op.name === "neg" && x.node.op.name === "neg" ? x.node.ins[0] : undefined;
}

/** A cast to the operand's own dtype → the operand; f16 → f32 → f16 → the first. */
export function idleCast(t: Tensor): Tensor | undefined {
  if (t.node.op.name !== "cast") return undefined;
  const [x] = t.node.ins;
  if (x.dtype === t.dtype) return x;
  if (x.node.op.name !== "cast") return undefined;
  const [origin] = x.node.ins;
  return origin.dtype === "f16" && x.dtype === "f32" ? as(origin, t.dtype) : undefined;
}

/** Identities that are removed at every level. */
export const identities: readonly Law[] = [withoutIdentity];
/** The algebra of level 1. */
export const algebra: readonly Law[] = [
  withoutIdentity,
  ownLaw,
  neutral,
  idleCast,
  doubleNegation,
  quotientOfSame,
  logOfExp,
  logOfExps,
];

/** Applies the algebra until it has nothing to say. */
export function simplify(graph: Graph, seen?: Seen): Graph {
  let now = graph;
  for (let left = 8; left > 0; left--) {
    const next = rewrite(now, algebra, seen);
    if (next === now) return now;
    now = next;
  }
  return now;
}
