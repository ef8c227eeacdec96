/**
 * Forms at the edges of what vectors of four handle: every width from 0 on, narrow dtypes over all
 * their values, NaN, infinities and -0, neighbours that lie apart, backwards or beyond a guard.
 * @module
 */
import type { Combine, Form, RowsForm } from "../../lib/core/form.ts";
import { arrayOf, type Host, hostFromBytes } from "../../lib/core/host.ts";
import { addressOf, axesOf } from "../../lib/core/index.ts";
import { kindOf, narrow, s, type Scalar } from "../../lib/core/scalar.ts";
import { type DType, dtypes, f32, i32, sizeOf, type Type } from "../../lib/core/type.ts";
import { mapForm } from "./maps.ts";
import { reduceForm } from "./reductions.ts";
import { type FormCase, load, one, values } from "./values.ts";

const exact = { rtol: 0, atol: 0 };
const specials = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 65504, 1e30, 1e-30, 2 ** -149];

function hostOf(dtype: DType, shape: readonly number[], numbers: readonly number[]): Host {
  const data = arrayOf(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = numbers[i % numbers.length];
  return { dtype, shape, data };
}

/** Loads of every width that begin anywhere, go backwards, by twos, or leave the operand. */
function* neighbours(): Generator<FormCase> {
  for (const dtype of ["f32", "i16", "u8", "f16", "bool"] as const) {
    for (let n = 0; n <= 21; n++) {
      const type: Type = { dtype, shape: [2 * n + 7] };
      const x = values(type);
      const at = (index: (i: Scalar) => Scalar) =>
        mapForm([n], [type], dtype, ([i]) => ({
          ...{ kind: "load", type: kindOf(dtype), operand: 0 },
          index: index(i),
        }));
      yield one(at((i) => s.add(i, 3)), [x], exact);
      yield one(at((i) => s.add(s.mul(i, -1), n + 2)), [x], exact);
      yield one(at((i) => s.add(s.mul(i, 2), 1)), [x], exact);
      const guarded = mapForm([n], [type], dtype, ([i]) => {
        const index = s.sub(i, 2);
        const valid = s.and(s.ge(index, 0), s.lt(index, Math.max(1, n - 4)));
        return { kind: "load", type: kindOf(dtype), operand: 0, index, valid, fill: 1 };
      });
      yield one(guarded, [x], exact);
    }
  }
}

/** Every value that has 8 or 16 bits, read and written, and what does not fit. */
function* narrowTypes(): Generator<FormCase> {
  for (const dtype of dtypes) {
    if (dtype === "f32" || dtype === "i32" || dtype === "bool") continue;
    const bytes = dtype === "i8" || dtype === "u8" ? 1 : 2;
    const n = 2 ** (8 * bytes);
    const type: Type = { dtype, shape: [n] };
    const all = Uint16Array.from({ length: n }, (_, i) => i);
    const bits = bytes === 1 ? Uint8Array.from(all) : new Uint8Array(all.buffer);
    const x = hostFromBytes(type, bits);
    const wide = kindOf(dtype) === "f32" ? "f32" : "i32";
    yield one(mapForm([n], [type], wide, (at) => load(0, type, at)), [x], exact);
    yield one(mapForm([n], [type], dtype, (at) => load(0, type, at)), [x], exact);
    if (wide === "f32") continue;
    const grown = (at: Scalar[]) => s.add(s.mul(load(0, type, at), 3), 70000);
    yield one(mapForm([n], [type], dtype, grown), [x], exact);
  }
}

/** Numbers around those where halves round, overflow and lose their leading bit. */
function* halves(): Generator<FormCase> {
  const numbers = [...specials, 65519.99, 65520, 65536, 2 ** -14, 2 ** -24, 2 ** -25, 3 * 2 ** -26];
  for (let i = 0; i < 200; i++) numbers.push((1 + i / 2048) * 2 ** (i % 20 - 12), -(i + 0.5) / 3);
  const x = hostOf("f32", [numbers.length], numbers);
  yield one(mapForm([numbers.length], [x], "f16", (at) => load(0, x, at)), [x], exact);
  const doubled = mapForm([numbers.length], [x], "f16", (at) => s.mul(load(0, x, at), 0.75));
  yield one(doubled, [x], exact);
}

/** What is neither large nor small: NaN, infinities, zeros of either sign. */
function* special(): Generator<FormCase> {
  const n = specials.length;
  const all = specials.flatMap(() => specials);
  const turned = specials.flatMap((x) => specials.map(() => x));
  const [x, y] = [hostOf("f32", [n * n], all), hostOf("f32", [n * n], turned)];
  const bodies: ((a: Scalar, b: Scalar) => Scalar)[] = [
    (a) => a,
    (a) => s.neg(a),
    (a) => s.abs(a),
    (a, b) => s.add(a, b),
    (a, b) => s.mul(a, b),
    (a, b) => s.max(a, b),
    (a, b) => s.min(a, b),
    (a) => s.max(a, 0),
    (a) => s.min(s.max(a, 0), 6),
    (a, b) => s.select(s.lt(a, b), a, b),
    (a, b) => s.select(s.not(s.le(a, b)), a, b),
    (a) => s.select(s.isNan(a), s.f(-0), a),
  ];
  for (const body of bodies) {
    const form = mapForm(
      [n * n],
      [x, y],
      "f32",
      (at) => body(load(0, x, at), load(1, y, at)),
    );
    yield one(form, [x, y], { rtol: 1e-7, atol: 0 });
  }
}

/** Zeros keep their sign where a primitive says which they have. */
function* zeros(): Generator<FormCase> {
  for (const dtype of ["f32", "f16"] as const) {
    const n = 7;
    const x = hostOf(dtype, [n], [0, -0, 1]);
    const y = hostOf(dtype, [n], [-0, 2, 0, -0, -3]);
    const bodies: ((a: Scalar, b: Scalar) => Scalar)[] = [
      (a) => a,
      (a) => s.neg(a),
      (a) => s.abs(a),
      (a, b) => s.mul(a, b),
      (a, b) => s.add(a, b),
      (a, b) => s.max(a, b),
      (a, b) => s.min(a, b),
      (a, b) => s.select(s.lt(a, b), a, b),
      (a) => s.sqrt(a),
      (a) => s.floor(a),
      (a) => s.trunc(s.mul(a, -0.25)),
      (a) => s.tanh(a),
      (a) => s.sin(a),
    ];
    for (const body of bodies) {
      const form = mapForm(
        [n],
        [x, y],
        dtype,
        (at) => body(load(0, x, at), load(1, y, at)),
      );
      yield { form, ins: [x, y], tolerance: { rtol: 1e-3, atol: 0 }, signed: true };
    }
  }
}

const combines = ["sum", "prod", "max", "min", "argmax", "argmin"] as const;

/** Reductions of every length and width from nothing on, of every dtype. */
function* extents(): Generator<FormCase> {
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65];
  let turn = 0;
  for (const n of lengths) {
    for (const m of [0, 1, 2, 3, 4, 5, 9, 16, 17]) {
      for (const isLast of [true, false]) {
        const dtype = dtypes[turn++ % dtypes.length];
        const type: Type = { dtype, shape: isLast ? [m, n] : [n, m] };
        for (const combine of combines) {
          if (n === 0 && combine.startsWith("arg")) continue;
          yield one(reductionOf(type, [m], [n], combine, isLast), [values(type, turn)], {
            ...(dtype === "f16" ? { rtol: 4e-3, atol: 4e-3 } : { rtol: 3e-5, atol: 3e-5 }),
          });
        }
      }
    }
  }
}

/** Truth is counted; what is stored is as narrow as the operand, or wide. */
function reductionOf(
  type: Type,
  shape: readonly number[],
  over: readonly number[],
  combine: Combine,
  isLast: boolean,
): Form {
  if (type.dtype !== "bool") return reduceForm(type, shape, over, combine, isLast);
  const form = reduceForm({ ...type, dtype: "i32" }, shape, over, combine, isLast) as Extract<
    Form,
    { kind: "reduce" }
  >;
  const counted = form.body as Extract<Scalar, { kind: "load" }>;
  return { ...form, ins: [type], body: { ...counted, type: "bool" } };
}

/** Extremes among NaN, infinities and zeros: the first NaN, the first of equals. */
function* extremes(): Generator<FormCase> {
  for (const n of [3, 8, 11, 37]) {
    for (const isLast of [true, false]) {
      for (let shift = 0; shift < 5; shift++) {
        const numbers = [...specials.slice(shift), 2, 2, ...specials.slice(0, shift), 3];
        const type = f32(isLast ? [6, n] : [n, 6]);
        const x = hostOf("f32", type.shape, numbers);
        const finite = hostOf("f32", type.shape, numbers.map((v) => v === v ? v : 0.5));
        for (const combine of ["max", "min", "argmax", "argmin"] as const) {
          const form = reduceForm(type, [6], [n], combine, isLast);
          yield one(form, [x], exact);
          yield one(form, [finite], exact);
        }
      }
    }
  }
}

/** Reductions over axes that are apart, of products of operands, with operands behind the sum. */
function* bodies(): Generator<FormCase> {
  for (const [a, b, c, d] of [[2, 3, 4, 5], [3, 1, 6, 7], [1, 5, 1, 33], [4, 4, 4, 4]]) {
    const [x, y, z] = [f32([a, b, c, d]), f32([b, d]), f32([a, c])];
    const [i, k] = axesOf([a, c]);
    const [j, l] = axesOf([b, d], 2);
    const index = addressOf([i, k], [a, c]);
    const form: Form = {
      kind: "reduce",
      shape: [a, c],
      over: [b, d],
      combine: "sum",
      ins: [x, y, z],
      body: s.mul(load(0, x, [i, j, k, l]), load(1, y, [j, l])),
      outs: [
        { type: z, index, body: s.max(s.add(s.acc(0), load(2, z, [i, k])), 0) },
        {
          type: { dtype: "i8", shape: [c, a] },
          index: addressOf([k, i], [c, a]),
          body: narrow(s.toI32(s.acc(0)), "i8"),
        },
      ],
    };
    // The second result is whole numbers, which may fall on either side.
    yield one({ ...form, outs: [form.outs[0]] }, [x, y, z].map((t, k) => values(t, k + 1)), {
      rtol: 1e-5,
      atol: 1e-5,
    });
    const whole = [x, y, z].map((t) => hostOf("f32", t.shape, [1, -2, 3, 0]));
    yield one(form, whole, exact);
  }
}

/** Rows of every width, along memory and across it, over one axis or two. */
function* rows(): Generator<FormCase> {
  let turn = 0;
  for (const w of [0, 1, 2, 3, 4, 5, 7, 8, 9, 17, 33]) {
    for (const h of [0, 1, 3, 4, 5, 6, 17]) {
      for (const across of [false, true]) {
        const dtype = (["f32", "f16"] as const)[turn++ % 2];
        const over = w % 2 === 0 && w > 2 ? [2, w / 2] : [w];
        const type: Type = { dtype, shape: across ? [...over, h] : [h, ...over] };
        yield one(softmaxOf(type, h, over, across), [values(type, turn)], {
          ...(dtype === "f16" ? { rtol: 2e-3, atol: 1e-3 } : { rtol: 1e-5, atol: 1e-6 }),
        });
      }
    }
  }
}

function softmaxOf(
  type: Type,
  h: number,
  over: readonly number[],
  across: boolean,
): RowsForm {
  const [i] = axesOf([h]);
  const inner = axesOf(over, 1);
  const coords = across ? [...inner, i] : [i, ...inner];
  const at = load(0, type, coords);
  const e = s.exp(s.sub(at, s.acc(0)));
  const body = narrow(s.div(e, s.acc(1)), type.dtype);
  return {
    kind: "rows",
    shape: [h],
    over,
    ins: [type],
    stages: [{ combine: "max", body: at }, { combine: "sum", body: e }],
    outs: [{ type, index: addressOf(coords, type.shape), body }],
  };
}

/** Rows that are lost to NaN or infinity leave their neighbours alone. */
function* lostRows(): Generator<FormCase> {
  for (const across of [false, true]) {
    const type = f32(across ? [9, 6] : [6, 9]);
    const x = values(type);
    const at = (row: number, k: number) => across ? k * 6 + row : row * 9 + k;
    x.data[at(1, 4)] = NaN;
    x.data[at(3, 0)] = Infinity;
    for (let k = 0; k < 9; k++) x.data[at(4, k)] = -Infinity;
    yield one(softmaxOf(type, 6, [9], across), [x], { rtol: 1e-5, atol: 1e-6 });
  }
}

/** Indices that an operand holds, also for places in a row and for guards. */
function* indirect(): Generator<FormCase> {
  for (const n of [1, 3, 4, 6, 13]) {
    const table = f32([n, 5]);
    const picks = { ...i32([7]), data: Int32Array.from({ length: 7 }, (_, i) => i * 3 % n) };
    const row = load(0, picks, axesOf([7]));
    yield one(
      mapForm([7, 5], [picks, table], "f32", ([i, j]) => load(1, table, [load(0, picks, [i]), j])),
      [picks, values(table)],
      exact,
    );
    const [i] = axesOf([7]);
    const [j] = axesOf([5], 1);
    yield one(
      {
        ...{ kind: "reduce", shape: [7], over: [5], combine: "sum", ins: [picks, table] },
        body: load(1, table, [row, j]),
        outs: [{ type: f32([7]), index: i, body: s.acc(0) }],
      },
      [picks, values(table)],
      { rtol: 1e-6, atol: 1e-6 },
    );
  }
}

/** The lists by what they are about. */
export const edges: Readonly<Record<string, () => Generator<FormCase>>> = {
  "reads neighbours that lie anywhere": neighbours,
  "reads and writes all values of 8 and 16 bits": narrowTypes,
  "rounds to halves as the CPU does": halves,
  "keeps NaN, infinities and zeros": special,
  "keeps the signs of zeros": zeros,
  "reduces every extent of every dtype": extents,
  "finds extremes among NaN, infinities and zeros": extremes,
  "reduces products over axes that lie apart": bodies,
  "computes rows of every width, along memory and across": rows,
  "leaves rows alone whose neighbours are lost": lostRows,
  "reads where an operand says": indirect,
};
