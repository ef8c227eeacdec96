/**
 * Weighted sums of a few elements along an axis. Which and how much is known while staging, so the
 * gradient is the same operation with the tables turned around.
 * @module
 */
import { DTypeError, ShapeError } from "../core/fault.ts";
import { type Host, host, isHost } from "../core/host.ts";
import { axesOf } from "../core/index.ts";
import { constant } from "../core/leaf.ts";
import { s } from "../core/scalar.ts";
import type { Tensor } from "../core/tensor.ts";
import { f16, f32, i32, isFloat, printType } from "../core/type.ts";
import { summed } from "../cpu/summed.ts";
import { type Fn, op } from "../op/declare.ts";
import { axis as axisField } from "../op/field.ts";
import { between } from "../op/kinds.ts";
import { mul } from "./arithmetic.ts";
import { gather, scatterAdd } from "./gather.ts";
import { linearRows, type Row } from "./resample.ts";
import { eachLine, linesOf } from "./scan.ts";
import { as } from "./select.ts";
import { expandDims, reshape, sumTo } from "./shape.ts";

/**
 * Weighted sums of elements along an axis: row o of two tables [n,k] says which k elements the o-th
 * of n results is made of, and how much of each. Elements of weight 0 are not looked at.
 */
export const mixAlong: Fn<readonly ["x", "index", "weight"], { axis?: number }> = op({
  name: "mixAlong",
  doc: "Weighted sums of elements along an axis: row o of two tables [n,k] says which k elements " +
    "the o-th of n results is made of, and how much of each",
  ins: ["x", "index", "weight"],
  attrs: { axis: axisField(-1) },
  infer: ([x, index, weight], { axis }) => {
    const { shape } = index;
    const fits = shape.length === 2 && String(shape) === String(weight.shape) &&
      (x.shape[axis] > 0 || shape[0] === 0);
    if (!fits || index.dtype !== "i32" || weight.dtype !== "f32") {
      throw new ShapeError(
        `Cannot mix x: ${printType(x)} by index: ${printType(index)} and weight: ` +
          `${printType(weight)}: they must be i32[n,k] and f32[n,k]`,
      );
    }
    if (!isFloat(x.dtype)) {
      throw new DTypeError(
        `Cannot mix x: ${printType(x)}: it must be of a float dtype\n  try cast`,
      );
    }
    return { dtype: x.dtype, shape: x.shape.with(axis, shape[0]) };
  },
  eval: ([x, index, weight], { axis }, [out]) => {
    const [, k] = index.shape;
    const from = linesOf(x, axis);
    const last = x.shape[axis] - 1;
    return summed(out, (sums) =>
      eachLine(out, axis, (at, n, by, line) => {
        for (let o = 0; o < n; o++) {
          for (let i = 0; i < k; i++) {
            const share = weight.data[o * k + i];
            if (share === 0) continue;
            const place = Math.min(last, Math.max(0, index.data[o * k + i]));
            sums[at + o * by] += share * x.data[from[line] + place * by];
          }
        }
      }));
  },
  lower: (at, [x, index], { axis }, [out]) => {
    const coords = axesOf(out.shape);
    const [k] = axesOf([index.shape[1]], out.shape.length);
    const row = [coords[axis], k];
    const place = s.min(s.max(at(1, row), 0), x.shape[axis] - 1);
    const share = at(2, row);
    const part = s.mul(at(0, coords.with(axis, place)), share);
    const body = s.select(s.eq(share, 0), 0, part);
    return { kind: "reduce", shape: out.shape, over: [index.shape[1]], combine: "sum", body };
  },
  vjp: ({ ct, ins: [x, index, weight], attrs: { axis }, needs }) => {
    const size = x.shape[axis];
    const turned = turnedTables(index, weight, size);
    const apart = expandDims(ct, { axis: axis + 1 });
    const lead = [...x.shape.map((_, i) => i === axis ? index.shape[0] : 1)];
    const wide = lead.toSpliced(axis + 1, 0, index.shape[1]);
    const toX = () =>
      turned ? mixAlong(ct, turned.index, turned.weight, { axis }) : scatterAdd(
        mul(apart, as(reshape(weight, { shape: wide }), ct.dtype)),
        index,
        { axis, size },
      );
    const toWeight = () => {
      const all = as(mul(apart, gather(x, index, { axis })), "f32");
      return reshape(sumTo(all, wide), { shape: weight.shape });
    };
    return [needs[0] ? toX() : undefined, undefined, needs[2] ? toWeight() : undefined];
  },
  cases: [
    { ins: [between(-1, 1, [2, 4, 3]), ...tables(linearRows(4, 7))], attrs: { axis: 1 } },
    { ins: [between(-1, 1, f16([2, 5])), ...tables(linearRows(5, 3))] },
  ],
});

/** Rows as two tables; short ones are filled with weight 0. */
export function tables(rows: readonly Row[]): readonly [Host, Host] {
  const k = Math.max(1, ...rows.map((row) => row.length));
  const index = new Int32Array(rows.length * k), weight = new Float32Array(rows.length * k);
  rows.forEach((row, o) =>
    row.forEach(([i, w], at) => {
      index[o * k + at] = i;
      weight[o * k + at] = w;
    })
  );
  return [host(i32([rows.length, k]), index), host(f32([rows.length, k]), weight)];
}

/** The tables of the transposed sums, where both are constants. */
function turnedTables(
  index: Tensor,
  weight: Tensor,
  size: number,
): { readonly index: Tensor; readonly weight: Tensor } | undefined {
  const [i, w] = [index.node.data, weight.node.data];
  if (!isHost(i) || !isHost(w)) return undefined;
  const [, k] = index.shape;
  const rows = Array.from({ length: size }, (): (readonly [number, number])[] => []);
  w.data.forEach((share, at) => {
    const place = Math.min(size - 1, Math.max(0, Number(i.data[at])));
    if (share !== 0) rows[place].push([Math.floor(at / k), Number(share)]);
  });
  const [turned, shares] = tables(rows);
  return { index: constant(turned), weight: constant(shares) };
}
