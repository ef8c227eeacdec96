/**
 * Optimisers: pure steps from parameters, state and gradients to new parameters and state.
 *
 * ```ts
 * import { grad, mul, read, sum, tensor } from "@weft/weft";
 * import * as optim from "@weft/weft/optim";
 *
 * const p = { x: tensor([2]) };
 * const sgd = optim.sgd({ rate: 0.25 });
 * const g = grad((q: typeof p) => sum(mul(q.x, q.x)))(p);
 * const next = sgd.update({ p, opt: sgd.init(p) }, g);
 * console.log((await read(next.p.x)).data[0]); // 1
 * ```
 * @module
 */
import { OptionError, ShapeError } from "../core/fault.ts";
import { isTensor, type Tensor } from "../core/tensor.ts";
import { leavesOf, mapTree, pathText } from "../core/tree.ts";
import { isFloat } from "../core/type.ts";
import { add, mul, sub } from "../ops/arithmetic.ts";
import { zeros } from "../ops/create.ts";
import { zero } from "../ops/zero.ts";

/** Options of stochastic gradient descent. */
export interface SgdOptions {
  /** Learning rate, from 0. */
  readonly rate: number;
  /** Share of the last step kept, from 0 to below 1; 0 by default. */
  readonly momentum?: number;
  /** Times the parameter, added to its gradient; 0 by default. */
  readonly weightDecay?: number;
}

/** Parameters with the optimiser's state for them. */
export interface Training<P, S> {
  /** The parameters. */
  readonly p: P;
  /** The optimiser's state for them. */
  readonly opt: S;
}

/** A pure optimiser. */
export interface Optimizer<S> {
  /** The first state for a parameter tree. */
  init<P>(p: P): S;
  /** New parameters and state; leaves without a gradient, such as buffers, stay as they are. */
  update<P>(state: Training<P, S>, gradients: P): Training<P, S>;
}

/** The momentum of each parameter, in the tree's order. */
export type SgdState = readonly Tensor[];

/**
 * Stochastic gradient descent: v ← momentum · v + (g + weightDecay · p), p ← p − rate · v, as
 * MegEngine and PyTorch have it. Throws OptionError for numbers out of range.
 */
export function sgd(options: SgdOptions): Optimizer<SgdState> {
  const { rate, momentum = 0, weightDecay = 0 } = options;
  const limits: readonly [string, number, boolean][] = [
    ["rate", rate, rate >= 0],
    ["momentum", momentum, momentum >= 0 && momentum < 1],
    ["weightDecay", weightDecay, weightDecay >= 0],
  ];
  for (const [name, value, ok] of limits) {
    if (!ok || !Number.isFinite(value)) {
      throw new OptionError(
        `Cannot make sgd with ${name}: ${value}: it must be from 0${
          name === "momentum" ? " to below 1" : ""
        }`,
      );
    }
  }
  return {
    init: (p) =>
      momentum === 0 ? [] : leavesOf(p, isTensor)
        .filter(({ leaf }) => isFloat(leaf.dtype))
        .map(({ leaf }) => zeros(leaf.shape, leaf.dtype)),
    update({ p, opt }, gradients) {
      const slots = leavesOf(gradients, isTensor).map(({ leaf }) => leaf);
      const next: Tensor[] = [];
      let at = 0, moving = 0;
      const moved = mapTree(p, isTensor, (t, path) => {
        const g = slots[at++];
        if (!g) {
          throw new ShapeError(`Cannot update ${pathText(path)}: the gradients have no such leaf`);
        }
        const v = momentum > 0 && isFloat(t.dtype) ? opt[moving++] : undefined;
        if (!isFloat(t.dtype) || g.node.op === zero.op) {
          if (v) next.push(v);
          return t;
        }
        const decayed = weightDecay ? add(g, mul(t, weightDecay)) : g;
        const step = v ? add(mul(v, momentum), decayed) : decayed;
        if (v) next.push(step);
        return sub(t, mul(step, rate));
      });
      return { p: moved as typeof p, opt: next };
    },
  };
}
