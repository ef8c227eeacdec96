/**
 * Single steps that writing rules are made of: each is one file operator, or none where the
 * operator would do nothing, which loaders refuse.
 * @module
 */
import { arrayOf } from "../../core/host.ts";
import { broadcastShapes, type DType, sameShape, sizeOf } from "../../core/type.ts";
import { type Emitter, fileDType, fileShape, int32s, type Var } from "../emitter.ts";
import type { AxisDesc, FieldValue, Param } from "../model.ts";
import { enumNumber } from "../schema.ts";

/** A parameter table; words are members of the enum that `enums` names for the field. */
export function table(
  name: string,
  fields: Readonly<Record<string, FieldValue>> = {},
): Param {
  return { table: name, fields };
}

/** The number of an enum's member. */
export function member(enumName: string, word: string): number {
  const number = enumNumber(enumName, word);
  if (number === undefined) throw new TypeError(`internal: ${enumName} has no member ${word}`);
  return number;
}

/** One elementwise mode; the result has the first operand's dtype. */
export function elemwise(e: Emitter, mode: string, ...ins: readonly Var[]): Var {
  const shape = broadcastShapes(...ins.map((v) => v.shape))!;
  const param = table("Elemwise", { mode: member("ElemwiseMode", mode) });
  return e.opr("Elemwise", [param], ins, { dtype: ins[0].dtype, shape }, { label: mode });
}

/** A single number of a dtype. */
export function scalar(e: Emitter, value: number, dtype: DType): Var {
  const data = arrayOf(dtype, 1);
  data[0] = value;
  return e.hold({ dtype, shape: [1], data });
}

/** A list of integers. */
export function integers(e: Emitter, list: readonly number[]): Var {
  return e.hold(int32s(list));
}

/** The same values in another dtype; a truth made of numbers gives these numbers. */
export function convert(e: Emitter, x: Var, dtype: DType): Var {
  if (x.dtype === dtype) return x;
  if (x.mask) return convert(e, x.mask, dtype);
  const param = table("DType", { dtype: { name: fileDType(dtype) } });
  return e.opr("TypeCvtV2", [param], [x], { dtype, shape: x.shape });
}

/** A truth from numbers that are 0 or 1. */
export function truth(e: Emitter, mask: Var): Var {
  if (mask.dtype === "bool") return mask;
  return { ...convert(e, mask, "bool"), mask };
}

/** The same elements in another shape. */
export function reshape(e: Emitter, x: Var, shape: readonly number[], label?: string): Var {
  const to = fileShape(shape);
  if (sameShape(x.shape, to)) return x;
  const desc = unitSteps(x.shape, to);
  const out = { dtype: x.dtype, shape: to };
  if (desc) {
    const own = label ?? (to.length > x.shape.length ? "AddAxis" : "RemoveAxis");
    return e.opr("AxisAddRemove", [table("AxisAddRemove", { desc })], [x], out, { label: own });
  }
  return e.opr("ReshapeV1", [table("OptionalAxisV1")], [x, integers(e, to)], out, { label });
}

/** Steps that add and remove axes of extent 1, if that is all that two shapes differ by. */
function unitSteps(from: readonly number[], to: readonly number[]): AxisDesc[] | undefined {
  const wide = (shape: readonly number[]) => shape.filter((n) => n !== 1);
  if (from.length === to.length || !sameShape(wide(from), wide(to))) return undefined;
  const [less, more] = from.length < to.length ? [from, to] : [to, from];
  const axes: number[] = [];
  let at = 0;
  for (const [i, extent] of more.entries()) {
    if (extent === less[at]) at++;
    else if (extent === 1) axes.push(i);
    else return undefined;
  }
  if (at !== less.length) return undefined;
  return from.length < to.length
    ? axes.map((axis) => ({ method: 0, axis }))
    : axes.toReversed().map((axis) => ({ method: 1, axis }));
}

/** Repeated up to a shape. */
export function broadcast(e: Emitter, x: Var, shape: readonly number[]): Var {
  const to = fileShape(shape);
  if (sameShape(x.shape, to)) return x;
  const out = { dtype: x.dtype, shape: to };
  return e.opr("Broadcast", [table("Empty")], [x, integers(e, to)], out);
}

/** One value everywhere. */
export function filled(
  e: Emitter,
  value: number,
  dtype: DType,
  shape: readonly number[],
): Var {
  return broadcast(e, scalar(e, value, dtype), shape);
}

/** The axes in another order. */
export function transpose(e: Emitter, x: Var, perm: readonly number[]): Var {
  if (perm.every((a, i) => a === i)) return x;
  const out = { dtype: x.dtype, shape: perm.map((a) => x.shape[a]) };
  const param = table("Dimshuffle", { pattern: perm, ndim: x.shape.length });
  return e.opr("Dimshuffle", [param], [x], out);
}

/** One axis reduced to extent 1. */
export function reduce(
  e: Emitter,
  mode: string,
  x: Var,
  axis: number,
  wide: boolean = false,
): Var {
  const data_type = wide ? member("ReduceDataType", "FLOAT_O16xC32") : 0;
  const param = table("Reduce", { mode: member("ReduceMode", mode), axis, data_type });
  const out = { dtype: x.dtype, shape: x.shape.with(axis, 1) };
  return e.opr("ReduceV2", [param], [x], out, { label: "Reduce" });
}

/** Tensors one behind the other; one alone is itself. */
export function concat(e: Emitter, xs: readonly Var[], axis: number): Var {
  const some = xs.filter((x) => x.shape[axis] > 0);
  if (some.length < 2) return some[0] ?? xs[0];
  const total = some.reduce((n, x) => n + x.shape[axis], 0);
  const out = { dtype: xs[0].dtype, shape: xs[0].shape.with(axis, total) };
  return e.opr("Concat", [table("Axis", { axis })], some, out);
}

/** Ranges of some axes, each a begin, an end and a step that may be open. */
export interface Ranged {
  readonly axis: number;
  readonly begin?: number;
  readonly end?: number;
  readonly step?: number;
}

/** The parameter and the operands of ranges; the highest axis comes first. */
export function ranges(e: Emitter, list: readonly Ranged[]): { param: Param; ins: Var[] } {
  const sorted = list.toSorted((a, b) => b.axis - a.axis);
  const items = sorted.map(({ axis, begin, end, step }) => ({
    ...{ axis, begin: begin !== undefined, end: end !== undefined },
    ...{ step: step !== undefined, idx: false },
  }));
  const ins = sorted.flatMap(({ begin, end, step }) =>
    [begin, end, step].flatMap((n) => n === undefined ? [] : [integers(e, [n])])
  );
  return { param: table("IndexDescMaskDump", { items }), ins };
}

/** Every step-th element of each axis from a begin on. */
export function part(
  e: Emitter,
  x: Var,
  { begin, size, step }: {
    readonly begin: readonly number[];
    readonly size: readonly number[];
    readonly step: readonly number[];
  },
): Var {
  const list = rangesOf(x.shape, begin, size, step);
  if (!list.length) return x;
  const { param, ins } = ranges(e, list);
  return e.opr("Subtensor", [param], [x, ...ins], { dtype: x.dtype, shape: size });
}

/** The ranges of the axes that are not taken whole. */
export function rangesOf(
  shape: readonly number[],
  begin: readonly number[],
  size: readonly number[],
  step: readonly number[],
): Ranged[] {
  return shape.flatMap((extent, axis): Ranged[] => {
    const by = size[axis] > 1 ? step[axis] : 1;
    if (size[axis] === extent && by === 1) return [];
    const last = begin[axis] + (size[axis] - 1) * by;
    const past = size[axis] === 0 ? begin[axis] : last + Math.sign(by);
    return [{
      axis,
      begin: begin[axis],
      ...(past < 0 ? {} : { end: past }),
      ...(by === 1 ? {} : { step: by }),
    }];
  });
}

/** Number of elements. */
export function count(x: Var): number {
  return sizeOf(x.shape);
}
