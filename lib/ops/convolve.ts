/**
 * The one convolution that every other is made of: grouped, strided, dilated in kernel and input,
 * padded by any amount. Its gradients are again itself, seen through views, to any order.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import type { ConvGeometry } from "../core/form.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import type { Tensor } from "../core/tensor.ts";
import { f16, i32, i8, isFloat, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { integers } from "../op/field.ts";
import { between, isTaken } from "../op/kinds.ts";
import { sliceFn } from "./slice.ts";
import { transpose } from "./shape.ts";

/** How the windows of a convolution lie; each pair is rows, then columns. */
export interface Windows {
  /** Distance between neighbouring windows. */
  readonly stride?: readonly number[];
  /** Distance between neighbouring taps of the kernel. */
  readonly dilate?: readonly number[];
  /** Distance at which the input's elements stand, with zeros between. */
  readonly inflate?: readonly number[];
  /** Zeros before each axis; negative ones cut. */
  readonly pad?: readonly number[];
  /** Extents of the result; what is needed behind the input follows from them. */
  readonly output: readonly number[];
}

/** The numbers of a convolution, from the types of x [n,g,c,h,w] and w [g,o,c,kh,kw]. */
export function geometryOf(x: Type, w: Type, at: Required<Windows>): ConvGeometry {
  const pair = (list: readonly number[]) => [list[0], list[1]] as const;
  const [n, g, c] = x.shape;
  return {
    ...{ n, g, c, o: w.shape[1], input: pair(x.shape.slice(3)), kernel: pair(w.shape.slice(3)) },
    ...{ output: pair(at.output), stride: pair(at.stride), dilate: pair(at.dilate) },
    ...{ inflate: pair(at.inflate), pad: pair(at.pad) },
  };
}

/** Grouped cross-correlation of x [n,g,c,h,w] with w [g,o,c,kh,kw], giving [n,g,o,oh,ow]. */
export const convolve: Fn<readonly ["x", "w"], Windows> = op({
  name: "convolve",
  doc: "Grouped cross-correlation of x [n,g,c,h,w] with w [g,o,c,kh,kw], giving [n,g,o,oh,ow]",
  ins: ["x", "w"],
  attrs: {
    stride: integers("distance between windows", { length: 2, from: 1, fallback: [1, 1] }),
    dilate: integers("distance between taps", { length: 2, from: 1, fallback: [1, 1] }),
    inflate: integers("distance of input elements", { length: 2, from: 1, fallback: [1, 1] }),
    pad: integers("zeros before each axis", { length: 2, fallback: [0, 0] }),
    output: integers("extents of the result", { length: 2, from: 0 }),
  },
  infer: ([x, w], { output }) => {
    const [xs, ws] = [x.shape, w.shape];
    if (xs.length !== 5 || ws.length !== 5 || xs[1] !== ws[0] || xs[2] !== ws[2]) {
      throw new ShapeError(
        `Cannot convolve x: ${printType(x)} with w: ${printType(w)}: x must be [n,g,c,h,w] and ` +
          "w [g,o,c,kh,kw] with the same g and c\n  try conv2d, which arranges them",
      );
    }
    if (x.dtype !== w.dtype || !isTaken("number", x.dtype)) {
      throw new DTypeError(
        `Cannot convolve x: ${printType(x)} with w: ${printType(w)}: both must have one numeric ` +
          "dtype\n  try cast",
      );
    }
    return { dtype: x.dtype, shape: [xs[0], xs[1], ws[1], ...output] };
  },
  eval: ([x, w], attrs, [out]) => [correlate(x, w, geometryOf(x, w, attrs), out)],
  lower: (at, [x, w], attrs) => ({
    kind: "conv",
    ...geometryOf(x, w, attrs),
    x: at(0, axesOf(x.shape)),
    w: at(1, axesOf(w.shape)),
  }),
  vjp: ({ ct, ins: [x, w], attrs, needs }) =>
    isFloat(x.dtype)
      ? [needs[0] ? towardsInput(ct, x, w, attrs) : undefined, towardsKernel(ct, x, w, attrs)]
      : [undefined, undefined],
  cases: [
    { ins: [between(-1, 1, [2, 1, 3, 6, 5]), between(-1, 1, [1, 4, 3, 3, 2])], attrs: plain(4, 4) },
    {
      ins: [between(-1, 1, [1, 2, 2, 7, 8]), between(-1, 1, [2, 3, 2, 3, 3])],
      attrs: { stride: [2, 3], dilate: [2, 1], pad: [2, 1], output: [4, 3] },
    },
    {
      ins: [between(-1, 1, [2, 1, 2, 3, 4]), between(-1, 1, [1, 2, 2, 3, 2])],
      attrs: { stride: [1, 2], inflate: [2, 3], pad: [1, -2], output: [5, 5] },
    },
    {
      ins: [between(-1, 1, f16([1, 1, 2, 5, 5])), between(-1, 1, f16([1, 2, 2, 3, 3]))],
      attrs: plain(3, 3),
    },
    {
      ins: [between(-9, 9, i32([1, 1, 2, 5, 5])), between(-9, 9, i32([1, 2, 2, 3, 3]))],
      attrs: plain(3, 3),
    },
    {
      ins: [between(-9, 9, i8([1, 1, 2, 5, 5])), between(-9, 9, i8([1, 2, 2, 3, 3]))],
      attrs: plain(3, 3),
    },
  ],
});

function plain(...output: readonly number[]): Windows {
  return { output };
}

/**
 * From oh·stride + kh·dilate − pad = ih·inflate, solved for oh with the kernel read backwards:
 * stride and inflation change places and the padding becomes (k − 1)·dilate − pad.
 */
export function towardsInput(ct: Tensor, x: Type, w: Tensor, at: Required<Windows>): Tensor {
  const kernel = w.shape.slice(3);
  const back = sliceFn(w, {
    begin: [0, 0, 0, ...kernel.map((k) => Math.max(0, k - 1))],
    size: w.shape,
    step: [1, 1, 1, -1, -1],
  });
  return convolve(ct, transpose(back, { perm: [0, 2, 1, 3, 4] }), {
    stride: at.inflate,
    inflate: at.stride,
    dilate: at.dilate,
    pad: kernel.map((k, i) => (k - 1) * at.dilate[i] - at.pad[i]),
    output: x.shape.slice(3),
  });
}

/**
 * The same equation with ct as the kernel: batch and channel change places, so do stride and
 * dilation.
 */
export function towardsKernel(ct: Tensor, x: Tensor, w: Type, at: Required<Windows>): Tensor {
  const found = convolve(
    transpose(x, { perm: [2, 1, 0, 3, 4] }),
    transpose(ct, { perm: [1, 2, 0, 3, 4] }),
    {
      stride: at.dilate,
      dilate: at.stride,
      inflate: at.inflate,
      pad: at.pad,
      output: w.shape.slice(3),
    },
  );
  return transpose(found, { perm: [1, 2, 0, 3, 4] });
}

/** Where one tap meets the input along one axis: two progressions of equal length. */
interface Meeting {
  readonly count: number;
  readonly out: number;
  readonly outStep: number;
  readonly in: number;
  readonly inStep: number;
}

/** All output positions o for which o·stride + shift is a whole multiple of inflate inside. */
function meeting(
  shift: number,
  stride: number,
  inflate: number,
  output: number,
  input: number,
): Meeting {
  const outStep = inflate / gcd(stride, inflate);
  const inStep = stride * outStep / inflate;
  let out = Math.max(0, Math.ceil(-shift / stride));
  for (let i = 0; i < outStep && (out * stride + shift) % inflate !== 0; i++) out++;
  const raw = out * stride + shift;
  if (out >= output || raw % inflate !== 0) return { count: 0, out, outStep, in: 0, inStep };
  const first = raw / inflate;
  const count = Math.min(
    Math.ceil((output - out) / outStep),
    Math.ceil((input - first) / inStep),
  );
  return { count: Math.max(0, count), out, outStep, in: first, inStep };
}

function gcd(a: number, b: number): number {
  while (b) [a, b] = [b, a % b];
  return a;
}

/** Plain loops, one plane of the result at a time; sums in double precision, integers wrap. */
function correlate(x: Host, w: Host, at: ConvGeometry, out: Type): Host {
  const { n, g, c, o, input: [h, v], kernel: [kh, kw], output: [oh, ow] } = at;
  const float = isFloat(out.dtype);
  // f16 is widened once: reading a Float16Array costs far more than reading a Float32Array
  const xs = x.dtype === "f16" ? Float32Array.from(x.data) : x.data;
  const ws = w.dtype === "f16" ? Float32Array.from(w.data) : w.data;
  const data = arrayOf(out.dtype, sizeOf(out.shape));
  const plane = float ? new Float64Array(oh * ow) : new Int32Array(oh * ow);
  const meet = (k: number, axis: 0 | 1) =>
    meeting(
      k * at.dilate[axis] - at.pad[axis],
      at.stride[axis],
      at.inflate[axis],
      at.output[axis],
      at.input[axis],
    );
  const rows = Array.from({ length: kh }, (_, k) => meet(k, 0));
  const columns = Array.from({ length: kw }, (_, k) => meet(k, 1));
  for (let z = 0; z < n * g; z++) {
    for (let p = 0; p < o; p++) {
      plane.fill(0);
      for (let q = 0; q < c; q++) {
        const from = (z * c + q) * h * v;
        const taps = (((z % g) * o + p) * c + q) * kh * kw;
        for (let i = 0; i < kh; i++) {
          for (let j = 0; j < kw; j++) {
            const tap = ws[taps + i * kw + j];
            if (float) addPlane(plane, xs, from, v, ow, tap, rows[i], columns[j]);
            else addWrapped(plane, xs, from, v, ow, tap, rows[i], columns[j]);
          }
        }
      }
      data.set(plane, (z * o + p) * oh * ow);
    }
  }
  return { dtype: out.dtype, shape: [...out.shape], data };
}

function addPlane(
  to: { [i: number]: number },
  x: { readonly [i: number]: number },
  from: number,
  width: number,
  outWidth: number,
  tap: number,
  row: Meeting,
  column: Meeting,
): void {
  const { count, outStep, inStep } = column;
  for (let r = 0; r < row.count; r++) {
    let o = (row.out + r * row.outStep) * outWidth + column.out;
    let i = from + (row.in + r * row.inStep) * width + column.in;
    for (let k = 0; k < count; k++) {
      to[o] += tap * x[i];
      o += outStep;
      i += inStep;
    }
  }
}

function addWrapped(
  to: { [i: number]: number },
  x: { readonly [i: number]: number },
  from: number,
  width: number,
  outWidth: number,
  tap: number,
  row: Meeting,
  column: Meeting,
): void {
  for (let r = 0; r < row.count; r++) {
    const o = (row.out + r * row.outStep) * outWidth + column.out;
    const i = from + (row.in + r * row.inStep) * width + column.in;
    for (let k = 0; k < column.count; k++) {
      to[o + k * column.outStep] += Math.imul(tap, x[i + k * column.inStep]);
    }
  }
}
