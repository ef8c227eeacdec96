/**
 * What computing a node again costs beside a load: terms weighted by what they take.
 * @module
 */
import { draftOf } from "../core/draft.ts";
import { kindOf, type Prim, s, type Scalar, walk } from "../core/scalar.ts";
import type { Node } from "../core/tensor.ts";
import { sizeOf } from "../core/type.ts";
import { draftOfNode } from "./decompose.ts";

const dear: ReadonlySet<Prim> = new Set<Prim>([
  "exp",
  "log",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "atan2",
  "tanh",
  "pow",
]);

/** The weight of a term: one a primitive, more for transcendental ones. */
export function weight(term: Scalar): number {
  let sum = 0;
  walk(term, (part) => {
    if (part.kind === "call") sum += dear.has(part.fn) ? 6 : part.fn === "div" ? 2 : 1;
  });
  return sum;
}

/** The weight of one element of a node, its operands given. */
export function ownCost(node: Node): number {
  if (node.op.view) return 0;
  if (node.op.scalar) {
    const args = node.ins.map((t, i) => s.arg(i, kindOf(t.dtype)));
    return weight(node.op.scalar(args, node.attrs, node.ins));
  }
  const places: Scalar[] = [];
  const at = (k: number, coords: readonly Scalar[]) => {
    for (const c of coords) if (isRead(c)) places.push(c);
    return s.arg(k, kindOf(node.ins[k].dtype));
  };
  const draft = draftOf(node.op, at, node.ins, node.attrs, node.outs);
  if (draft?.kind !== "map") return 0;
  const found = places.reduce((sum, c) => sum + weight(c) + dependent, 0);
  return weight(draft.body) + found;
}

/** The weight of a load whose address another load gives, beside the address. */
const dependent = 2;

/** True for a coordinate that an operand holds. */
function isRead(coord: Scalar): boolean {
  let found = false;
  walk(coord, (part) => found ||= part.kind === "arg");
  return found;
}

/**
 * How often one element of a node reads an operand. What an elementwise operation takes twice it
 * reads at the same place, and so computes once; other maps read at as many places as they say.
 */
export function readsOf(user: Node, operand: Node): number {
  if (user.op.scalar) return 1;
  const times = user.ins.filter((t) => t.node === operand).length;
  if (user.op.view || !user.op.lower) return times;
  let reads = 0;
  const at = (k: number) => {
    if (user.ins[k].node === operand) reads++;
    return s.arg(k, kindOf(user.ins[k].dtype));
  };
  return draftOf(user.op, at, user.ins, user.attrs, user.outs)?.kind === "map" ? reads : times;
}

/** How often a root reads each element of an operand. */
export function repeats(root: Node, operand: Node): number {
  const draft = draftOfNode(root)!;
  const size = Math.max(1, sizeOf(operand.outs[0].shape));
  switch (draft.kind) {
    case "map":
      return 1;
    case "reduce":
      return sizeOf(draft.shape) * sizeOf(draft.over) / size;
    case "rows":
      return (draft.stages.length + 1) * sizeOf(draft.shape) * sizeOf(draft.over) / size;
    case "matmul":
      return sizeOf(draft.batch) * draft.m * draft.n * draft.k / size;
    case "conv":
      return draft.n * draft.g * draft.o * draft.c * sizeOf(draft.output) * sizeOf(draft.kernel) /
        size;
    default:
      throw new TypeError(`internal: unknown draft ${draft satisfies never}`);
  }
}
