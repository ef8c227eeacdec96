/**
 * Contractions as WebAssembly: products and convolutions of all sizes around those of tiles, their
 * operands as they come, copied and packed, channels first and last, in every way to share the work.
 * @module
 */
import fc from "fast-check";
import type { ConvForm } from "../../../lib/core/form.ts";
import { s } from "../../../lib/core/scalar.ts";
import {
  convolution,
  convolutions,
  convOperands,
  type ConvOptions,
  integerProduct,
  type MatmulOptions,
  product,
  products,
  type Tail,
} from "../../forms/contractions.ts";
import type { FormCase } from "../../forms/values.ts";
import { assertEquals } from "../../std.ts";
import { wasmJudge } from "./agree.ts";

/** Which variants ran, so that a test of tiles is one. */
const seen = new Set<string>();
const watch = { seen: ({ name }: { readonly name: string }) => void seen.add(name) };
const judge = wasmJudge(watch);
const quick = wasmJudge({ ...watch, thorough: "some" });
/** The left operand never changes, or both do not. */
const turned = [[0], [0, 1]].map((constants) => wasmJudge({ constants, thorough: "some" }));
/** Sums of up to 150 products of values up to 2, in another order. */
const near = { rtol: 1e-5, atol: 5e-5 };

const conv = (options: ConvOptions): FormCase => {
  const form = convolution(options);
  return { form, ins: convOperands(form), tolerance: near };
};

for (const [m, n, k, options = {}] of products) {
  Deno.test(`wasm() multiplies ${m}x${n}x${k} ${JSON.stringify(options)}`, () => {
    const one: FormCase = { form: product(m, n, k, options), tolerance: near };
    for (const check of [judge, ...turned]) check(one);
  });
}

for (const [name, options] of Object.entries(convolutions)) {
  Deno.test(`wasm() convolves: ${name}`, () => {
    judge(conv(options));
    judge(conv({ ...options, last: true }));
    judge(conv({ ...options, last: true, spare: 2 }));
    quick(conv({ ...options, last: true, weights: "f16", o: (options.o ?? 8) * 4 }));
    for (const check of turned) check(conv({ ...options, last: true }));
  });
}

Deno.test("wasm() multiplies 1 to 9 rows by 1 to 50 columns", () => {
  const depths = [1, 2, 3, 4, 5, 7, 8, 13];
  let turn = 0;
  for (let m = 1; m <= 9; m++) {
    for (let n = 1; n <= 50; n++) {
      const tail = (["none", "bias", "residual", "long"] as const)[turn % 4];
      quick({ form: product(m, n, depths[turn % depths.length], { tail }), tolerance: near });
      turn++;
    }
  }
});

Deno.test("wasm() multiplies sizes around the tiles' with operands that lie turned", () => {
  let turn = 0;
  for (const m of [10, 23, 24, 25, 47, 49]) {
    for (const n of [20, 24, 44, 48, 51, 97, 120]) {
      const options: MatmulOptions = {
        turned: (["", "a", "b", "ab"] as const)[turn % 4],
        batch: turn % 3 ? [] : [2],
        tail: (["none", "long", "none", "residual", "none"] as const)[turn % 5],
      };
      quick({ form: product(m, n, 9 + turn % 4, options), tolerance: near });
      turn++;
    }
  }
});

Deno.test("wasm() sums deeply, by functions that steps share: sizes around those of tiles", () => {
  let turn = 0;
  for (const k of [63, 64, 65, 67, 90, 131]) {
    for (const [m, n] of [[1, 40], [2, 16], [3, 24], [7, 44], [5, 51], [26, 92], [50, 20]]) {
      const options: MatmulOptions = {
        turned: (["", "a", "b", "ab"] as const)[turn % 4],
        batch: turn % 3 ? [] : [2],
        tail: (["none", "bias", "residual", "long", "none"] as const)[turn % 5],
      };
      for (const check of [quick, turned[turn % 2]]) {
        check({ form: product(m, n, k, options), tolerance: near });
      }
      const whole = integerProduct(m, n, k, "i32", (["", "b"] as const)[turn % 2]);
      quick({ form: whole, tolerance: { rtol: 0, atol: 0 } });
      turn++;
    }
  }
  for (const [c, kernel] of [[8, [3, 3]], [65, [1, 1]], [6, [3, 5]], [3, [7, 7]]] as const) {
    for (const tail of ["none", "bias", "residual", "long"] as const) {
      for (const stride of [[1, 1], [2, 2]] as const) {
        const options = { c, kernel, tail, stride, input: [9, 11], o: 44, pad: [1, 1] } as const;
        quick(conv({ ...options, last: true, spare: turn++ % 2 }));
        quick(conv({ ...options, dilate: [1, 2] }));
      }
    }
  }
});

Deno.test("wasm() multiplies what is no f32: halves, integers, results in halves", () => {
  for (const turn of ["", "a", "b", "ab"] as const) {
    const half = product(12, 24, 16, { turned: turn, tail: "bias", dtype: "f16", out: "f16" });
    // One rounding to half: half a unit in the last of eleven binary places.
    judge({ form: half, tolerance: { rtol: 2 ** -10, atol: 2 ** -10 } });
  }
  // Several panels of what was narrow.
  for (const [m, n, k] of [[3, 50, 5], [1, 90, 7], [30, 48, 3]]) {
    const half = product(m, n, k, { dtype: "f16" });
    judge({ form: half, tolerance: near });
  }
  judge({ form: product(7, 10, 9, { out: "f16" }), tolerance: { rtol: 2 ** -10, atol: 2 ** -10 } });
});

Deno.test("wasm() sums integers of every width without rounding", () => {
  let turn = 0;
  for (const dtype of ["i32", "i16", "i8", "u8", "u16"] as const) {
    for (const [m, n, k] of [[6, 8, 12], [1, 45, 9], [30, 52, 7], [3, 3, 5]]) {
      const form = integerProduct(m, n, k, dtype, (["", "b", "a", "ab"] as const)[turn++ % 4]);
      for (const check of [judge, ...turned]) check({ form, tolerance: { rtol: 0, atol: 0 } });
    }
  }
});

Deno.test("wasm() computes what is fused into an operand, and addresses that are no sums", () => {
  const form = product(8, 12, 16);
  const k = { kind: "axis", type: "i32", axis: 2, extent: 16 } as const;
  if (form.a.kind !== "load") throw new TypeError("internal: the operand is no load");
  const scrambled = { ...form.a, index: s.rem(s.mul(form.a.index, 7), 128) };
  const guarded = { ...form.a, valid: s.lt(k, 9), fill: 2 };
  judge({ form: { ...form, a: s.max(form.a, 0), b: s.mul(form.b, s.toF32(k)) }, tolerance: near });
  judge({ form: { ...form, a: guarded }, tolerance: near });
  judge({ form: { ...form, a: scrambled }, tolerance: near });
  const column = { kind: "axis", type: "i32", axis: 4, extent: 8 } as const;
  for (const last of [false, true]) {
    const { form, ins } = conv({ last });
    // Zeros around the input are promised only where it is read as it lies.
    const c = { ...form as ConvForm, margin: undefined };
    judge({ form: { ...c, x: s.add(c.x, s.toF32(column)) }, ins, tolerance: near });
    judge({ form: { ...c, x: s.max(c.x, 0.25) }, ins, tolerance: near });
  }
});

Deno.test("wasm() keeps NaN and infinities in the rows and columns that have them", () => {
  const form = product(7, 30, 9, { tail: "bias" });
  const ins = form.ins.map(({ shape }, i) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
    if (i === 0) data[3 * 9 + 4] = NaN;
    if (i === 1) data[4 * 30 + 17] = Infinity;
    return { dtype: "f32" as const, shape, data };
  });
  judge({ form, ins, tolerance: near });
});

Deno.test("wasm() multiplies nothing: empty rows, columns and sums", () => {
  for (const [m, n, k] of [[0, 5, 3], [5, 0, 3], [5, 24, 0], [0, 0, 0]]) {
    judge({ form: product(m, n, k, { tail: "bias" }) });
  }
  judge(conv({ n: 0, last: true }));
});

Deno.test("wasm() convolves where the kernel is as large as the image, or larger with its padding", () => {
  for (const c of [1, 3, 8]) {
    for (const o of [1, 5, 24]) {
      for (const size of [1, 2, 5]) {
        const kernel = [size, size] as const;
        quick(conv({ c, o, input: kernel, kernel, pad: [0, 0], last: true, tail: "bias" }));
        quick(conv({ c, o, input: [2, 3], kernel, pad: [size - 1, size - 1], last: true }));
      }
    }
  }
});

const small = fc.integer({ min: 1, max: 3 });
const geometry = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  g: fc.constantFrom(1, 1, 2, 3, 8, 9),
  c: fc.constantFrom(1, 1, 2, 3, 4, 5),
  o: fc.constantFrom(1, 1, 2, 4, 7, 13),
  input: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 19 })),
  kernel: fc.tuple(small, fc.integer({ min: 1, max: 5 })),
  stride: fc.tuple(small, small),
  dilate: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  pad: fc.tuple(fc.integer({ min: -1, max: 3 }), fc.integer({ min: -1, max: 3 })),
  inflate: fc.constantFrom([1, 1], [1, 1], [1, 1], [2, 1], [2, 3]),
  packed: fc.boolean(),
  weights: fc.constantFrom("f32", "f32", "f16"),
  last: fc.constantFrom(true, true, false),
  spare: fc.constantFrom(0, 0, 1),
  tail: fc.constantFrom<Tail>("none", "bias", "residual", "long"),
});

Deno.test("wasm() convolves random geometries", () => {
  fc.assert(
    fc.property(geometry, (options) => {
      fc.pre(convolution(options as ConvOptions).output.every((n) => n > 0));
      quick(conv(options as ConvOptions));
    }),
    { numRuns: 250, seed: 3 },
  );
});

Deno.test("wasm() multiplies random shapes", () => {
  fc.assert(
    fc.property(
      fc.record({
        m: fc.integer({ min: 1, max: 60 }),
        n: fc.integer({ min: 1, max: 130 }),
        k: fc.integer({ min: 1, max: 20 }),
        turned: fc.constantFrom<"" | "a" | "b" | "ab">("", "a", "b", "ab"),
        batch: fc.constantFrom<readonly number[]>([], [], [3], [2, 2]),
        tail: fc.constantFrom<Tail>("none", "bias", "residual", "long"),
      }),
      ({ m, n, k, ...options }) => quick({ form: product(m, n, k, options), tolerance: near }),
    ),
    { numRuns: 100, seed: 5 },
  );
});

Deno.test("every variant of a contraction ran above", () => {
  assertEquals([...seen].sort(), [
    ...["depthwise", "loops", "phases", "tiles", "tiles-panels", "tiles-rows"],
  ]);
});
