/**
 * Tensors laid into larger ones: with one value around them, or with zeros between their elements.
 * @module
 */
import { ShapeError } from "../core/fault.ts";
import { guarded } from "../core/form.ts";
import { axesOf, plusIndex } from "../core/index.ts";
import { kindOf, lit, s, type Scalar } from "../core/scalar.ts";
import { printType, sameShape, sizeOf } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { integers, number, shape as shapeField } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { sliceFn } from "./slice.ts";

/** Elements placed at begin, begin + step, … along each axis of a zero tensor; undoes a slice. */
export const spaced: Fn<
  readonly ["x"],
  { shape: readonly number[]; begin: readonly number[]; step: readonly number[] }
> = op({
  name: "spaced",
  doc: "Elements placed at begin, begin + step, … along each axis of a zero tensor; undoes a slice",
  ins: ["x"],
  attrs: {
    shape: shapeField(),
    begin: integers("first index of each axis", { from: 0 }),
    step: integers("distance between elements", { from: 1 }),
  },
  infer: ([x], { shape }) => ({ dtype: x.dtype, shape }),
  eval: ([x], { begin, step }, [out]) => {
    const data = x.data.slice(0, 0).constructor as new (n: number) => typeof x.data;
    const to = new data(sizeOf(out.shape));
    const at = offsets(x.shape, out.shape, begin, step);
    for (let i = 0; i < at.length; i++) to[at[i]] = x.data[i];
    return [{ dtype: x.dtype, shape: [...out.shape], data: to }];
  },
  lower: (at, [x], { shape, begin, step }) => {
    const coords = axesOf(shape);
    let inside: Scalar = s.b(true);
    const from = coords.map((c, i) => {
      const raw = plusIndex(c, -begin[i]);
      const q = step[i] === 1 ? raw : s.div(raw, step[i]);
      inside = s.and(inside, s.and(s.ge(raw, 0), s.lt(q, x.shape[i])));
      if (step[i] !== 1) inside = s.and(inside, s.eq(s.rem(raw, step[i]), 0));
      return q;
    });
    const value = guarded(at(0, from), inside);
    return { kind: "map", shape, body: s.select(inside, value, lit(kindOf(x.dtype), 0)) };
  },
  vjp: ({ ct, ins: [x], attrs: { begin, step } }) => [sliceFn(ct, { begin, size: x.shape, step })],
  cases: [
    { ins: [between(-1, 1, [2, 3])], attrs: { shape: [5, 6], begin: [1, 0], step: [2, 2] } },
  ],
});

function offsets(
  from: readonly number[],
  to: readonly number[],
  begin: readonly number[],
  step: readonly number[],
): number[] {
  let out = [0];
  for (let d = 0; d < from.length; d++) {
    const next: number[] = [];
    for (const base of out) {
      for (let j = 0; j < from[d]; j++) next.push(base * to[d] + begin[d] + j * step[d]);
    }
    out = next;
  }
  return out;
}

/** One value around a tensor: `before` and `after` give the extents added along each axis. */
export const pad: Fn<
  readonly ["x"],
  { before: readonly number[]; after: readonly number[]; value?: number }
> = op({
  name: "pad",
  doc: "One value around a tensor: `before` and `after` give the extents added along each axis",
  ins: ["x"],
  attrs: {
    before: integers("elements added before each axis", { from: 0 }),
    after: integers("elements added after each axis", { from: 0 }),
    value: number("what is added", 0, true),
  },
  infer: ([x], { before, after }) => {
    if (before.length !== x.shape.length || after.length !== x.shape.length) {
      throw new ShapeError(
        `Cannot pad ${
          printType(x)
        } by before: [${before}] and after: [${after}]: give one number an axis`,
      );
    }
    return { dtype: x.dtype, shape: x.shape.map((e, i) => before[i] + e + after[i]) };
  },
  eval: ([x], { before, value }, [out]) => {
    const make = x.data.constructor as new (n: number) => typeof x.data;
    const to = new make(sizeOf(out.shape)).fill(
      x.dtype === "bool" ? Number(value !== 0) : value,
    ) as typeof x.data;
    const at = offsets(x.shape, out.shape, before, before.map(() => 1));
    for (let i = 0; i < at.length; i++) to[at[i]] = x.data[i];
    return [{ dtype: x.dtype, shape: [...out.shape], data: to }];
  },
  lower: (at, [x], { before, value }, [out]) => {
    let inside: Scalar = s.b(true);
    const from = axesOf(out.shape).map((c, i) => {
      const raw = plusIndex(c, -before[i]);
      if (out.shape[i] !== x.shape[i]) {
        inside = s.and(inside, s.and(s.ge(raw, 0), s.lt(raw, x.shape[i])));
      }
      return raw;
    });
    const body = s.select(inside, guarded(at(0, from), inside), lit(kindOf(x.dtype), value));
    return { kind: "map", shape: out.shape, body };
  },
  vjp: ({ ct, ins: [x], attrs: { before } }) => [
    sliceFn(ct, { begin: before, size: x.shape, step: before.map(() => 1) }),
  ],
  simplify: (out) => sameShape(out.shape, out.node.ins[0].shape) ? out.node.ins[0] : undefined,
  cases: [
    { ins: [between(-1, 1, [2, 3])], attrs: { before: [1, 0], after: [0, 2], value: -1 } },
  ],
});
