/**
 * Recurrent networks of several layers, one or two directions. Weights come as one tensor, in the
 * order of MegEngine's files: for every layer and direction those of the input [g,in], of the
 * hidden state [g,h], and two biases [g].
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import type { Tensor } from "../core/tensor.ts";
import { printType, sizeOf, type Type } from "../core/type.ts";
import { many, type ManyFn } from "../op/declare.ts";
import { choice, flag } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { add } from "./arithmetic.ts";
import { concat, flip, stack } from "./join.ts";
import { matmulFn } from "./matmul.ts";
import { lstmLayer, moment, type Nonlinearity, rnnLayer } from "./recurrent_layer.ts";
import { columns, needOneFloat } from "./recurrent_steps.ts";
import { reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";

/** What recurrent networks take besides their operands. */
export interface RecurrentOptions {
  /** Also go from the end to the beginning; results stand side by side. */
  readonly bidirectional?: boolean;
  /** Whether the weights hold biases; true by default. */
  readonly bias?: boolean;
}

/** What `rnn` takes besides its operands. */
export interface RnnOptions extends RecurrentOptions {
  /** What is made of the sums; tanh by default. */
  readonly nonlinearity?: Nonlinearity;
}

const options = {
  bidirectional: flag("also go from the end to the beginning; results stand side by side"),
  bias: flag("whether the weights hold biases", true),
};

/** How a network is made. */
interface Made {
  readonly directions: number;
  readonly layers: number;
  readonly hidden: number;
  readonly gates: number;
  readonly bias: boolean;
}

/** Elements of the weights of one layer and direction. */
function weightsOf(input: number, { hidden, gates, bias }: Made): number {
  return gates * hidden * (input + hidden + (bias ? 2 : 0));
}

/** Layers that weights of so many elements make, or `undefined` where there is no such number. */
export function layersIn(total: number, input: number, made: Omit<Made, "layers">) {
  const one = { ...made, layers: 1 };
  const first = made.directions * weightsOf(input, one);
  const more = made.directions * weightsOf(made.directions * made.hidden, one);
  const layers = 1 + (total - first) / more;
  return layers >= 1 && Number.isInteger(layers) ? layers : undefined;
}

function madeOf(
  name: string,
  gates: number,
  [x, h, ...rest]: readonly Type[],
  attrs: RecurrentOptions,
): Made {
  const [weights, c] = rest.toReversed();
  const all = c ? `${printType(h)} and ${printType(c)}` : printType(h);
  const what = `Cannot run ${name} on x: ${printType(x)} from the state ${all}`;
  if (x.shape.length !== 3 || x.shape[0] === 0) {
    throw new ShapeError(`${what}: x must be [l,n,in], one step or more`);
  }
  const directions = attrs.bidirectional ? 2 : 1;
  const [count, n, hidden] = h.shape;
  const fits = h.shape.length === 3 && n === x.shape[1] && count % directions === 0 &&
    count > 0 && (!c || String(c.shape) === String(h.shape));
  if (!fits) {
    throw new ShapeError(
      `${what}: states must be [${attrs.bidirectional ? "2·layers" : "layers"},` +
        `${x.shape[1]},h]`,
    );
  }
  const types = [x, h, weights, ...(c ? [c] : [])];
  needOneFloat(name, types);
  const made = {
    directions,
    hidden,
    gates,
    bias: attrs.bias !== false,
    layers: count / directions,
  };
  if (layersIn(sizeOf(weights.shape), x.shape[2], made) !== made.layers) {
    const more = weightsOf(directions * hidden, made) * (made.layers - 1);
    throw new ShapeError(
      `${what} with weights ${printType(weights)}: ${made.layers} layers of ${directions} ` +
        `directions take ${directions * (weightsOf(x.shape[2], made) + more)} elements\n` +
        "  try recurrentWeights, which puts them together",
    );
  }
  return made;
}

/** Calls `run` with the sums and weights of each layer; the states of all steps of the last. */
function through(
  x: Tensor,
  weights: Tensor,
  made: Made,
  run: (layer: number, sums: Tensor, weights: Tensor) => Tensor,
): { readonly output: Tensor; readonly last: readonly Tensor[] } {
  const { directions: d, layers, hidden: width, gates, bias } = made;
  const g = gates * width;
  const all = reshape(weights, { shape: [sizeOf(weights.shape)] });
  const last: Tensor[] = [];
  let [input, start] = [x, 0];
  for (let layer = 0; layer < layers; layer++) {
    const [l, n, wide] = input.shape;
    const each = weightsOf(wide, made);
    const own = reshape(sliceFn(all, { begin: [start], size: [d * each], step: [1] }), {
      shape: [d, each],
    });
    start += d * each;
    const part = (begin: number, shape: readonly number[]) =>
      reshape(columns(own, begin, sizeOf(shape)), { shape: [d, ...shape] });
    const both = d === 2 ? stack([input, flip(input, { axis: 0 })]) : input;
    const product = matmulFn(reshape(both, { shape: [d, l * n, wide] }), part(0, [g, wide]), {
      transposeB: true,
    });
    const behind = g * (wide + width);
    const sums = bias ? add(product, add(part(behind, [1, g]), part(behind + g, [1, g]))) : product;
    const states = run(
      layer,
      reshape(sums, { shape: [d, l, n, g] }),
      part(g * wide, [g, width]),
    );
    last.push(moment(states, l - 1));
    const forth = (k: number) =>
      reshape(
        sliceFn(states, { begin: [k, 0, 0, 0], size: [1, l, n, width], step: [1, 1, 1, 1] }),
        { shape: [l, n, width] },
      );
    input = d === 2 ? concat([forth(0), flip(forth(1), { axis: 0 })], { axis: 2 }) : forth(0);
  }
  return { output: input, last };
}

/** States of one layer, [d,n,h]. */
function layerOf(state: Tensor, layer: number, { directions }: Made): Tensor {
  const size = state.shape.with(0, directions);
  return sliceFn(state, { begin: [layer * directions, 0, 0], size, step: [1, 1, 1] });
}

/** Extent of the last axis of what recurrent networks give at each step. */
function outputOf(x: Type, { directions, hidden }: Made): Type {
  return { dtype: x.dtype, shape: [x.shape[0], x.shape[1], directions * hidden] };
}

/**
 * Recurrent layers of x [l,n,in] from hidden states [d·layers,n,h]: the last layer's states at all
 * steps [l,n,d·h], and the last states of all layers. Weights are laid out as `recurrentWeights`
 * does.
 */
export const rnn: ManyFn<readonly ["x", "h", "weights"], RnnOptions> = many({
  name: "rnn",
  doc:
    "Recurrent layers of x [l,n,in] from hidden states [d·layers,n,h]: the last layer's states " +
    "at all steps [l,n,d·h], and the last states of all layers",
  ins: ["x", "h", "weights"],
  attrs: {
    nonlinearity: choice<Nonlinearity>(["tanh", "relu", "identity"], "tanh"),
    ...options,
  },
  infer: ([x, h, weights], attrs) => [outputOf(x, madeOf("rnn", 1, [x, h, weights], attrs)), h],
  compose: ([x, h, weights], { nonlinearity, ...attrs }) => {
    const made = madeOf("rnn", 1, [x, h, weights], attrs);
    const { output, last } = through(
      x,
      weights,
      made,
      (layer, sums, w) => rnnLayer(sums, layerOf(h, layer, made), w, { nonlinearity }),
    );
    return [output, concat(last)];
  },
  cases: [
    { ins: [of([3, 2, 3]), of([1, 2, 4]), of([4, 9])] },
    {
      ins: [of([3, 2, 2]), of([4, 2, 3]), of([3, 2 * (2 + 3 + 6 + 3)])],
      attrs: { bidirectional: true, bias: false, nonlinearity: "relu" },
    },
  ],
});

function of(shape: readonly number[]) {
  return between(-1, 1, shape);
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997) of x [l,n,in] from hidden and cell
 * states [d·layers,n,h]: the last layer's hidden states at all steps [l,n,d·h], and the last hidden
 * and cell states of all layers. Weights are laid out as `recurrentWeights` does, gates in the order
 * i, f, g, o.
 */
export const lstm: ManyFn<readonly ["x", "h", "c", "weights"], RecurrentOptions> = many({
  name: "lstm",
  doc:
    "Long short-term memory (Hochreiter and Schmidhuber, 1997) of x [l,n,in] from hidden and cell " +
    "states [d·layers,n,h]: the last layer's hidden states at all steps [l,n,d·h], and the last " +
    "hidden and cell states of all layers",
  ins: ["x", "h", "c", "weights"],
  attrs: options,
  infer: ([x, h, c, weights], attrs) => [
    outputOf(x, madeOf("lstm", 4, [x, h, c, weights], attrs)),
    h,
    c,
  ],
  compose: ([x, h, c, weights], attrs) => {
    const made = madeOf("lstm", 4, [x, h, c, weights], attrs);
    const { output, last } = through(
      x,
      weights,
      made,
      (layer, sums, w) => lstmLayer(sums, layerOf(h, layer, made), layerOf(c, layer, made), w),
    );
    const ends = concat(last);
    return [output, columns(ends, 0, made.hidden), columns(ends, made.hidden, made.hidden)];
  },
  cases: [
    { ins: [of([3, 2, 3]), of([1, 2, 2]), of([1, 2, 2]), of([8, 7])] },
    {
      ins: [of([2, 2, 3]), of([4, 2, 2]), of([4, 2, 2]), of([8, 2 * (3 + 2 + 4 + 2 + 4)])],
      attrs: { bidirectional: true },
    },
    {
      ins: [of([2, 1, 2]), of([2, 1, 3]), of([2, 1, 3]), of([12, 2 + 3 + 3 + 3])],
      attrs: { bias: false },
    },
    {
      ins: [of([32, 8, 64]), of([1, 8, 128]), of([1, 8, 128]), of([512, 194])],
      ...{ bench: true, gradient: false },
    },
  ],
});

/** Weights of one layer and direction. */
export interface CellWeights {
  /** What the input is multiplied by, [g,in]. */
  readonly weightIh: Tensor;
  /** What the hidden state is multiplied by, [g,h]. */
  readonly weightHh: Tensor;
  /** What is added to the product of the input, [g]. */
  readonly biasIh?: Tensor;
  /** What is added to the product of the hidden state, [g]. */
  readonly biasHh?: Tensor;
}

/**
 * Weights of all layers, in each both directions one after the other, as the one tensor
 * [g,elements/g] that `rnn` and `lstm` take.
 */
export function recurrentWeights(list: readonly CellWeights[]): Tensor {
  const flat = list.flatMap((one) =>
    [one.weightIh, one.weightHh, one.biasIh, one.biasHh].filter((t) => t !== undefined)
  ).map((t) => reshape(t, { shape: [sizeOf(t.shape)] }));
  return reshape(concat(flat), { shape: [list[0].weightHh.shape[0], -1] });
}
