/**
 * Types of tensors: a dtype and a shape. Shapes are always lists of numbers, known while staging,
 * so that every size and every file offset is known before a byte moves.
 * @module
 */

/** The element types of tensors. */
export type DType = "f32" | "f16" | "i32" | "i16" | "i8" | "u8" | "u16" | "bool";

/** Every dtype, in the order used by tables and reports. */
export const dtypes: readonly DType[] = ["f32", "f16", "i32", "i16", "i8", "u8", "u16", "bool"];

/** The type of a tensor: what its elements are and how many there are along each axis. */
export interface Type {
  /** Element type. */
  readonly dtype: DType;
  /** Extent of each axis; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/** A type with the name an input shall have in files and messages. */
export interface Named extends Type {
  /** The input's name. */
  readonly name: string;
}

const itemSizes: Readonly<Record<DType, number>> = {
  f32: 4,
  f16: 2,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  u16: 2,
  bool: 1,
};

/** Bytes of one element. */
export function itemBytes(dtype: DType): number {
  return itemSizes[dtype];
}

/** Number of elements of a shape; 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (const extent of shape) n *= extent;
  return n;
}

/** Bytes of a dense tensor of this type. */
export function bytesOf(type: Type): number {
  return sizeOf(type.shape) * itemBytes(type.dtype);
}

/** True for `f32` and `f16`. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f16";
}

/** True for the signed and unsigned integer dtypes; `bool` is no integer. */
export function isInteger(dtype: DType): boolean {
  return !isFloat(dtype) && dtype !== "bool";
}

/** True if both shapes have the same extents. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** True if dtype and shape agree. */
export function sameType(a: Type, b: Type): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** Element strides of a dense row-major tensor. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/** The shape that NumPy's broadcasting rule gives, or `undefined` where the shapes disagree. */
export function broadcastShapes(...shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[at]) continue;
      if (out[at] !== 1) return undefined;
      out[at] = shape[i];
    }
  }
  return out;
}

/** The canonical text of a type, as in `f32[2,3]`. */
export function printType(type: Type): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

/** A type that carries a name, for an input of a model. */
export function named(name: string, type: Type): Named {
  return { name, dtype: type.dtype, shape: [...type.shape] };
}

function typeOf(dtype: DType, shape: readonly number[]): Type {
  return Object.freeze({ dtype, shape: Object.freeze([...shape]) });
}

/** The type of a 32-bit float tensor of this shape. */
export function f32(shape: readonly number[] = []): Type {
  return typeOf("f32", shape);
}

/** The type of a 16-bit float (IEEE half) tensor of this shape. */
export function f16(shape: readonly number[] = []): Type {
  return typeOf("f16", shape);
}

/** The type of a signed 32-bit integer tensor of this shape. */
export function i32(shape: readonly number[] = []): Type {
  return typeOf("i32", shape);
}

/** The type of a signed 16-bit integer tensor of this shape. */
export function i16(shape: readonly number[] = []): Type {
  return typeOf("i16", shape);
}

/** The type of a signed 8-bit integer tensor of this shape. */
export function i8(shape: readonly number[] = []): Type {
  return typeOf("i8", shape);
}

/** The type of an unsigned 8-bit integer tensor of this shape. */
export function u8(shape: readonly number[] = []): Type {
  return typeOf("u8", shape);
}

/** The type of an unsigned 16-bit integer tensor of this shape. */
export function u16(shape: readonly number[] = []): Type {
  return typeOf("u16", shape);
}

/** The type of a boolean tensor (one byte an element, 0 or 1) of this shape. */
export function bool(shape: readonly number[] = []): Type {
  return typeOf("bool", shape);
}
