/**
 * Training steps of deep residual networks, forward, gradients and update: what memory planning is
 * measured on.
 * @module
 */
import type { Graph } from "../../lib/core/graph.ts";
import type { Tensor } from "../../lib/core/tensor.ts";
import { f32, type Type } from "../../lib/core/type.ts";
import * as optim from "../../lib/model/optim.ts";
import { stage } from "../../lib/stage/stage.ts";
import { add, conv2d, matmul, mean, relu, square, sub, valueAndGrad } from "../../mod.ts";

/** The parameters of one layer. */
export type Layer<T = Tensor> = { readonly a: T; readonly b: T };

/** What a step of gradient descent takes, and the types of that. */
export interface TrainingStep {
  readonly step: (p: readonly Layer[], x: Tensor, y: Tensor) => unknown;
  readonly types: readonly [readonly Layer<Type>[], Type, Type];
}

function stepOf(net: (p: readonly Layer[], x: Tensor) => Tensor): TrainingStep["step"] {
  const sgd = optim.sgd({ rate: 0.1 });
  return (p, x, y) => {
    const loss = (q: readonly Layer[]) => mean(square(sub(net(q, x), y)));
    const [value, gradient] = valueAndGrad(loss)(p);
    return { loss: value, p: sgd.update({ p, opt: sgd.init(p) }, gradient).p };
  };
}

/** x + relu(x a) b, so many times. */
export function dense(depth: number, rows: number = 256, width: number = 64): TrainingStep {
  const layer = { a: f32([width, width]), b: f32([width, width]) };
  const x = f32([rows, width]);
  return {
    step: stepOf((p, x) => p.reduce((x, { a, b }) => add(x, matmul(relu(matmul(x, a)), b)), x)),
    types: [Array.from({ length: depth }, () => layer), x, x],
  };
}

/** relu(x + conv(relu(conv(x)))), so many times. */
export function convolutional(depth: number, size: number = 16): TrainingStep {
  const layer = { a: f32([8, 8, 3, 3]), b: f32([8, 8, 3, 3]) };
  const x = f32([4, 8, size, size]);
  const conv = (x: Tensor, w: Tensor) => conv2d(x, w, { padding: 1 });
  return {
    step: stepOf((p, x) => p.reduce((x, { a, b }) => relu(add(x, conv(relu(conv(x, a)), b))), x)),
    types: [Array.from({ length: depth }, () => layer), x, x],
  };
}

/** The graph of a step. */
export function graphOfStep({ step, types }: TrainingStep): Graph {
  return stage(step as (...args: never[]) => unknown, types);
}

/** A step of products. */
export function denseStep(depth: number): Graph {
  return graphOfStep(dense(depth));
}

/** A step of convolutions. */
export function convStep(depth: number): Graph {
  return graphOfStep(convolutional(depth));
}
