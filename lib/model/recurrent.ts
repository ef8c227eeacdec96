/**
 * Recurrent layers and cells as functions of parameters, and the specs of their parameters, named
 * and laid out as MegEngine's modules have them.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { located, type Tensor } from "../core/tensor.ts";
import { printType, sizeOf } from "../core/type.ts";
import { lstmCell as lstmCellOf, rnnCell as rnnCellOf } from "../ops/cells.ts";
import { zeros } from "../ops/create.ts";
import {
  layersIn,
  lstm as lstmOf,
  type RecurrentOptions,
  rnn as rnnOf,
  type RnnOptions,
} from "../ops/recurrent.ts";
import type { Nonlinearity } from "../ops/recurrent_layer.ts";
import { transpose } from "../ops/shape.ts";
import { uniformFor } from "./initializers.ts";
import { type Leaf, parameter, type Params } from "./params.ts";

/** How a recurrent network is made. */
export interface RecurrentSizes extends RecurrentOptions {
  /** Layers, each fed by the one before; 1 by default. */
  readonly layers?: number;
}

/** Parameters of a recurrent network: all weights in one tensor, as `recurrentWeights` puts them. */
export interface Recurrent<T> {
  /** Weights and biases of all layers and directions, [g,elements/g]. */
  readonly _flatten_weights: T;
}

function spec(gates: number, input: number, hidden: number, sizes: RecurrentSizes) {
  const { layers = 1, bidirectional = false, bias = true } = sizes;
  const d = bidirectional ? 2 : 1;
  const own = hidden + (bias ? 2 : 0);
  const columns = d * (input + own + (layers - 1) * (d * hidden + own));
  return { _flatten_weights: parameter([gates * hidden, columns], uniformFor(hidden)) };
}

/** Parameters of `rnn` for inputs and hidden states of some sizes. */
export function rnnSpec(
  input: number,
  hidden: number,
  sizes: RecurrentSizes = {},
): Recurrent<Leaf> {
  return spec(1, input, hidden, sizes);
}

/** Parameters of `lstm` for inputs and states of some sizes. */
export function lstmSpec(
  input: number,
  hidden: number,
  sizes: RecurrentSizes = {},
): Recurrent<Leaf> {
  return spec(4, input, hidden, sizes);
}

/** What `rnn` and `lstm` have besides their parameters. */
export interface SequenceOptions extends RecurrentOptions {
  /** Sequences come and go as [n,l,…], not [l,n,…]; states stay [d·layers,n,h]. */
  readonly batchFirst?: boolean;
}

/** What a plain recurrent network gives. */
export interface RnnResult {
  /** Hidden states of the last layer at all steps [l,n,d·h]. */
  readonly output: Tensor;
  /** The last hidden states of all layers [d·layers,n,h]. */
  readonly h: Tensor;
}

/** What a network with long short-term memory gives. */
export interface LstmResult extends RnnResult {
  /** The last cell states of all layers [d·layers,n,h]. */
  readonly c: Tensor;
}

/** Swaps the first two axes where the batch comes first. */
function turned(x: Tensor, batchFirst: boolean): Tensor {
  return batchFirst ? transpose(x, { perm: [1, 0, 2] }) : x;
}

/** States of zeros for a network whose weights and input are known. */
function start(name: string, gates: number, x: Tensor, weights: Tensor, how: RecurrentOptions) {
  const directions = how.bidirectional ? 2 : 1;
  const hidden = weights.shape[0] / gates;
  const made = { directions, hidden, gates, bias: how.bias !== false };
  const layers = layersIn(sizeOf(weights.shape), x.shape[2], made);
  if (layers === undefined) {
    throw located(
      new ShapeError(
        `Cannot run ${name} on ${printType(x)} with weights ${printType(weights)}: they are for ` +
          "another size of input, or of other directions or biases",
      ),
      new Error(name),
    );
  }
  return zeros([directions * layers, x.shape[1], hidden], x.dtype);
}

/** A recurrent network of sequences [l,n,in], from hidden states that are zero by default. */
export function rnn(
  p: Params<Recurrent<Leaf>>,
  options: SequenceOptions & RnnOptions = {},
): (x: Tensor, state?: { readonly h: Tensor }) => RnnResult {
  const { batchFirst = false, ...how } = options;
  const weights = p._flatten_weights;
  return (x, state) => {
    const sequence = turned(x, batchFirst);
    const h = state?.h ?? start("rnn", 1, sequence, weights, how);
    const [output, last] = rnnOf(sequence, h, weights, how);
    return { output: turned(output, batchFirst), h: last };
  };
}

/** A network with long short-term memory, from states that are zero by default. */
export function lstm(
  p: Params<Recurrent<Leaf>>,
  options: SequenceOptions = {},
): (x: Tensor, state?: { readonly h: Tensor; readonly c: Tensor }) => LstmResult {
  const { batchFirst = false, ...how } = options;
  const weights = p._flatten_weights;
  return (x, state) => {
    const sequence = turned(x, batchFirst);
    const zero = state ? undefined : start("lstm", 4, sequence, weights, how);
    const [h, c] = state ? [state.h, state.c] : [zero!, zero!];
    const [output, hidden, cell] = lstmOf(sequence, h, c, weights, how);
    return { output: turned(output, batchFirst), h: hidden, c: cell };
  };
}

/** Parameters of a recurrent cell. */
export interface Cell<T> {
  /** What the input is multiplied by, [g,in]. */
  readonly weight_ih: T;
  /** What the hidden state is multiplied by, [g,h]. */
  readonly weight_hh: T;
  /** What is added to the product of the input, [g]. */
  readonly bias_ih: T;
  /** What is added to the product of the hidden state, [g]. */
  readonly bias_hh: T;
}

function cellSpec(gates: number, input: number, hidden: number): Cell<Leaf> {
  const [g, from] = [gates * hidden, uniformFor(hidden)];
  return {
    weight_ih: parameter([g, input], from),
    weight_hh: parameter([g, hidden], from),
    bias_ih: parameter([g], from),
    bias_hh: parameter([g], from),
  };
}

/** Parameters of `rnnCell` for inputs and hidden states of some sizes. */
export function rnnCellSpec(input: number, hidden: number): Cell<Leaf> {
  return cellSpec(1, input, hidden);
}

/** Parameters of `lstmCell` for inputs and states of some sizes. */
export function lstmCellSpec(input: number, hidden: number): Cell<Leaf> {
  return cellSpec(4, input, hidden);
}

function biasesOf(p: Params<Cell<Leaf>>) {
  return { biasIh: p.bias_ih, biasHh: p.bias_hh };
}

/** A plain recurrent cell: inputs [n,in] and the hidden state [n,h] before give the next one. */
export function rnnCell(
  p: Params<Cell<Leaf>>,
  options: { readonly nonlinearity?: Nonlinearity } = {},
): (x: Tensor, h: Tensor) => Tensor {
  return (x, h) => rnnCellOf(x, h, p.weight_ih, p.weight_hh, { ...biasesOf(p), ...options });
}

/** A cell with long short-term memory: inputs [n,in] and the states before give the next ones. */
export function lstmCell(
  p: Params<Cell<Leaf>>,
): (
  x: Tensor,
  state: { readonly h: Tensor; readonly c: Tensor },
) => { readonly h: Tensor; readonly c: Tensor } {
  return (x, state) => {
    const [h, c] = lstmCellOf(x, state.h, state.c, p.weight_ih, p.weight_hh, biasesOf(p));
    return { h, c };
  };
}
