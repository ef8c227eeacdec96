/**
 * The digit network: two convolutions and two linear layers, written as a composition of functions
 * of their parameters, with its loss and one step of training.
 */
import {
  crossEntropy,
  f32,
  flatten,
  mean,
  named,
  pipe,
  relu,
  type Tensor,
  trace,
  type TraceOptions,
  valueAndGrad,
} from "@weft/weft";
import * as nn from "@weft/weft/nn";
import * as optim from "@weft/weft/optim";

/** The parameters: their shapes and how they begin. */
export const spec = {
  conv0: nn.conv2dSpec(1, 20, 5),
  bn0: nn.batchNormSpec(20),
  conv1: nn.conv2dSpec(20, 20, 5),
  bn1: nn.batchNormSpec(20),
  fc0: nn.linearSpec(320, 500),
  fc1: nn.linearSpec(500, 10),
};

/** The parameter tree, with tensors at its leaves. */
export type Digits = nn.Params<typeof spec>;

/** Images [n,1,28,28] to the scores [n,10] of the ten digits; `norm` is for both batch norms. */
export function digits(
  p: Digits,
  mode: nn.Mode = nn.inference,
  norm: { readonly momentum?: number } = {},
): (image: Tensor) => Tensor {
  return pipe(
    nn.conv2d(p.conv0),
    nn.batchNorm(p.bn0, mode, norm),
    relu,
    nn.avgPool2d(2),
    nn.conv2d(p.conv1),
    nn.batchNorm(p.bn1, mode, norm),
    relu,
    nn.avgPool2d(2),
    (x) => flatten(x),
    nn.linear(p.fc0),
    relu,
    nn.linear(p.fc1),
  );
}

/** A batch of images and their labels. */
export interface Batch {
  readonly data: Tensor;
  readonly label: Tensor;
}

/** Mean cross entropy of a batch, in training mode. */
export function loss(p: Digits, batch: Batch, mode: nn.Mode): Tensor {
  return mean(crossEntropy(digits(p, mode)(batch.data), batch.label));
}

/** What a step of training changes. */
export interface State {
  readonly p: Digits;
  readonly opt: optim.SgdState;
}

/** One step of stochastic gradient descent as one traced function with donated state. */
export function trainStep(
  rate: number,
  mode: nn.Mode,
  options: TraceOptions = {},
): (state: State, batch: Batch) => Promise<{ state: State; loss: Tensor }> {
  const sgd = optim.sgd({ rate });
  return trace((state: State, batch: Batch) => {
    const [l, g] = valueAndGrad((p: Digits) => loss(p, batch, mode))(state.p);
    const { p, opt } = sgd.update(state, g);
    return { state: { p: nn.updated(p, l), opt }, loss: l };
  }, { donate: [0], ...options });
}

/** The types that the network takes, for the command line. */
export const inputs = [named("image", f32([1, 1, 28, 28]))];
