/**
 * Maps: dtypes, sizes, addresses, guards, several results.
 * @module
 */
import type { Form } from "../../lib/core/form.ts";
import { addressOf, axesOf, constant } from "../../lib/core/index.ts";
import { kindOf, narrow, s, type Scalar } from "../../lib/core/scalar.ts";
import { type DType, dtypes, f32, i32, type Type } from "../../lib/core/type.ts";
import { type FormCase, load, one, values } from "./values.ts";

/** A map of one result over the points of its shape. */
export function mapForm(
  shape: readonly number[],
  ins: readonly Type[],
  dtype: DType,
  body: (axes: Scalar[]) => Scalar,
): Form {
  const axes = axesOf(shape);
  const type = { dtype, shape };
  return {
    kind: "map",
    shape,
    ins,
    outs: [{ type, index: addressOf(axes, shape), body: narrow(body(axes), dtype) }],
  };
}

function* everyDtype(): Generator<FormCase> {
  for (const dtype of dtypes) {
    for (const n of [1, 3, 4, 5, 7, 8, 130, 1001]) {
      const type = { dtype, shape: [n] };
      const body = (x: Scalar) =>
        dtype === "bool" ? s.not(x) : x.type === "f32" ? s.mul(x, 3) : s.mul(x, 7);
      const form = mapForm([n], [type], dtype, (at) => body(load(0, type, at)));
      yield { form, ins: [values(type)], tolerance: { rtol: 0, atol: 0 } };
    }
  }
}

function* addresses(): Generator<FormCase> {
  for (const [h, w] of [[5, 7], [8, 12], [4, 16], [3, 4], [1, 9]]) {
    const [a, b, c] = [f32([h, w]), f32([w]), f32([w, h])];
    const ins = [a, b, c].map((t, i) => values(t, i + 1));
    const sum = mapForm(
      [h, w],
      [a, b, c],
      "f32",
      ([i, j]) => s.add(s.mul(load(0, a, [i, j]), load(1, b, [j])), load(2, c, [j, i])),
    );
    yield one(sum, ins);
    const flat = mapForm([w, h], [a], "f16", ([j, i]) => load(0, a, [i, j]));
    yield one(flat, [ins[0]]);
    const bytes = { dtype: "i8" as const, shape: [h, w] };
    const turned = mapForm([w, h], [bytes], "i8", ([j, i]) => load(0, bytes, [i, j]));
    yield { form: turned, ins: [values(bytes)] };
    const padded = mapForm([h + 2, w + 4], [a], "f32", ([i, j]) => {
      const at = [s.sub(i, 1), s.sub(j, 3)];
      const valid = s.and(
        s.and(s.ge(at[0], 0), s.lt(at[0], h)),
        s.and(s.ge(at[1], 0), s.lt(at[1], w)),
      );
      const index = s.add(s.mul(at[0], w), at[1]);
      return { kind: "load", type: "f32", operand: 0, index, valid, fill: -1 };
    });
    yield one(padded, [ins[0]]);
    const iota = mapForm([h, w], [], "f32", ([i, j]) => s.add(s.mul(s.toF32(i), 0.5), s.toF32(j)));
    yield { form: iota, ins: [] };
    const rows = i32([h]);
    const pick = { ...rows, data: Int32Array.from({ length: h }, (_, i) => (i * 3 + 1) % h) };
    const gathered = mapForm(
      [h, w],
      [rows, a],
      "f32",
      ([i, j]) => load(1, a, [load(0, rows, [i]), j]),
    );
    yield one(gathered, [pick, ins[0]]);
    const columns = { ...b, dtype: "i32" as const };
    const choose = { ...columns, data: Int32Array.from({ length: w }, (_, j) => (j * 5 + 2) % w) };
    const mixed = mapForm(
      [h, w],
      [columns, a],
      "f32",
      ([i, j]) => load(1, a, [i, load(0, columns, [j])]),
    );
    yield one(mixed, [choose, ins[0]]);
  }
}

function* results(): Generator<FormCase> {
  for (const [h, w] of [[6, 10], [8, 16], [3, 5]]) {
    const a = f32([h * w]);
    const shape = [h, w];
    const [i, j] = axesOf(shape);
    const x: Scalar = { kind: "load", type: "f32", operand: 0, index: addressOf([i, j], shape) };
    for (const dtype of ["f32", "f16", "u8", "i16", "bool"] as const) {
      const body = kindOf(dtype) === "bool"
        ? s.gt(x, 0)
        : dtype.startsWith("f")
        ? x
        : s.toI32(s.mul(x, 10));
      const form: Form = {
        kind: "map",
        shape,
        ins: [a],
        outs: [
          { type: f32(shape), index: addressOf([i, j], shape), body: s.neg(x) },
          {
            type: { dtype, shape: [w, h] },
            index: addressOf([j, i], [w, h]),
            body: narrow(body, dtype),
          },
        ],
      };
      yield { form: form, ins: [values(a)] };
    }
    const half = [h / 2 | 0, w];
    const [p, q] = axesOf(half);
    const part: Form = {
      kind: "map",
      shape: half,
      ins: [a],
      outs: [{
        type: f32([w, h]),
        index: addressOf([q, s.mul(p, constant(2))], [w, h]),
        body: { kind: "load", type: "f32", operand: 0, index: addressOf([p, q], half) },
      }],
    };
    yield { form: part, ins: [values(a)] };
  }
}

function* empty(): Generator<FormCase> {
  const type = f32([0, 3]);
  yield { form: mapForm([0, 3], [type], "f32", (at) => load(0, type, at)) };
}

/** Lists of maps by what they are about. */
export const maps: Readonly<Record<string, () => Generator<FormCase>>> = {
  "maps every dtype at odd sizes": everyDtype,
  "maps broadcasts, transposes, guards, iotas and gathers": addresses,
  "maps several results, reshapes and scattered addresses": results,
  "maps nothing for empty results": empty,
};
