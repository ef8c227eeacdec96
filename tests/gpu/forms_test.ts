/**
 * Kernels of the WebGPU target against the interpreter of forms, for every variant that a form has
 * on a software adapter and on a device.
 * @module
 */
import { wgsl } from "../../kernels/wgsl/target.ts";
import { type Combine, type Form, printForm } from "../../lib/core/form.ts";
import { arrayOf, type Host } from "../../lib/core/host.ts";
import { addressOf, axesOf, constant } from "../../lib/core/index.ts";
import { kindOf, narrow, s, type Scalar } from "../../lib/core/scalar.ts";
import { type DType, dtypes, f32, i32, sizeOf, type Type } from "../../lib/core/type.ts";
import { evaluateForm } from "../../lib/cpu/form.ts";
import { fail } from "../std.ts";
import { type Bench, openBench } from "./run_kernel.ts";

const bench = await openBench();

function gpuTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ignore: bench === undefined,
    // The device is shared by the tests of this file, so its operations outlive each of them.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => body(bench!),
  });
}

/** Values that look random and are the same in every run. */
function values(type: Type, seed = 1): Host {
  const data = arrayOf(type.dtype, sizeOf(type.shape));
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const unit = (state >>> 8) / 2 ** 24;
    data[i] = type.dtype === "f32" || type.dtype === "f16"
      ? unit * 4 - 2
      : type.dtype === "bool"
      ? Number(unit > 0.5)
      : Math.floor(unit * 200) - (type.dtype.startsWith("u") ? 0 : 100);
  }
  return { ...type, data };
}

function load(operand: number, type: Type, coords: readonly Scalar[]): Scalar {
  const index = addressOf(coords, type.shape);
  return { kind: "load", type: kindOf(type.dtype), operand, index };
}

/** Runs every variant of a form for both classes of adapter and compares with the interpreter. */
async function agree(
  { limits, run }: Bench,
  form: Form,
  ins: readonly Host[],
  tolerance: { rtol: number; atol: number } = { rtol: 2e-6, atol: 1e-6 },
): Promise<void> {
  const wanted = evaluateForm(form, ins);
  const texts = new Set<string>();
  for (const adapter of ["software", "gpu"] as const) {
    const target = wgsl(limits, adapter);
    for (const variant of target.variants(form)) {
      const kernel = target.emit(form, variant);
      if (texts.has(kernel.text)) continue;
      texts.add(kernel.text);
      const found = await run(form, kernel, ins);
      wanted.forEach((want, k) => {
        const got = found[k].data;
        for (let i = 0; i < want.data.length; i++) {
          const [a, b] = [Number(got[i]), Number(want.data[i])];
          if (a === b || (a !== a && b !== b)) continue;
          if (Math.abs(a - b) <= tolerance.atol + tolerance.rtol * Math.abs(b)) continue;
          fail(
            `${variant.name}: result ${k}[${i}] is ${a}, not ${b}\n${
              printForm(form)
            }\n${kernel.text}`,
          );
        }
      });
    }
  }
}

function mapForm(
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

gpuTest("wgsl() maps every dtype at odd sizes", async (bench) => {
  for (const dtype of dtypes) {
    for (const n of [1, 3, 4, 5, 7, 8, 130, 1001]) {
      const type = { dtype, shape: [n] };
      const body = (x: Scalar) =>
        dtype === "bool" ? s.not(x) : x.type === "f32" ? s.mul(x, 3) : s.mul(x, 7);
      const form = mapForm([n], [type], dtype, (at) => body(load(0, type, at)));
      await agree(bench, form, [values(type)], { rtol: 0, atol: 0 });
    }
  }
});

gpuTest("wgsl() maps large spaces over two dimensions of work-groups", async (bench) => {
  const small = { ...bench, limits: { ...bench.limits, workgroups: 40 } };
  const type = f32([50_001]);
  const form = mapForm([50_001], [type], "f32", (at) => s.add(load(0, type, at), 1));
  await agree(small, form, [values(type)], { rtol: 1e-7, atol: 0 });
});

gpuTest("wgsl() maps broadcasts, transposes, guards, iotas and gathers", async (bench) => {
  for (const [h, w] of [[5, 7], [8, 12], [4, 16], [3, 4], [1, 9]]) {
    const [a, b, c] = [f32([h, w]), f32([w]), f32([w, h])];
    const ins = [a, b, c].map((t, i) => values(t, i + 1));
    const sum = mapForm(
      [h, w],
      [a, b, c],
      "f32",
      ([i, j]) => s.add(s.mul(load(0, a, [i, j]), load(1, b, [j])), load(2, c, [j, i])),
    );
    await agree(bench, sum, ins);
    const flat = mapForm([w, h], [a], "f16", ([j, i]) => load(0, a, [i, j]));
    await agree(bench, flat, [ins[0]]);
    const bytes = { dtype: "i8" as const, shape: [h, w] };
    const turned = mapForm([w, h], [bytes], "i8", ([j, i]) => load(0, bytes, [i, j]));
    await agree(bench, turned, [values(bytes)]);
    const padded = mapForm([h + 2, w + 4], [a], "f32", ([i, j]) => {
      const at = [s.sub(i, 1), s.sub(j, 3)];
      const valid = s.and(
        s.and(s.ge(at[0], 0), s.lt(at[0], h)),
        s.and(s.ge(at[1], 0), s.lt(at[1], w)),
      );
      const index = s.add(s.mul(at[0], w), at[1]);
      return { kind: "load", type: "f32", operand: 0, index, valid, fill: -1 };
    });
    await agree(bench, padded, [ins[0]]);
    const iota = mapForm([h, w], [], "f32", ([i, j]) => s.add(s.mul(s.toF32(i), 0.5), s.toF32(j)));
    await agree(bench, iota, []);
    const rows = i32([h]);
    const pick = { ...rows, data: Int32Array.from({ length: h }, (_, i) => (i * 3 + 1) % h) };
    const gathered = mapForm(
      [h, w],
      [rows, a],
      "f32",
      ([i, j]) => load(1, a, [load(0, rows, [i]), j]),
    );
    await agree(bench, gathered, [pick, ins[0]]);
    const columns = { ...b, dtype: "i32" as const };
    const choose = { ...columns, data: Int32Array.from({ length: w }, (_, j) => (j * 5 + 2) % w) };
    const mixed = mapForm(
      [h, w],
      [columns, a],
      "f32",
      ([i, j]) => load(1, a, [i, load(0, columns, [j])]),
    );
    await agree(bench, mixed, [choose, ins[0]]);
  }
});

gpuTest("wgsl() maps several results, reshapes and scattered addresses", async (bench) => {
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
      await agree(bench, form, [values(a)]);
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
    await agree(bench, part, [values(a)]);
  }
});

gpuTest("wgsl() dispatches nothing for empty results", async (bench) => {
  const type = f32([0, 3]);
  await agree(bench, mapForm([0, 3], [type], "f32", (at) => load(0, type, at)), [values(type)]);
  for (const combine of ["sum", "max"] as const) {
    await agree(bench, reduceForm(type, [3], [0], combine, false), [values(type)]);
  }
});

/** Reduces the last axes of an operand, or the first ones. */
function reduceForm(
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

gpuTest("wgsl() reduces rows, columns and everything", async (bench) => {
  const spaces = [[[5], [7]], [[3], [8]], [[6, 2], [4, 3]], [[1], [130]], [[9], [1]], [[], [260]]];
  for (const [shape, over] of spaces) {
    for (const isLast of [true, false]) {
      const extents = isLast ? [...shape, ...over] : [...over, ...shape];
      for (const combine of combines) {
        for (const dtype of ["f32", "i32"] as const) {
          if (dtype === "i32" && !(isLast && over[0] > 7)) continue;
          const type = { dtype, shape: extents };
          const form = reduceForm(type, shape, over, combine, isLast);
          await agree(bench, form, [values(type)], { rtol: 2e-5, atol: 2e-5 });
        }
      }
      const type = { dtype: "f16" as const, shape: extents };
      await agree(bench, reduceForm(type, shape, over, "sum", isLast), [values(type)], {
        rtol: 2e-3,
        atol: 1e-3,
      });
    }
  }
});

gpuTest("wgsl() finds the first of equals and the first NaN", async (bench) => {
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
    await agree(bench, form, [{ ...type, data }], { rtol: 1e-5, atol: 0 });
    const turned = f32([128, 4]);
    const other = new Float32Array(4 * 128);
    data.forEach((x, i) => other[(i % 128) * 4 + Math.floor(i / 128)] = x);
    await agree(
      bench,
      reduceForm(turned, [4], [128], combine, false),
      [{ ...turned, data: other }],
      {
        rtol: 1e-5,
        atol: 0,
      },
    );
  }
});

gpuTest("wgsl() sums 60,000 elements within a few roundings", async (bench) => {
  const type = f32([2, 59_000]);
  const data = new Float32Array(2 * 59_000).fill(0.1);
  const form = reduceForm(type, [2], [59_000], "sum", true);
  await agree(bench, form, [{ ...type, data }], { rtol: 1e-5, atol: 0 });
});

gpuTest("wgsl() pools windows", async (bench) => {
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
    await agree(bench, form, [values(x)]);
  }
});

gpuTest("wgsl() computes rows: softmax and normalisation", async (bench) => {
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
      await agree(bench, softmax, [values(x)], loose);
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
      await agree(bench, norm, [values(x), values(g, 2)], { ...loose, atol: 1e-5 });
    }
  }
});

gpuTest("wgsl() computes contractions by their loop nests", async (bench) => {
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
  await agree(bench, matmul, [values(a), values(b, 2)]);
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
  await agree(bench, conv, [values(x), values(w, 2)], { rtol: 1e-5, atol: 1e-5 });
});
