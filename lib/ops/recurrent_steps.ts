/**
 * One step of a recurrent layer, forth and back. Which step it is comes as a tensor, so that one
 * kernel serves all steps; states that belong together stand side by side, so that a step is a
 * product of matrices and one kernel more.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { axesOf, constant, divIndex, modIndex, plusIndex } from "../core/index.ts";
import { s, type Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { f16, i32, isFloat, printType, type Type } from "../core/type.ts";
import { type Host, host } from "../core/host.ts";
import { type Fn, op } from "../op/declare.ts";
import { between } from "../op/kinds.ts";
import { sigmoid, sigmoidOf } from "./activation.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { gather } from "./gather.ts";
import { concat } from "./join.ts";
import { square } from "./math.ts";
import { as } from "./select.ts";
import { reshape } from "./shape.ts";
import { sliceFn } from "./slice.ts";
import { tanh } from "./trig.ts";

/** `size` elements of the last axis from `begin`. */
export function columns(x: Tensor, begin: number, size: number): Tensor {
  const last = x.shape.length - 1;
  return sliceFn(x, {
    begin: x.shape.map((_, i) => i === last ? begin : 0),
    size: x.shape.with(last, size),
    step: x.shape.map(() => 1),
  });
}

/** What one step of sequences [d,l,...] looks at: [d,...]. */
export function stepOf(x: Tensor, step: Tensor): Tensor {
  const [d, , ...rest] = x.shape;
  return reshape(gather(x, step, { axis: 1 }), { shape: [d, ...rest] });
}

/** Parts of the last axis, as many as `count`. */
function parts(x: Tensor, count: number): readonly Tensor[] {
  const each = x.shape.at(-1)! / count;
  return Array.from({ length: count }, (_, q) => columns(x, q * each, each));
}

/** Sums of gates, [.., 4h], as gates i, f, g, o. */
function gatesOf(sums: Tensor): readonly Tensor[] {
  const [i, f, g, o] = parts(sums, 4);
  return [sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)];
}

function gateTerms(sum: (q: number) => Scalar): readonly Scalar[] {
  return [sigmoidOf(sum(0)), sigmoidOf(sum(1)), s.tanh(sum(2)), sigmoidOf(sum(3))];
}

/** Throws DTypeError unless all have one float dtype. */
export function needOneFloat(name: string, types: readonly Type[]): void {
  if (isFloat(types[0].dtype) && types.every((t) => t.dtype === types[0].dtype)) return;
  throw new DTypeError(
    `Cannot run ${name} on ${types.map(printType).join(", ")}: all must have one float dtype\n` +
      "  try cast",
  );
}

function need(fits: boolean, name: string, ins: readonly Type[]): void {
  needOneFloat(name, ins.slice(0, -1));
  if (fits) return;
  throw new ShapeError(`Cannot apply ${name} to ${ins.map(printType).join(", ")}: see lstmLayer`);
}

function sameLead(a: Type, b: Type, last: number): boolean {
  return String([...a.shape.slice(0, -1), last]) === String(b.shape);
}

/**
 * The next hidden and cell state side by side: of the product [d,n,4h] of hidden states and
 * weights, the sums that inputs have made [d,l,n,4h], and the states [d,n,2h].
 */
export const lstmStep: Fn<readonly ["product", "sums", "state", "step"]> = op({
  name: "lstmStep",
  doc:
    "The next hidden and cell state side by side: of the product [d,n,4h] of hidden states and " +
    "weights, the sums that inputs have made [d,l,n,4h], and the states [d,n,2h]",
  ins: ["product", "sums", "state", "step"],
  infer: (ins) => {
    const [product, , state] = ins;
    need(sameLead(product, state, product.shape[2] / 2), "lstmStep", ins);
    return state;
  },
  compose: ([product, sums, state, step]) => {
    const [, cell] = parts(as(state, "f32"), 2);
    const [i, f, g, o] = gatesOf(add(as(product, "f32"), as(stepOf(sums, step), "f32")));
    const next = add(mul(f, cell), mul(i, g));
    return as(concat([mul(o, tanh(next)), next], { axis: 2 }), state.dtype);
  },
  lower: (at, _, __, [out]) => {
    const [d, n, j] = axesOf(out.shape);
    const width = out.shape[2] / 2;
    const unit = modIndex(j, width);
    const gate = (q: number) => plusIndex(unit, q * width);
    const step = at(3, [constant(0)]);
    const [i, f, g, o] = gateTerms((q) =>
      s.add(at(0, [d, n, gate(q)]), at(1, [d, step, n, gate(q)]))
    );
    const next = s.add(s.mul(f, at(2, [d, n, gate(1)])), s.mul(i, g));
    const body = s.select(s.lt(j, width), s.mul(o, s.tanh(next)), next);
    return { kind: "map", shape: out.shape, body };
  },
  cases: [
    { ins: ins([2, 2, 12], [2, 3, 2, 12], [2, 2, 6]) },
    { ins: ins(f16([1, 2, 8]), f16([1, 3, 2, 8]), f16([1, 2, 4])) },
  ],
});

function ins(...types: readonly (Type | readonly number[])[]) {
  return [...types.map((t) => between(-1, 1, t)), first(1)];
}

function first(step: number): Host {
  return host(i32([1]), Int32Array.of(step));
}

/**
 * One step back: cotangents of the sums of the gates, and what is left of the cell state's for the
 * step before, side by side [d,n,5h]. `product` is what the step after has given the hidden state
 * and `carry` its result; `ct` are cotangents of all states, `before` the states before each step.
 */
export const lstmStepBack: Fn<
  readonly ["product", "carry", "ct", "sums", "before", "step"]
> = op({
  name: "lstmStepBack",
  doc: "One step back: cotangents of the sums of the gates, and what is left of the cell state's " +
    "for the step before, side by side [d,n,5h]",
  ins: ["product", "carry", "ct", "sums", "before", "step"],
  infer: (ins) => {
    const [product, carry] = ins;
    need(sameLead(product, carry, product.shape[2] * 5), "lstmStepBack", ins);
    return carry;
  },
  compose: ([product, carry, ct, sums, before, step]) => {
    const [ctHidden, ctCell] = parts(as(stepOf(ct, step), "f32"), 2);
    const [, cell] = parts(as(stepOf(before, step), "f32"), 2);
    const [i, f, g, o] = gatesOf(as(stepOf(sums, step), "f32"));
    const seen = tanh(add(mul(f, cell), mul(i, g)));
    const dh = add(as(product, "f32"), ctHidden);
    const through = mul(mul(dh, o), sub(1, square(seen)));
    const dc = add(add(as(parts(carry, 5)[4], "f32"), ctCell), through);
    const slope = (gate: Tensor) => mul(gate, sub(1, gate));
    const all = [
      mul(mul(dc, g), slope(i)),
      mul(mul(dc, cell), slope(f)),
      mul(mul(dc, i), sub(1, square(g))),
      mul(mul(dh, seen), slope(o)),
      mul(dc, f),
    ];
    return as(concat(all, { axis: 2 }), carry.dtype);
  },
  lower: (at, _, __, [out]) => {
    const [d, n, j] = axesOf(out.shape);
    const width = out.shape[2] / 5;
    const unit = modIndex(j, width);
    const step = at(5, [constant(0)]);
    const part = (k: number, q: number) => at(k, [d, step, n, plusIndex(unit, q * width)]);
    const [i, f, g, o] = gateTerms((q) => part(3, q));
    const cell = part(4, 1);
    const seen = s.tanh(s.add(s.mul(f, cell), s.mul(i, g)));
    const rest = (x: Scalar) => s.sub(1, s.mul(x, x));
    const dh = s.add(at(0, [d, n, unit]), part(2, 0));
    const carried = at(1, [d, n, plusIndex(unit, 4 * width)]);
    const dc = s.add(s.add(carried, part(2, 1)), s.mul(s.mul(dh, o), rest(seen)));
    const slope = (x: Scalar) => s.mul(x, s.sub(1, x));
    const all = [
      s.mul(s.mul(dc, g), slope(i)),
      s.mul(s.mul(dc, cell), slope(f)),
      s.mul(s.mul(dc, i), rest(g)),
      s.mul(s.mul(dh, seen), slope(o)),
      s.mul(dc, f),
    ];
    const which = divIndex(j, width);
    const body = all.reduceRight((after, x, q) => s.select(s.eq(which, q), x, after));
    return { kind: "map", shape: out.shape, body };
  },
  cases: [
    { ins: ins([2, 2, 3], [2, 2, 15], [2, 3, 2, 6], [2, 3, 2, 12], [2, 3, 2, 6]) },
  ],
});
