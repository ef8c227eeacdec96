/**
 * Inlining: a tensor at given coordinates as one scalar term, down to loads of what is
 * materialised. Views become addresses; elementwise operations become bodies.
 * @module
 */
import { broadcastCoords, draftOf, stored } from "../core/draft.ts";
import { isHost } from "../core/host.ts";
import { addressOf, axesOf, substitute } from "../core/index.ts";
import { kindOf, lit, printScalar, type Scalar } from "../core/scalar.ts";
import { scalarOf, type Tensor } from "../core/tensor.ts";

/** Builds the terms of one group and collects the operands they load. */
export interface Inliner {
  /** The element of a tensor at coordinates. */
  at(t: Tensor, coords: readonly Scalar[]): Scalar;
  /** Tensors loaded so far; their order numbers the operands. */
  readonly operands: Tensor[];
}

/** True for a constant of one element, which is written into bodies. */
export function isInlineConstant(t: Tensor): boolean {
  return t.shape.length === 0 && isHost(t.node.data) && scalarOf(t) !== undefined;
}

/** An inliner that loads what `isLoaded` says and computes the rest. */
export function inliner(isLoaded: (t: Tensor) => boolean): Inliner {
  const operands: Tensor[] = [];
  const memo = new Map<Tensor, Map<string, Scalar>>();
  const at = (t: Tensor, coords: readonly Scalar[]): Scalar => {
    if (isInlineConstant(t)) return lit(kindOf(t.dtype), scalarOf(t)!);
    const key = coords.map(printScalar).join(";");
    let known = memo.get(t);
    if (!known) memo.set(t, known = new Map());
    const found = known.get(key);
    if (found) return found;
    const made = isLoaded(t) ? load(t, coords) : compute(t, coords);
    known.set(key, made);
    return made;
  };
  const load = (t: Tensor, coords: readonly Scalar[]): Scalar => {
    let operand = operands.indexOf(t);
    if (operand < 0) operand = operands.push(t) - 1;
    const index = addressOf(coords, t.shape);
    return { kind: "load", type: kindOf(t.dtype), operand, index };
  };
  const compute = (t: Tensor, coords: readonly Scalar[]): Scalar => {
    const { op, ins, attrs } = t.node;
    if (op.scalar) {
      const args = ins.map((x) => at(x, broadcastCoords(coords, x.shape)));
      return stored(op.scalar(args, attrs, ins), t);
    }
    if (op.view) return at(ins[0], op.view(coords, ins, attrs));
    const own = axesOf(t.shape);
    const draft = draftOf(op, (k, c) => at(ins[k], c), ins, attrs, t.node.outs);
    if (draft?.kind !== "map") throw new TypeError(`internal: ${op.name} cannot be inlined`);
    const same = own.every((axis, i) => printScalar(axis) === printScalar(coords[i]));
    const body = stored(draft.body, t);
    // The draft speaks of its own axes; extent-1 axes are constants there and need no replacement.
    return same ? body : substitute(body, coords);
  };
  return { at, operands };
}
