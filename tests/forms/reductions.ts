/**
 * Reductions, rows and contractions by their loop nests.
 * @module
 */
import type { Combine, Form } from "../../lib/core/form.ts";
import { addressOf, axesOf } from "../../lib/core/index.ts";
import { kindOf, narrow, s } from "../../lib/core/scalar.ts";
import { type DType, f32, type Type } from "../../lib/core/type.ts";
import { type FormCase, load, one, values } from "./values.ts";

/** Reduces the last axes of an operand, or the first ones. */
export function reduceForm(
  type: Type,
  shape: readonly number[],
  over: readonly number[],
  combine: Combine,
  isLast: boolean,
  dtype: DType = type.dtype,
): Form {
  const outer = axesOf(shape);
  const inner = axesOf(over, shape.length);
  const isPlace = combine === "argmax" || combine === "argmin";
  const kind = isPlace ? "i32" : kindOf(type.dtype);
  return {
    kind: "reduce",
    shape,
    over,
    combine,
    ins: [type],
    body: load(0, type, isLast ? [...outer, ...inner] : [...inner, ...outer]),
    outs: [{
      type: { dtype: isPlace ? "i32" : dtype, shape },
      index: addressOf(outer, shape),
      body: narrow(s.acc(0, kind), isPlace ? "i32" : dtype),
    }],
  };
}

const combines = ["sum", "prod", "max", "min", "argmax", "argmin"] as const;

function* everything(): Generator<FormCase> {
  const spaces = [[[5], [7]], [[3], [8]], [[6, 2], [4, 3]], [[1], [130]], [[9], [1]], [[], [260]]];
  for (const [shape, over] of spaces) {
    for (const isLast of [true, false]) {
      const extents = isLast ? [...shape, ...over] : [...over, ...shape];
      for (const combine of combines) {
        for (const dtype of ["f32", "i32"] as const) {
          if (dtype === "i32" && !(isLast && over[0] > 7)) continue;
          const type = { dtype, shape: extents };
          const form = reduceForm(type, shape, over, combine, isLast);
          yield one(form, [values(type)], { rtol: 2e-5, atol: 2e-5 });
        }
      }
      const type = { dtype: "f16" as const, shape: extents };
      yield one(reduceForm(type, shape, over, "sum", isLast), [values(type)], {
        rtol: 2e-3,
        atol: 1e-3,
      });
    }
  }
}

function* nothing(): Generator<FormCase> {
  const type = f32([0, 3]);
  for (const combine of ["sum", "max"] as const) {
    yield one(reduceForm(type, [3], [0], combine, false), [values(type)]);
  }
}

function* first(): Generator<FormCase> {
  const type = f32([4, 128]);
  const data = new Float32Array(4 * 128);
  for (let i = 0; i < 128; i++) {
    data[i] = i % 5;
    data[128 + i] = i === 77 || i === 42 ? NaN : i;
    data[256 + i] = -Infinity;
    data[384 + i] = -i % 7;
  }
  for (const combine of combines) {
    const form = reduceForm(type, [4], [128], combine, true);
    yield one(form, [{ ...type, data }], { rtol: 1e-5, atol: 0 });
    const turned = f32([128, 4]);
    const other = new Float32Array(4 * 128);
    data.forEach((x, i) => other[(i % 128) * 4 + Math.floor(i / 128)] = x);
    yield one(reduceForm(turned, [4], [128], combine, false), [{ ...turned, data: other }], {
      rtol: 1e-5,
      atol: 0,
    });
  }
}

function* long(): Generator<FormCase> {
  const type = f32([2, 59_000]);
  const data = new Float32Array(2 * 59_000).fill(0.1);
  const form = reduceForm(type, [2], [59_000], "sum", true);
  yield one(form, [{ ...type, data }], { rtol: 1e-5, atol: 0 });
}

function* windows(): Generator<FormCase> {
  const x = f32([2, 9, 11]);
  const shape = [2, 4, 5];
  const over = [3, 3];
  const [n, i, j] = axesOf(shape);
  const [p, q] = axesOf(over, 3);
  for (const combine of ["sum", "max"] as const) {
    const form: Form = {
      kind: "reduce",
      shape,
      over,
      combine,
      ins: [x],
      body: load(0, x, [n, s.add(s.mul(i, 2), p), s.add(s.mul(j, 2), q)]),
      outs: [{ type: f32(shape), index: addressOf([n, i, j], shape), body: s.acc(0) }],
    };
    yield one(form, [values(x)]);
  }
}

function* rows(): Generator<FormCase> {
  for (const [h, w] of [[3, 7], [5, 8], [33, 40], [2, 1024], [3, 1000], [2, 513], [4, 128]]) {
    for (const dtype of ["f32", "f16"] as const) {
      const x = { dtype, shape: [h, w] };
      const [i, j] = [...axesOf([h]), ...axesOf([w], 1)];
      const at = load(0, x, [i, j]);
      const e = s.exp(s.sub(at, s.acc(0)));
      const index = addressOf([i, j], [h, w]);
      const softmax: Form = {
        kind: "rows",
        shape: [h],
        over: [w],
        ins: [x],
        stages: [{ combine: "max", body: at }, { combine: "sum", body: e }],
        outs: [{ type: x, index, body: narrow(s.div(e, s.acc(1)), dtype) }],
      };
      const loose = { rtol: dtype === "f16" ? 2e-3 : 1e-5, atol: 1e-6 };
      yield one(softmax, [values(x)], loose);
      const mean = s.div(s.acc(0), w);
      const off = s.sub(at, mean);
      const g = f32([w]);
      const scale = s.div(1, s.sqrt(s.add(s.div(s.acc(1), w), 1e-5)));
      const norm: Form = {
        kind: "rows",
        shape: [h],
        over: [w],
        ins: [x, g],
        stages: [{ combine: "sum", body: at }, { combine: "sum", body: s.mul(off, off) }],
        outs: [{ type: x, index, body: narrow(s.mul(s.mul(off, scale), load(1, g, [j])), dtype) }],
      };
      yield one(norm, [values(x), values(g, 2)], { ...loose, atol: 1e-5 });
    }
  }
}

function* contractions(): Generator<FormCase> {
  const [m, n, k] = [5, 6, 7];
  const [a, b] = [f32([m, k]), f32([k, n])];
  const [i, j] = axesOf([m, n]);
  const [l] = axesOf([k], 2);
  const matmul: Form = {
    kind: "matmul",
    batch: [],
    m,
    n,
    k,
    ins: [a, b],
    a: load(0, a, [i, l]),
    b: load(1, b, [l, j]),
    outs: [{ type: f32([m, n]), index: addressOf([i, j], [m, n]), body: s.max(s.acc(0), 0) }],
  };
  yield one(matmul, [values(a), values(b, 2)]);
  const [x, w] = [f32([2, 6, 5, 7]), f32([2, 4, 3, 3, 3])];
  const at = axesOf([2, 2, 3, 5, 7]);
  const input = load(0, { dtype: "f32", shape: [2, 2, 3, 5, 7] }, at);
  const weight = load(1, w, axesOf([2, 4, 3, 3, 3]));
  const output = [3, 4];
  const shape = [2, 2, 4, ...output];
  const conv: Form = {
    kind: "conv",
    n: 2,
    g: 2,
    c: 3,
    o: 4,
    input: [5, 7],
    kernel: [3, 3],
    output: [3, 4],
    stride: [2, 2],
    dilate: [1, 1],
    inflate: [1, 1],
    pad: [1, 1],
    ins: [x, w],
    x: input,
    w: weight,
    outs: [{ type: f32(shape), index: addressOf(axesOf(shape), shape), body: s.acc(0) }],
  };
  yield one(conv, [values(x), values(w, 2)], { rtol: 1e-5, atol: 1e-5 });
}

/** Lists of reductions by what they are about. */
export const reductions: Readonly<Record<string, () => Generator<FormCase>>> = {
  "reduces rows, columns and everything": everything,
  "starts reductions over nothing": nothing,
  "finds the first of equals and the first NaN": first,
  "sums 60,000 elements within a few roundings": long,
  "pools windows": windows,
  "computes rows: softmax and normalisation": rows,
  "computes contractions by their loop nests": contractions,
};
