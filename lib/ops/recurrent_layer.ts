/**
 * One recurrent layer of one or two directions, from the sums that its inputs have made. Everything
 * stands in the order of the steps; which moment a step looks at is the caller's business. What is
 * behind the last step is a product of matrices over all steps at once.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { host } from "../core/host.ts";
import { constant } from "../core/leaf.ts";
import type { Tensor } from "../core/tensor.ts";
import { i32, printType, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { choice } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { relu } from "./activation.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { gt } from "./compare.ts";
import { zeros } from "./create.ts";
import { concat } from "./join.ts";
import { matmulFn } from "./matmul.ts";
import { square } from "./math.ts";
import { columns, lstmStep, lstmStepBack, needOneFloat, stepOf } from "./recurrent_steps.ts";
import { as } from "./select.ts";
import { expandDims, reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { tanh } from "./trig.ts";

/** What a plain recurrent layer makes of its sums. */
export type Nonlinearity = "tanh" | "relu" | "identity";

const nonlinearity = choice<Nonlinearity>(["tanh", "relu", "identity"], "tanh");

function checkLayer(name: string, gates: number, [sums, ...states]: readonly Type[], w: Type) {
  const [d, , n, all] = sums.shape;
  const each = all / gates;
  const fits = sums.shape.length === 4 && Number.isInteger(each) &&
    states.every((t) => String(t.shape) === String([d, n, each])) &&
    String(w.shape) === String([d, all, each]);
  if (!fits) {
    throw new ShapeError(
      `Cannot run ${name} on sums: ${printType(sums)}, states: ${states.map(printType)} and ` +
        `weights: ${printType(w)}: they must be [d,l,n,${gates}h], [d,n,h] and [d,${gates}h,h]`,
    );
  }
  needOneFloat(name, [sums, ...states, w]);
}

/** Which step it is, as a tensor. */
function stepTensor(step: number): Tensor {
  return constant(host(i32([1]), Int32Array.of(step)));
}

/** All but the last step, behind what was there before the first. */
function delayed(first: Tensor, all: Tensor): Tensor {
  const shape = all.shape.with(1, all.shape[1] - 1);
  const begin = all.shape.map(() => 0);
  const most = sliceFn(all, { begin, size: shape, step: all.shape.map(() => 1) });
  return concat([expandDims(first, { axis: 1 }), most], { axis: 1 });
}

/** One step of [d,l,n,h] as [d,n,h]. */
export function moment(all: Tensor, step: number): Tensor {
  const [d, , n, h] = all.shape;
  const part = sliceFn(all, {
    begin: [0, step, 0, 0],
    size: [d, 1, n, h],
    step: [1, 1, 1, 1],
  });
  return reshape(part, { shape: [d, n, h] });
}

/** Steps [d,n,h], one after another, as [d,l,n,h]. */
function inOrder(steps: readonly Tensor[]): Tensor {
  const [d, n, h] = steps[0].shape;
  return reshape(concat(steps, { axis: 1 }), { shape: [d, steps.length, n, h] });
}

/** Steps joined to one: [d,l·n,h]. */
function flat(all: Tensor): Tensor {
  const [d, l, n, h] = all.shape;
  return reshape(all, { shape: [d, l * n, h] });
}

function byWeights(x: Tensor, w: Tensor): Tensor {
  return matmulFn(x, w, { transposeB: true });
}

/** What the cotangents of the sums of all steps are for the weights and the first hidden state. */
function behind(dSums: Tensor, before: Tensor, w: Tensor) {
  return {
    weights: matmulFn(flat(dSums), flat(before), { transposeA: true }),
    hidden: matmulFn(moment(dSums, 0), w),
  };
}

/**
 * Hidden states of all steps, [d,l,n,h]: a function of the sums that inputs have made [d,l,n,h] and
 * of the state before times weights [d,h,h].
 */
export const rnnLayer: Fn<
  readonly ["sums", "h", "weights"],
  { nonlinearity?: Nonlinearity }
> = op({
  name: "rnnLayer",
  doc: "Hidden states of all steps, [d,l,n,h]: a function of the sums that inputs have made " +
    "[d,l,n,h] and of the state before times weights [d,h,h]",
  ins: ["sums", "h", "weights"],
  attrs: { nonlinearity },
  infer: ([sums, h, weights]) => {
    checkLayer("rnnLayer", 1, [sums, h], weights);
    return sums;
  },
  compose: ([sums, h, weights], { nonlinearity }) => {
    let state = h;
    const states = Array.from({ length: sums.shape[1] }, (_, step) => {
      const sum = add(byWeights(state, weights), stepOf(sums, stepTensor(step)));
      return state = nonlinear(sum, nonlinearity);
    });
    return inOrder(states);
  },
  vjp: ({ ct, out, ins: [, h, weights], attrs }) => {
    const dSums = rnnLayerBack(ct, out, weights, attrs);
    const { weights: dWeights, hidden } = behind(dSums, delayed(h, out), weights);
    return [dSums, hidden, dWeights];
  },
  cases: [
    { ins: [of([2, 3, 2, 4]), of([2, 2, 4]), of([2, 4, 4])] },
    {
      ins: [of([1, 2, 2, 3]), of([1, 2, 3]), of([1, 3, 3])],
      attrs: { nonlinearity: "relu" },
    },
    {
      ins: [of([1, 7, 1, 2]), of([1, 1, 2]), of([1, 2, 2])],
      attrs: { nonlinearity: "identity" },
    },
  ],
});

/** The function of a plain recurrent layer. */
export function nonlinear(x: Tensor, kind: Nonlinearity): Tensor {
  return kind === "tanh" ? tanh(x) : kind === "relu" ? relu(x) : x;
}

function of(shape: readonly number[]) {
  return between(-1, 1, shape);
}

/** Cotangents of the sums of a plain recurrent layer, from those of its states. */
export const rnnLayerBack: Fn<
  readonly ["ct", "states", "weights"],
  { nonlinearity?: Nonlinearity }
> = op({
  name: "rnnLayerBack",
  doc: "Cotangents of the sums of a plain recurrent layer, from those of its states",
  ins: ["ct", "states", "weights"],
  attrs: { nonlinearity },
  infer: ([ct, states, weights]) => {
    checkLayer("rnnLayerBack", 1, [ct], weights);
    needOneFloat("rnnLayerBack", [ct, states, weights]);
    return ct;
  },
  compose: ([ct, states, weights], { nonlinearity }) => {
    const slopes = slopeOf(states, nonlinearity);
    const all: Tensor[] = [];
    for (let step = ct.shape[1] - 1; step >= 0; step--) {
      const at = stepTensor(step);
      const own = stepOf(ct, at);
      const given = all.length > 0 ? add(matmulFn(all[0], weights), own) : own;
      all.unshift(slopes ? mul(given, stepOf(slopes, at)) : given);
    }
    return inOrder(all);
  },
  cases: [
    { ins: [of([2, 3, 2, 4]), of([2, 3, 2, 4]), of([2, 4, 4])] },
    {
      ins: [of([1, 2, 2, 3]), of([1, 2, 2, 3]), of([1, 3, 3])],
      attrs: { nonlinearity: "relu" },
      gradient: [0, 2],
    },
  ],
});

/** The slope of the function, which its result tells; `undefined` where it is 1. */
function slopeOf(out: Tensor, kind: Nonlinearity): Tensor | undefined {
  if (kind === "identity") return undefined;
  return kind === "tanh" ? sub(1, square(out)) : as(gt(out, 0), out.dtype);
}

/**
 * Hidden and cell states of all steps side by side, [d,l,n,2h]: long short-term memory (Hochreiter
 * and Schmidhuber, 1997) of the sums that inputs have made [d,l,n,4h], gates in the order i, f, g,
 * o, and of the hidden state before times weights [d,4h,h].
 */
export const lstmLayer: Fn<readonly ["sums", "h", "c", "weights"]> = op({
  name: "lstmLayer",
  doc: "Hidden and cell states of all steps side by side, [d,l,n,2h]: long short-term memory " +
    "(Hochreiter and Schmidhuber, 1997) of the sums that inputs have made [d,l,n,4h], gates in " +
    "the order i, f, g, o, and of the hidden state before times weights [d,4h,h]",
  ins: ["sums", "h", "c", "weights"],
  infer: ([sums, h, c, weights]) => {
    checkLayer("lstmLayer", 4, [sums, h, c], weights);
    const [d, l, n, h4] = sums.shape;
    return { dtype: sums.dtype, shape: [d, l, n, h4 / 2] };
  },
  compose: ([sums, h, c, weights]) => {
    let state = concat([h, c], { axis: 2 });
    const states = Array.from({ length: sums.shape[1] }, (_, step) => {
      const product = byWeights(columns(state, 0, h.shape[2]), weights);
      return state = lstmStep(product, sums, state, stepTensor(step));
    });
    return inOrder(states);
  },
  vjp: ({ ct, out, ins: [sums, h, c, weights] }) => {
    const [d, l, n, h4] = sums.shape;
    const width = h4 / 4;
    const before = delayed(concat([h, c], { axis: 2 }), out);
    const hidden = columns(before, 0, width);
    const product = reshape(byWeights(flat(hidden), weights), { shape: [d, l, n, h4] });
    const back = lstmLayerBack(ct, add(product, sums), before, weights);
    const dSums = columns(back, 0, h4);
    const first = behind(dSums, hidden, weights);
    return [dSums, first.hidden, columns(moment(back, 0), h4, width), first.weights];
  },
  cases: [
    { ins: [of([2, 3, 2, 8]), of([2, 2, 2]), of([2, 2, 2]), of([2, 8, 2])] },
    { ins: [of([1, 7, 1, 12]), of([1, 1, 3]), of([1, 1, 3]), of([1, 12, 3])] },
  ],
});

/**
 * Cotangents of the sums of gates, and of the cell state before each step, side by side [d,l,n,5h]:
 * from those of the states `ct`, the sums of gates and the states before each step.
 */
export const lstmLayerBack: Fn<readonly ["ct", "sums", "before", "weights"]> = op({
  name: "lstmLayerBack",
  doc: "Cotangents of the sums of gates, and of the cell state before each step, side by side " +
    "[d,l,n,5h]: from those of the states `ct`, the sums of gates and the states before each step",
  ins: ["ct", "sums", "before", "weights"],
  infer: ([ct, sums, before, weights]) => {
    checkLayer("lstmLayerBack", 4, [sums], weights);
    needOneFloat("lstmLayerBack", [ct, sums, before, weights]);
    return {
      dtype: ct.dtype,
      shape: sums.shape.with(3, sums.shape[3] / 4 * 5),
    };
  },
  compose: ([ct, sums, before, weights]) => {
    const [d, l, n, h4] = sums.shape;
    let product = zeros([d, n, h4 / 4], ct.dtype);
    let carry = zeros([d, n, h4 / 4 * 5], ct.dtype);
    const all: Tensor[] = [];
    for (let step = l - 1; step >= 0; step--) {
      if (all.length > 0) product = matmulFn(columns(carry, 0, h4), weights);
      carry = lstmStepBack(product, carry, ct, sums, before, stepTensor(step));
      all.unshift(carry);
    }
    return inOrder(all);
  },
  cases: [
    { ins: [of([2, 3, 2, 4]), of([2, 3, 2, 8]), of([2, 3, 2, 4]), of([2, 8, 2])] },
  ],
});
