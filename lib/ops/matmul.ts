/**
 * Matrix products, batched over leading axes that broadcast.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { arrayOf, type Host } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import type { Draft } from "../core/op.ts";
import type { Scalar } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { broadcastShapes, f16, i32, printType, sizeOf, type Type } from "../core/type.ts";
import { type Fn, op } from "../op/declare.ts";
import { flag } from "../op/field.ts";
import { between, isTaken } from "../op/kinds.ts";
import { reshape, sumTo, transpose } from "./shape.ts";

/** What a matrix product takes besides its operands. */
export interface MatmulOptions {
  /** Use the transpose of a's last two axes. */
  readonly transposeA?: boolean;
  /** Use the transpose of b's last two axes. */
  readonly transposeB?: boolean;
}

interface Sizes {
  readonly batch: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

function sizes(a: Type, b: Type, attrs: MatmulOptions): Sizes {
  if (a.shape.length < 2 || b.shape.length < 2) {
    throw new ShapeError(
      `Cannot multiply a: ${printType(a)} by b: ${printType(b)}: both need two axes or more\n` +
        "  try expandDims on the vector, or matmul, which does it",
    );
  }
  if (a.dtype !== b.dtype || !isTaken("number", a.dtype)) {
    throw new DTypeError(
      `Cannot multiply a: ${printType(a)} by b: ${
        printType(b)
      }: both must have one numeric dtype\n  try cast`,
    );
  }
  const [p, q] = a.shape.slice(-2);
  const [r, t] = b.shape.slice(-2);
  const [m, k] = attrs.transposeA ? [q, p] : [p, q];
  const [k2, n] = attrs.transposeB ? [t, r] : [r, t];
  if (k !== k2) {
    throw new ShapeError(
      `Cannot multiply a: ${printType(a)} by b: ${
        printType(b)
      }: a has ${k} columns, b has ${k2} rows\n` +
        "  try transpose(b), or check the width given to the layer",
    );
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch) {
    throw new ShapeError(
      `Cannot multiply a: ${printType(a)} by b: ${
        printType(b)
      }: their leading axes do not broadcast`,
    );
  }
  return { batch, m, n, k };
}

/** Product of matrices in the last two axes; leading axes broadcast. */
const product: Fn<readonly ["a", "b"], MatmulOptions> = op({
  name: "matmul",
  doc: "Product of matrices in the last two axes; leading axes broadcast",
  ins: ["a", "b"],
  attrs: {
    transposeA: flag("use the transpose of a's last two axes"),
    transposeB: flag("use the transpose of b's last two axes"),
  },
  infer: ([a, b], attrs) => {
    const { batch, m, n } = sizes(a, b, attrs);
    return { dtype: a.dtype, shape: [...batch, m, n] };
  },
  eval: ([a, b], attrs, [out]) => [multiply(a, b, attrs, out)],
  lower: (at, [a, b], attrs): Draft => {
    const { batch, m, n, k } = sizes(a, b, attrs);
    const r = batch.length;
    const [im, in_, ik] = [axesOf([m], r)[0], axesOf([n], r + 1)[0], axesOf([k], r + 2)[0]];
    const lead = (t: Type): Scalar[] => {
      const own = t.shape.slice(0, -2);
      const coords = axesOf(batch);
      return own.map((e, i) => e === 1 ? { ...coords0 } : coords[r - own.length + i]);
    };
    const coords0 = { kind: "lit", type: "i32", value: 0 } as const;
    return {
      ...{ kind: "matmul", batch, m, n, k },
      a: at(0, [...lead(a), ...(attrs.transposeA ? [ik, im] : [im, ik])]),
      b: at(1, [...lead(b), ...(attrs.transposeB ? [in_, ik] : [ik, in_])]),
    };
  },
  vjp: ({ ct, ins: [a, b], attrs: { transposeA, transposeB } }) => {
    const da = transposeA
      ? product(b, ct, { transposeA: transposeB, transposeB: true })
      : product(ct, b, { transposeB: !transposeB });
    const db = transposeB
      ? product(ct, a, { transposeA: true, transposeB: transposeA })
      : product(a, ct, { transposeA: !transposeA });
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  cases: [
    { ins: [between(-1, 1, [5, 7]), between(-1, 1, [7, 3])] },
    {
      ins: [between(-1, 1, [2, 7, 5]), between(-1, 1, [3, 7])],
      attrs: { transposeA: true, transposeB: true },
    },
    { ins: [between(-1, 1, [2, 1, 4, 5]), between(-1, 1, [3, 5, 6])] },
    { ins: [between(-1, 1, f16([4, 5])), between(-1, 1, f16([5, 6]))] },
    { ins: [between(-9, 9, i32([4, 5])), between(-9, 9, i32([5, 6]))] },
    { ins: [between(-1, 1, [512, 512]), between(-1, 1, [512, 512])], bench: true, gradient: false },
  ],
});

/** The record of `matmul`. */
export const matmulFn: typeof product = product;

/**
 * Product of matrices in the last two axes; leading axes broadcast. A vector counts as a row on the
 * left and as a column on the right, and its axis is gone from the result, as in NumPy. Throws
 * ShapeError if the inner extents differ and DTypeError if the dtypes do.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const left = a.shape.length === 1 ? reshape(a, { shape: [1, ...a.shape] }) : a;
  const right = b.shape.length === 1 ? reshape(b, { shape: [...b.shape, 1] }) : b;
  const out = product(left, right, {
    transposeA: a.shape.length === 1 ? false : options.transposeA,
    transposeB: b.shape.length === 1 ? false : options.transposeB,
  });
  if (left === a && right === b) return out;
  const shape = [...out.shape];
  if (right !== b) shape.pop();
  if (left !== a) shape.splice(right === b ? -2 : -1, 1);
  return reshape(out, { shape });
}

/** Plain loops; sums in double precision, integers wrap. */
function multiply(a: Host, b: Host, attrs: MatmulOptions, out: Type): Host {
  const { batch, m, n, k } = sizes(a, b, attrs);
  const data = arrayOf(out.dtype, sizeOf(out.shape));
  const float = out.dtype === "f32" || out.dtype === "f16";
  const [am, ak] = attrs.transposeA ? [1, m] : [k, 1];
  const [bk, bn] = attrs.transposeB ? [1, k] : [n, 1];
  const offsetsA = batchOffsets(a.shape.slice(0, -2), batch, m * k);
  const offsetsB = batchOffsets(b.shape.slice(0, -2), batch, n * k);
  const row = new Float64Array(n);
  for (let z = 0; z < offsetsA.length; z++) {
    for (let i = 0; i < m; i++) {
      row.fill(0);
      for (let p = 0; p < k; p++) {
        const x = Number(a.data[offsetsA[z] + i * am + p * ak]);
        const at = offsetsB[z] + p * bk;
        if (float) { for (let j = 0; j < n; j++) row[j] += x * (b.data[at + j * bn] as number); }
        else {for (let j = 0; j < n; j++) {
            row[j] = (row[j] + Math.imul(x, b.data[at + j * bn] as number)) | 0;
          }}
      }
      data.set(row, (z * m + i) * n);
    }
  }
  return { ...out, shape: [...out.shape], data };
}

function batchOffsets(own: readonly number[], batch: readonly number[], step: number): number[] {
  let out = [0];
  let stride = step * sizeOf(own);
  const lead = batch.length - own.length;
  batch.forEach((extent, d) => {
    const mine = d < lead ? 1 : own[d - lead];
    stride = d < lead ? stride : stride / mine;
    const by = mine === 1 ? 0 : stride;
    out = out.flatMap((base) => Array.from({ length: extent }, (_, j) => base + j * by));
  });
  return out;
}

/** The last two axes exchanged. */
export function swap(x: Tensor): Tensor {
  const rank = x.shape.length;
  const perm = Array.from({ length: rank }, (_, i) => i);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(x, { perm });
}
