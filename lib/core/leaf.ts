/**
 * Leaves and identities: arguments, constants, literals, the mark that a gradient puts around what
 * it differentiates by, and the node that carries a state's new value.
 * @module
 */
import { arrayOf, type Data, type Host, host, type HostArray } from "./host.ts";
import type { Op, VjpArgs } from "./op.ts";
import type { Scalar } from "./scalar.ts";
import { apply, type Call, located, type Node, type Tensor } from "./tensor.ts";
import { type DType, type Named, printType, sameType, type Type } from "./type.ts";
import { DTypeError, ShapeError } from "./fault.ts";

function leafOp(name: string, doc: string): Op {
  return {
    name,
    doc,
    ins: [],
    fields: {},
    infer: () => {
      throw new TypeError(`internal: the type of ${name} comes with it`);
    },
    cases: [],
  };
}

/** An argument of a staged function. */
export const argOp: Op = leafOp("arg", "An argument of a staged function");
/** A constant or a parameter. */
export const dataOp: Op = leafOp("data", "A constant or a parameter");

/** An argument leaf of a type; `name` is its name in texts and files. */
export function arg(type: Type | Named, name?: string, call?: Call): Tensor {
  const label = name ?? ("name" in type ? type.name : undefined);
  return apply(argOp, [], {}, { type, name: label, call })[0];
}

/** A leaf that holds a value, or where it comes from; a parameter has a name. */
export function constant(data: Data, name?: string): Tensor {
  return apply(dataOp, [], {}, { type: { dtype: data.dtype, shape: data.shape }, data, name })[0];
}

/** A number as the author wrote it, as a scalar constant of a dtype. */
export function literal(value: number, dtype: DType): Tensor {
  const array = arrayOf(dtype, 1);
  array[0] = dtype === "bool" ? Number(value !== 0) : value;
  const data = { dtype, shape: [], data: array };
  return apply(dataOp, [], { literal: true }, { type: { dtype, shape: [] }, data })[0];
}

/** True for a node that `literal` made: it is text of the program, where a tensor is a value. */
export function isLiteral(node: Node): boolean {
  return node.op === dataOp && node.attrs.literal === true;
}

/** What `tensor` takes: a number or truth, or lists of them to any depth. */
export type Nested = number | boolean | readonly Nested[];

/**
 * A constant from nested arrays, or from a typed array with a shape. The typed array gives the
 * dtype unless one is named; nested numbers are f32, nested truths bool. Values are converted once,
 * here. Throws ShapeError if lists differ in length or the count does not fit the shape.
 */
export function tensor(
  value: Nested | HostArray,
  shape?: readonly number[],
  dtype?: DType,
): Tensor {
  try {
    return valueOf(value, shape, dtype);
  } catch (error) {
    throw located(error, new Error("tensor"));
  }
}

function valueOf(value: Nested | HostArray, shape?: readonly number[], dtype?: DType): Tensor {
  if (ArrayBuffer.isView(value)) {
    const own = dtypeOfArray(value as HostArray);
    const want = dtype ?? own;
    if (want === undefined) {
      throw new DTypeError(
        `Cannot make a tensor of a ${value.constructor.name}: there is no such dtype\n` +
          '  try a Float32Array or an Int32Array, or name the dtype: tensor(data, shape, "f32")',
      );
    }
    const data = want === own ? value as HostArray : convert(value as HostArray, want);
    return constant(host({ dtype: want, shape: shape ?? [data.length] }, data));
  }
  const found: number[] = [];
  const flat: (number | boolean)[] = [];
  flatten(value as Nested, 0, found, flat);
  const want = dtype ?? (typeof flat[0] === "boolean" ? "bool" : "f32");
  const data = arrayOf(want, flat.length);
  flat.forEach((x, i) => data[i] = want === "bool" ? Number(Boolean(x)) : Number(x));
  return constant(host({ dtype: want, shape: shape ?? found }, data));
}

function flatten(
  value: Nested,
  depth: number,
  shape: number[],
  into: (number | boolean)[],
): void {
  if (!Array.isArray(value)) {
    if (depth !== shape.length) throw ragged();
    into.push(value as number | boolean);
    return;
  }
  if (into.length === 0 && shape.length === depth) shape.push(value.length);
  if (shape[depth] !== value.length) throw ragged();
  for (const item of value) flatten(item, depth + 1, shape, into);
}

function ragged(): ShapeError {
  return new ShapeError(
    "Cannot make a tensor of these lists: they differ in length or depth\n" +
      "  try lists of equal length at each depth",
  );
}

function dtypeOfArray(data: HostArray): DType | undefined {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof Int16Array) return "i16";
  if (data instanceof Int8Array) return "i8";
  if (data instanceof Uint8Array) return "u8";
  if (data instanceof Uint16Array) return "u16";
  if (typeof Float16Array !== "undefined" && data instanceof Float16Array) return "f16";
  return undefined;
}

/** The elements of an array converted to another dtype, as `cast` converts them. */
export function convert(data: HostArray, dtype: DType): HostArray {
  const out = arrayOf(dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    const x = Number(data[i]);
    out[i] = dtype === "bool" ? Number(x !== 0) : x;
  }
  return out;
}

const identity = {
  ins: ["x"],
  fields: {},
  infer: (ins: readonly Type[]): readonly Type[] => [ins[0]],
  cases: [],
} as const;

/** What a gradient differentiates by; an identity that only its own gradient sees. */
export const markOp: Op = {
  ...identity,
  name: "mark",
  doc: "What a gradient differentiates by; an identity",
  view: (coords: readonly Scalar[]) => coords,
  vjp: ({ ct }: VjpArgs) => [ct],
};

/** The same value with no gradient through it. */
export const detachOp: Op = {
  ...identity,
  name: "detach",
  doc: "The same value, through which no gradient flows",
  view: (coords: readonly Scalar[]) => coords,
  vjp: () => [undefined],
};

/** An identity on its first operand that also holds a state's new value. */
export const updatesOp: Op = {
  name: "updates",
  doc: "The first operand, carrying the new value of a state",
  ins: ["x", "state", "next"],
  fields: {},
  infer: (ins: readonly Type[]) => {
    if (!sameType(ins[1], ins[2])) {
      throw new ShapeError(
        `Cannot update a state of ${printType(ins[1])} by ${printType(ins[2])}: the types differ`,
      );
    }
    return [ins[0]];
  },
  view: (coords: readonly Scalar[]) => coords,
  vjp: ({ ct }: VjpArgs) => [ct, undefined, undefined],
  cases: [],
};

/** The same value with no gradient through it, as a constant to every gradient. */
export function detach(x: Tensor): Tensor {
  return apply(detachOp, [x], {})[0];
}

/** A fresh mark around a tensor. */
export function mark(x: Tensor): Tensor {
  return apply(markOp, [x], {})[0];
}

/** `x`, recording that `state` becomes `next`; found again by `nn.updated`. */
export function updates(x: Tensor, state: Tensor, next: Tensor): Tensor {
  return apply(updatesOp, [x, state, next], {})[0];
}

/** A host value of a tensor's leaf, if it is one. */
export function hostOf(t: Tensor): Host | undefined {
  const data = t.node.data;
  return data && "data" in data ? data : undefined;
}
