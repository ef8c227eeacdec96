/**
 * Recurrent cells: one step of one layer, with its weights apart.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import type { Tensor } from "../core/tensor.ts";
import { printType, type Type } from "../core/type.ts";
import { type Fn, many, type ManyFn, op } from "../op/declare.ts";
import { choice } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { sigmoid } from "./activation.ts";
import { add, mul } from "./arithmetic.ts";
import { matmulFn } from "./matmul.ts";
import { nonlinear, type Nonlinearity } from "./recurrent_layer.ts";
import { columns, needOneFloat } from "./recurrent_steps.ts";
import { tanh } from "./trig.ts";

function checkCell(name: string, gates: number, all: readonly Type[], c?: Type) {
  const [x, h, ih, hh, ...added] = all;
  const [n, width] = h.shape;
  const g = gates * width;
  const fits = x.shape.length === 2 && h.shape.length === 2 && x.shape[0] === n &&
    String(ih.shape) === String([g, x.shape[1]]) && String(hh.shape) === String([g, width]) &&
    added.every((b) => String(b.shape) === String([g])) &&
    (!c || String(c.shape) === String(h.shape));
  if (!fits) {
    const list = [x, h, ...(c ? [c] : []), ih, hh, ...added].map(printType);
    throw new ShapeError(
      `Cannot run ${name} on ${list.join(", ")}: it takes x [n,in], states [n,h], weights ` +
        `[${gates > 1 ? gates : ""}h,in] and [${gates > 1 ? gates : ""}h,h], and biases of as ` +
        "many elements as they have rows",
    );
  }
  needOneFloat(name, c ? [...all, c] : all);
}

/** Products of inputs and states with their weights, and biases, summed. */
function sumsOf([x, h, ih, hh, ...added]: readonly Tensor[]): Tensor {
  const product = matmulFn(x, ih, { transposeB: true });
  const both = add(matmulFn(h, hh, { transposeB: true }), product);
  return added.length > 0 ? add(both, added.reduce((a, b) => add(a, b))) : both;
}

/** The next hidden state [n,h] of a plain recurrent cell, of inputs [n,in] and the state before. */
export const rnnCell: Fn<
  readonly ["x", "h", "weightIh", "weightHh", "biasIh?", "biasHh?"],
  { nonlinearity?: Nonlinearity }
> = op({
  name: "rnnCell",
  doc:
    "The next hidden state [n,h] of a plain recurrent cell, of inputs [n,in] and the state before",
  ins: ["x", "h", "weightIh", "weightHh", "biasIh?", "biasHh?"],
  attrs: { nonlinearity: choice<Nonlinearity>(["tanh", "relu", "identity"], "tanh") },
  infer: (all) => {
    checkCell("rnnCell", 1, all);
    return all[1];
  },
  compose: (all, { nonlinearity }) => nonlinear(sumsOf(all), nonlinearity),
  cases: [
    { ins: cell(1, 2, 3, 4) },
    { ins: cell(1, 2, 3, 4).slice(0, 4), attrs: { nonlinearity: "relu" } },
  ],
});

function cell(gates: number, n: number, input: number, width: number) {
  const g = gates * width;
  const shapes = [[n, input], [n, width], [g, input], [g, width], [g], [g]];
  return shapes.map((shape) => between(-1, 1, shape));
}

/**
 * The next hidden and cell state [n,h] of a cell with long short-term memory, of inputs [n,in] and
 * the states before; gates are in the order i, f, g, o.
 */
export const lstmCell: ManyFn<
  readonly ["x", "h", "c", "weightIh", "weightHh", "biasIh?", "biasHh?"]
> = many({
  name: "lstmCell",
  doc:
    "The next hidden and cell state [n,h] of a cell with long short-term memory, of inputs [n,in] " +
    "and the states before; gates are in the order i, f, g, o",
  ins: ["x", "h", "c", "weightIh", "weightHh", "biasIh?", "biasHh?"],
  infer: ([x, h, c, ...rest]) => {
    checkCell("lstmCell", 4, [x, h, ...rest], c);
    return [h, c];
  },
  compose: ([x, h, c, ...rest]) => {
    const sums = sumsOf([x, h, ...rest]);
    const width = h.shape[1];
    const [i, f, g, o] = [0, 1, 2, 3].map((q) => columns(sums, q * width, width));
    const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
    return [mul(sigmoid(o), tanh(next)), next];
  },
  cases: [
    { ins: cell(4, 2, 3, 2).toSpliced(2, 0, between(-1, 1, [2, 2])) },
    { ins: cell(4, 1, 2, 3).toSpliced(2, 0, between(-1, 1, [1, 3])).slice(0, 5) },
  ],
});
