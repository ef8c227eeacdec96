/**
 * What is reduced and what accumulates; parts and lanes of a reduction put together, always in the
 * same order.
 * @module
 */
import type { Combine } from "../../lib/core/form.ts";
import { s, type Scalar } from "../../lib/core/scalar.ts";
import type { Code, Local } from "./code.ts";
import type { OpName } from "./opcodes.ts";
import type { Scope } from "./scope.ts";

/** What is reduced: a body over axes with these numbers and extents, outermost first. */
export interface Reduction {
  readonly combine: Combine;
  readonly body: Scalar;
  readonly over: readonly { readonly axis: number; readonly extent: number }[];
  /** Where each value of the body goes too, before it is combined. */
  readonly keep?: (scope: Scope, value: Local) => void;
}

/** The value that is reduced: numbers, for truth is counted. */
export function bodyOf(body: Scalar): Scalar {
  return body.type === "bool" ? s.toI32(body) : body;
}

/** True for what gives positions. */
export function isPosition(combine: Combine): boolean {
  return combine === "argmax" || combine === "argmin";
}

/**
 * Takes an accumulator and a value from the stack and pushes them combined; of floats that are
 * compared no NaN is.
 */
export function pushCombined(code: Code, combine: Combine, kind: Scalar["type"]): void {
  const f = kind === "f32";
  const names: Readonly<Record<string, OpName>> = {
    sum: f ? "f32x4.add" : "i32x4.add",
    prod: f ? "f32x4.mul" : "i32x4.mul",
    max: f ? "f32x4.pmax" : "i32x4.max_s",
    min: f ? "f32x4.pmin" : "i32x4.min_s",
  };
  code.op(names[combine]);
}

/** What accumulates: the value, where it was found for positions, and where there was a NaN. */
export interface Sums {
  readonly value: Local;
  readonly at: Local;
  readonly nan: Local | undefined;
}

/**
 * True where NaN has to be remembered apart: the instruction that keeps it takes eight times as long
 * as the one that does not.
 */
export function watchesNan({ combine, body }: Reduction): boolean {
  return (combine === "max" || combine === "min") && body.type === "f32";
}

/** Parts and then lanes put together, always in the same order. */
export function joined(
  { code }: Scope,
  { combine, body }: Reduction,
  all: readonly Sums[],
): Local {
  const kind = bodyOf(body).type;
  let left = all.map(({ value }) => value);
  while (left.length > 1) {
    const next: Local[] = [];
    for (let i = 0; i < left.length; i += 2) {
      code.get(left[i]);
      code.get(left[i + 1]);
      pushCombined(code, combine, kind);
      code.set(left[i]);
      next.push(left[i]);
    }
    left = next;
  }
  const [value] = left;
  for (
    const lanes of [[8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7], [
      ...[4, 5, 6, 7, 0, 1, 2, 3],
      ...[12, 13, 14, 15, 8, 9, 10, 11],
    ]]
  ) {
    code.get(value);
    code.get(value);
    code.get(value);
    code.shuffle(lanes);
    pushCombined(code, combine, kind);
    code.set(value);
  }
  const nans = all.flatMap(({ nan }) => nan === undefined ? [] : [nan]);
  if (nans.length) {
    // One NaN anywhere makes all lanes NaN.
    code.get(value);
    code.i32(0);
    nans.forEach((nan, i) => {
      code.get(nan);
      if (i > 0) code.op("v128.or");
    });
    code.op("v128.any_true");
    code.op("i32.sub");
    code.op("i32x4.splat");
    code.op("v128.or");
    code.set(value);
  }
  return value;
}

/** The position of the best of four lanes: the first of equals, the first NaN of all. */
export function bestLane(scope: Scope, { combine, body }: Reduction, { value, at }: Sums): Local {
  const { code } = scope;
  const float = bodyOf(body).type === "f32";
  const kind = float ? "f32" : "i32";
  const [x, best] = [code.local(kind), code.local(kind)];
  const [i, found] = [code.local("i32"), code.local("i32")];
  const take = (lane: number, to: Local, toAt: Local) => {
    code.get(value);
    code.op(`${kind}x4.extract_lane`, lane);
    code.set(to);
    code.get(at);
    code.op("i32x4.extract_lane", lane);
    code.set(toAt);
  };
  take(0, best, found);
  for (let lane = 1; lane < 4; lane++) {
    take(lane, x, i);
    const [a, b] = combine === "argmax" ? [x, best] : [best, x];
    const compare = (p: Local, q: Local, name: OpName) => {
      code.get(p);
      code.get(q);
      code.op(name);
    };
    compare(a, b, float ? "f32.gt" : "i32.gt_s");
    if (float) {
      compare(x, x, "f32.ne");
      compare(best, best, "f32.eq");
      code.op("i32.and");
      code.op("i32.or");
    }
    // Equal, or both NaN: the earlier one.
    compare(x, best, float ? "f32.eq" : "i32.eq");
    if (float) {
      compare(x, x, "f32.ne");
      compare(best, best, "f32.ne");
      code.op("i32.and");
      code.op("i32.or");
    }
    compare(i, found, "i32.lt_s");
    code.op("i32.and");
    code.op("i32.or");
    code.when(() => {
      code.get(x);
      code.set(best);
      code.get(i);
      code.set(found);
    });
  }
  const made = code.local("v128");
  code.get(found);
  code.op("i32x4.splat");
  code.set(made);
  return made;
}
